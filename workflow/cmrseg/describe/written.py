"""The subject table and the study file of a folder that was looked at."""

import json
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pandas as pd

from cmrseg.describe.found import Found, subject_name

# With fewer labelled patients nothing is divided: all are `test`.
LEAST_TO_TRAIN = 5
# Parts of the labelled patients that validate and test networks; the others train them.
VALIDATE, TEST = 0.2, 0.2
SEED = 1

TRAINING = """
# To train, add these lines, and a table of models as config/models/own-data.tsv (docs/own-data.md):
# weights:
#   ukbb: resources/models/ukbb_sa
# models: config/models/{name}.tsv
# evaluate:
#   - {{cohort: {cohort}, labellers: [ukbb, <your model>], reference: {reference}}}
"""
PREDICTION = """
# To segment with a network, add these lines (docs/weights.md):
# weights:
#   ukbb: resources/models/ukbb_sa
# predict:
#   - {{cohort: {cohort}, labellers: [ukbb]}}
"""


def subject_table(found: Found) -> pd.DataFrame:
    """A row per study: subject, study, split, and patient or set where they are known.

    Layout kaggle has the splits of its sets. Else, with contours of at least LEAST_TO_TRAIN
    patients, these are divided at random (SEED), a patient's examinations together; everyone else
    is `test`. Raises ValueError where two studies would be one subject.
    """
    subjects = {study: subject_name(study) for study in found.studies}
    named: dict[str, str] = {}
    for study, subject in subjects.items():
        if (other := named.setdefault(subject, study)) != study:
            raise ValueError(f"studies {other} and {study} are both subject {subject}; rename one")
    patients = _patients(found)
    splits = found.sets or _splits(found, patients)
    table = pd.DataFrame(
        {
            "subject": list(subjects.values()),
            "study": list(subjects),
            "split": [splits[study] for study in subjects],
        },
        dtype=str,
    )
    if any(patients[study] != study for study in subjects):
        table["patient"] = [patients[study] for study in subjects]
    if found.sets:
        table["set"] = [found.sets[study] for study in subjects]
    return table.sort_values("subject", ignore_index=True)


def _patients(found: Found) -> dict[str, str]:
    """Each study's patient, called by their first study: identifiers are not written."""
    first: dict[str, str] = {}
    return {
        study: first.setdefault(found.patients.get(study, f"study {study}"), study)
        for study in found.studies
    }


def _splits(found: Found, patients: dict[str, str]) -> dict[str, str]:
    labelled = sorted({patients[study] for study in found.labelled if study in patients})
    split = dict.fromkeys(patients.values(), "test")
    if len(labelled) >= LEAST_TO_TRAIN:
        order = np.random.default_rng(SEED).permutation(labelled)
        test, validate = round(len(order) * TEST), round(len(order) * VALIDATE)
        split |= dict.fromkeys(order[test : test + validate], "validate")
        split |= dict.fromkeys(order[test + validate :], "train")
    return {study: split[patient] for study, patient in patients.items()}


def study_file(found: Found, name: str, table: str, raw: str) -> str:
    """The study as YAML, which shows images and contours, and says how to go on.

    name: of the study and of its cohort. table: path of the subject table. raw: path of the raw
    files, as it is written.
    """
    lines = [
        f"# Written by looking at {raw}; docs/describe.md says how. Keys: config/README.md.",
        f"study: {name}",
        "",
        "cohorts:",
        f"  {name}:",
        f"    subjects: {table}",
        f"    layout: {found.layout}",
        f"    raw: {_value(raw)}",
    ]
    lines += [f"    {key}: {_value(value)}" for key, value in found.settings.items()]
    if found.annotators:
        lines.append("    annotators:")
        lines += [f"      {who}: {_value(form)}" for who, form in found.annotators.items()]
    figures = list(_figures(found, name))
    if figures:
        lines += ["", "figures:", *(f"  {figure}" for figure in figures)]
    text = "\n".join(lines) + "\n"
    maps = [who for who, form in found.annotators.items() if form not in ("points", "tagging")]
    if maps:
        text += TRAINING.format(name=name, cohort=name, reference=maps[0])
    return text + PREDICTION.format(cohort=name)


def _figures(found: Found, cohort: str) -> Iterable[str]:
    if found.layout in ("folder", "kaggle"):
        yield f"cleaning: {{figure: cleaning, cohort: {cohort}}}"
    short = "sa" in found.settings.get("sequences", ["sa"])
    for who, form in found.annotators.items():
        of_short = not isinstance(form, dict) or form.get("sequence", "sa") == "sa"
        if short and of_short and form not in ("points", "tagging"):
            yield f"contours_{who}: {{figure: prediction, cohort: {cohort}, labellers: [{who}]}}"


def _value(value: object) -> str:
    """A value as YAML: JSON is YAML, and quotes keep names and paths text."""
    return json.dumps(value, ensure_ascii=False)


def report(found: Found, table: pd.DataFrame) -> str:
    """What was found, who drew what, how subjects are divided, and what was not understood."""
    lines = [f"Layout {found.layout}, {len(found.studies)} subjects:"]
    subjects = dict(zip(table["study"], table["subject"], strict=True))
    lines += [f"  {subjects[study]}: {words}" for study, words in found.studies.items()]
    for who, form in found.annotators.items():
        lines.append(f"Annotator {who}: {form if isinstance(form, str) else form['form']}")
    if found.annotators:
        lines.append(f"Labelled are {len(found.labelled)} of {len(found.studies)} subjects")
    counts = table["split"].value_counts()
    lines.append(
        "Splits: "
        + ", ".join(f"{counts[s]} {s}" for s in ("train", "validate", "test") if s in counts)
    )
    if found.unclear:
        lines.append("Not understood, and left out:")
        lines += [f"  {name}: {reason}" for name, reason in found.unclear]
    return "\n".join(lines)


def where(raw: Path, top: Path) -> str:
    """A raw folder as a study in `top` names it: relative within it, else whole."""
    raw, top = raw.resolve(), top.resolve()
    return raw.relative_to(top).as_posix() if raw.is_relative_to(top) else raw.as_posix()
