"""How well labels are judged without a truth: digital patients of new sites, and real ones.

`python tests/benchmarks/quality.py results/demo/models` labels digital patients, half of them
imaged badly, with the demo's networks, learns to judge the labels on one cohort, and prints for
each cohort how good the order of subjects, slices and pictures is: by predicted Dice, entropy,
jumps of volume, the truth and chance. `--sunnybrook <folder>` adds real patients with an expert's
contours, as they are and made worse; `--kept <folder>` keeps images and labels;
`--figure quality.png` draws.
"""

import argparse
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parents[1] / "workflow")]

import numpy as np  # noqa: E402
import pandas as pd  # noqa: E402

from cmrseg.figures.quality import figure  # noqa: E402
from cmrseg.figures.style import save  # noqa: E402
from cmrseg.labels import Tissue  # noqa: E402
from cmrseg.measure.overlap import dice  # noqa: E402
from cmrseg.measure.pairs import pair_of  # noqa: E402
from cmrseg.quality.cohort import Measured, judged_tables  # noqa: E402
from cmrseg.quality.features import features  # noqa: E402
from cmrseg.quality.learn import Known, learn  # noqa: E402
from cmrseg.quality.model import Judged  # noqa: E402
from cmrseg.quality.scores import aurc, brier, roc_area, worst_found  # noqa: E402
from cmrseg.sequences import SEQUENCES, USUAL  # noqa: E402
from quality_subjects import (  # noqa: E402
    Labeller,
    Patient,
    mean_entropy,
    patients,
    sunnybrook,
)

THRESHOLD, SEED = 0.8, 1
# Number and seed of the patients, scanner, variety of sites; the first cohort is learnt from.
COHORTS = {
    "learnt": (90, 101, "1.5T", 0.7),
    "new": (70, 202, "1.5T", 1.0),
    "3T": (40, 303, "3T", 0.8),
}
KEYS = {
    "subjects": ["subject"],
    "slices": ["subject", "slice"],
    "pictures": ["subject", "slice", "frame"],
}


class Labelled(NamedTuple):
    """Features, Dice and entropy of a network's labels of a cohort, and seconds per subject."""

    pictures: pd.DataFrame
    subjects: pd.DataFrame
    seconds: float


def kept(patient: Patient, labellers: dict[str, Labeller], path: Path) -> None:
    """Write images, truth, labels and entropy of a patient, unless they are there."""
    found: dict[str, np.ndarray] = {"image": patient.image.voxels, "truth": patient.truth}
    found["spacing"] = np.array(patient.image.spacing_mm)
    for name, labeller in labellers.items():
        started = time.process_time()
        labels, entropy = labeller.label(patient.image)
        found[f"{name}_seconds"] = np.array(time.process_time() - started)
        found[name], found[f"{name}_entropy"] = labels, mean_entropy(entropy, labels)
    path.parent.mkdir(parents=True, exist_ok=True)
    np.savez_compressed(path, **found)


def measured(folder: Path, name: str, tissues: tuple[Tissue, ...]) -> Labelled:
    """What is told of the labels of all patients in a folder, and their true Dice."""
    pictures, subjects, seconds = [], [], []
    for path in sorted(folder.glob("*.npz")):
        content = np.load(path)
        labels, spacing_mm = content[name], tuple(content["spacing"])
        started = time.process_time()
        table, row = features(labels, content["image"], spacing_mm, path.stem)
        seconds.append(time.process_time() - started)
        pair = pair_of(
            content["truth"], labels, tissues, spacing_mm, path.stem, SEQUENCES[USUAL].tissues
        )
        of_images = np.where(pair.scored[:, None], dice(pair.counts), np.nan)[..., 1:]
        known = np.isfinite(of_images)
        mean = np.where(known, of_images, 0).sum(axis=-1) / np.where(
            known.any(-1), known.sum(-1), np.nan
        )
        summed = np.where(pair.scored[:, None, :, None], pair.counts, 0)
        summed = dice(
            (summed + np.where(pair.scored[:, None, None, :], pair.counts, 0)).sum((0, 1))
        )
        entropy = content[f"{name}_entropy"]
        frames, slices = table["frame"].to_numpy(int), table["slice"].to_numpy(int)
        pictures.append(table.assign(dice=mean[frames, slices], entropy=entropy[frames, slices]))
        there = (labels > 0).any(axis=(2, 3))
        row |= {"dice": float(np.nanmean(summed[1:]))}
        row |= {"entropy": float(entropy[there].mean() if there.any() else entropy.mean())}
        subjects.append(row)
    full = [table for table in pictures if len(table)]
    return Labelled(
        pd.concat(full, ignore_index=True), pd.DataFrame(subjects), float(np.mean(seconds))
    )


