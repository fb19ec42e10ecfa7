"""Label maps and measures of a cohort as a BIDS derivative dataset.

Brain Imaging Data Structure 1.10 (bids-specification.readthedocs.io): discrete segmentations with a
lookup table, measures as phenotypic data. BIDS has no name for cines, so that the sequence is in
`acq-` of anatomical images; the images themselves stay where they are.
"""

import json
import re
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from cmrseg.labels import COLOURS, NAMES, SHORT_NAMES, UNLABELLED, Tissue
from cmrseg.measure.labellers import LabelMaps, tissues_known
from cmrseg.sequences import SEQUENCES, image_path

BIDS_VERSION = "1.10.0"
# What follows the number of a measure's name, and its unit in words.
UNITS = {"_ml": "ml", "_l_min": "l/min", "_g": "g", "_bpm": "1/min", "_cm2": "cm2"}
# What a column says that is no measure.
DESCRIBED = {
    "ed_frame": "ed_frame, counted from 0",
    "es_frame": "es_frame, counted from 0",
    "edited": "number of slices, over all frames, whose labels were edited by hand",
}


def bids_label(text: str) -> str:
    """A text as a label of BIDS, which has letters and digits alone."""
    return re.sub(r"[^A-Za-z0-9]", "", text)


def export_bids(
    labeller: LabelMaps,
    is_manual: bool,
    volumes: pd.DataFrame,
    version: str,
    folder: Path,
    sidecars: Mapping[str, Mapping[str, Any]] | None = None,
) -> None:
    """Write the dataset of a labeller's maps.

    volumes: table of its measures. version: of this software. folder: to fill, which is there.
    sidecars: further keys of the JSON file beside the label maps, by subject.
    `sub-<subject>/anat/sub-<subject>_acq-<sequence>_desc-<labeller>_dseg.nii.gz` are the label maps
    as they are. Raises ValueError naming two subjects that BIDS cannot tell apart.
    """
    folders, sequence = labeller.folders(), SEQUENCES[labeller.sequence]
    labels = _labels(folders)
    desc = bids_label(labeller.name)
    _write_json(
        folder / "dataset_description.json",
        {
            "Name": f"{sequence.name} of {labeller.cohort}, segmented by {labeller.name}",
            "BIDSVersion": BIDS_VERSION,
            "DatasetType": "derivative",
            "GeneratedBy": [{"Name": "cmrseg", "Version": version}],
        },
    )
    (folder / "README").write_text(
        f"Label maps of {sequence.name} by {labeller.name}, on the grid of the images; "
        f"their numbers are in desc-{desc}_dseg.tsv. Measures are in phenotype/. Research use, not "
        "a medical device.\n",
        "utf-8",
        newline="\n",
    )
    _write_table(_lookup(tissues_known(labeller, folders)), folder / f"desc-{desc}_dseg.tsv")
    for subject, source in folders.items():
        own = labels[subject]
        place = folder / own / "anat"
        place.mkdir(parents=True)
        stem = f"{own}_acq-{bids_label(sequence.key)}_desc-{desc}_dseg"
        path = image_path(source, sequence.key)
        shutil.copyfile(path, place / f"{stem}.nii.gz")
        about = {"Manual": is_manual, "Description": f"{sequence.name}, frames over the heart beat"}
        _write_json(place / f"{stem}.json", about | dict((sidecars or {}).get(subject, {})))
    people = pd.DataFrame({"participant_id": labels.values(), "subject": labels.keys()})
    _write_table(people, folder / "participants.tsv")
    told = {"subject": {"Description": "Name of the subject, with all its signs"}}
    _write_json(folder / "participants.json", told)
    _write_measures(volumes, labels, sequence.key, folder / "phenotype")


def _labels(folders: Mapping[str, Path]) -> dict[str, str]:
    """The name of each subject's folder."""
    labels: dict[str, str] = {}
    for subject in folders:
        label = f"sub-{bids_label(subject)}"
        if label == "sub-" or label in labels.values():
            other = next((s for s, known in labels.items() if known == label), "")
            raise ValueError(
                f"subject {subject}: BIDS calls it {label}, as {other or 'nobody'}; give it an id "
                "whose letters and digits are its own"
            )
        labels[subject] = label
    return labels


def _lookup(tissues: Sequence[Tissue]) -> pd.DataFrame:
    """Number, name and colour of each tissue; what nobody labelled has a number, too."""
    rows = [
        {
            "index": int(tissue),
            "name": NAMES[tissue],
            "abbreviation": SHORT_NAMES[tissue],
            "color": COLOURS[tissue],
        }
        for tissue in (Tissue.BACKGROUND, *tissues)
    ]
    unknown = {"index": UNLABELLED, "name": "not labelled", "abbreviation": "na"}
    return pd.DataFrame([*rows, {**unknown, "color": "#808080"}])


def _write_measures(
    volumes: pd.DataFrame, labels: Mapping[str, str], sequence: str, folder: Path
) -> None:
    known = volumes[volumes["subject"].isin(labels)]
    columns = [name for name in known if name not in ("subject", "split")]
    table = known[columns].copy()
    table.insert(0, "participant_id", known["subject"].map(labels))
    folder.mkdir()
    name = f"{bids_label(sequence)}measures"
    _write_table(table, folder / f"{name}.tsv")
    _write_json(folder / f"{name}.json", {column: _column(column) for column in columns})


def _column(name: str) -> dict[str, Any]:
    unit = next((unit for ending, unit in UNITS.items() if name.endswith(ending)), "")
    return {"Description": DESCRIBED.get(name, name)} | ({"Units": unit} if unit else {})


def _write_json(path: Path, content: Mapping[str, Any]) -> None:
    text = json.dumps(content, indent=2, ensure_ascii=False)
    path.write_text(f"{text}\n", "utf-8", newline="\n")


def _write_table(table: pd.DataFrame, path: Path) -> None:
    """As BIDS has tables: what is unknown is n/a."""
    text = table.to_csv(sep="\t", index=False, na_rep="n/a", lineterminator="\n")
    path.write_text(text, "utf-8", newline="\n")