def without_entropy(labelled: Labelled) -> Measured:
    return Measured(*(labelled[i].drop(columns="entropy") for i in range(2)))


def report(labelled: Labelled, judged: Judged) -> pd.DataFrame:
    """Rows by level and order: AURC, ROC AUC, worst tenth in the first fifth, Brier."""
    pictures = judged.pictures.drop(columns="pixels").merge(labelled.pictures, on=KEYS["pictures"])
    slices = pictures.groupby(KEYS["slices"])[["dice", "entropy", "time_jump_lv"]].mean()
    tables = {
        "subjects": judged.subjects.merge(labelled.subjects, on="subject"),
        "slices": judged.slices.join(slices, on=KEYS["slices"]),
        "pictures": pictures,
    }
    rows = []
    for level, whole in tables.items():
        table = whole[whole["dice"].notna()]
        true, is_bad = table["dice"].to_numpy(float), (table["dice"] < THRESHOLD).to_numpy()
        jumps = table["roughness_lv" if level == "subjects" else "time_jump_lv"].fillna(1)
        orders = {"predicted Dice": table["predicted_dice"], "entropy": -table["entropy"]}
        for name, order in (orders | {"volume jumps": -jumps, "truth": table["dice"]}).items():
            values = order.to_numpy(float)
            row = {"of": level, "count": len(table), "bad": int(is_bad.sum()), "order": name}
            row |= {"aurc": aurc(values, true), "roc_auc": roc_area(values, is_bad)}
            row["worst_found"] = worst_found(values, true)
            if name == "predicted Dice" and "probability" in table:
                row["brier"] = brier(table["probability"].to_numpy(float), is_bad)
            rows.append(row)
        rows.append({"of": level, "count": len(table), "order": "chance", "aurc": 1 - true.mean()})
    return pd.DataFrame(rows).round(4)


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    arguments.add_argument("models", type=Path, help="folder of the demo's models")
    arguments.add_argument("--labellers", nargs="+", default=["fcn", "base"])
    arguments.add_argument("--sunnybrook", type=Path)
    arguments.add_argument("--kept", type=Path)
    arguments.add_argument("--figure", type=Path)
    given = arguments.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        run(given, given.kept or Path(temporary))


def run(given: argparse.Namespace, folder: Path) -> None:
    labellers = {name: Labeller(given.models / name) for name in given.labellers}
    cohorts = {name: patients(*about) for name, about in COHORTS.items()}
    if given.sunnybrook:
        cohorts["sunnybrook"] = sunnybrook(given.sunnybrook, folder)
    for cohort, members in cohorts.items():
        if given.kept and list((folder / cohort).glob("*.npz")):
            continue
        for patient in members:
            kept(patient, labellers, folder / cohort / f"{patient.subject}.npz")
    for name, labeller in labellers.items():
        tissues = labeller.tissues
        labelled = {cohort: measured(folder / cohort, name, tissues) for cohort in cohorts}
        first = without_entropy(labelled["learnt"])
        known = Known(*first, first.subjects["subject"].to_numpy(str))
        learnt = learn(known, None, THRESHOLD, SEED)
        for cohort, found in labelled.items():
            one = without_entropy(found)
            judged = learnt.own if cohort == "learnt" else learnt.judge.judge(*one)
            print(f"\n{name}, {cohort}: {1000 * found.seconds:.0f} ms per subject")
            print(report(found, judged).to_string(index=False))
            if given.figure and cohort == "new":
                rows = [{"subject": s, "split": "test"} for s in one.subjects["subject"]]
                tables = judged_tables(learnt.judge, one, rows, ["test"])
                path = given.figure.with_stem(f"{given.figure.stem}_{name}")
                save(
                    figure(tables.subjects, tables.slices, THRESHOLD),
                    path.with_suffix(".svg"),
                    path,
                )


if __name__ == "__main__":
    main()
