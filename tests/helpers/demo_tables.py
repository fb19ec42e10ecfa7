"""The subject tables of the demo studies: `python tests/helpers/demo_tables.py` writes them.

Hearts are drawn by the phantom's population; which subject has which fault is decided here.
"""

import sys
from pathlib import Path

import pandas as pd

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "workflow"))

from cmrseg.phantom.mice import MOUSE  # noqa: E402
from cmrseg.phantom.patients import with_build  # noqa: E402
from cmrseg.phantom.population import HUMAN, Species, draw_subjects  # noqa: E402

# Each fault of the raw data at least once; the others are intact.
KAGGLE_FAULTS = {
    "7": "collision_two_series,missing_slice",
    "31": "rotated_slice,displaced_slice",
    "58": "wide_image",
    "102": "interspersed_single,spacing_metadata",
    "155": "large_image",
    "203": "interspersed_double",
    "246": "plane_not_parallel,collision_same_series",
    "301": "missing_frames,not_dicom",
    "333": "truncated_file",
    "402": "wide_image,compressed",
    "417": "outlier_slices",
    "520": "other_pixel_spacing,missing_frame_file",
    "555": "spacing_top",
    "601": "missing_tag",
    "733": "other_matrix,empty_folder",
    "790": "two_slices_one_folder",
    "808": "two_patients",
    "915": "spacing_bottom",
    "1001": "spacing_special",
    "1120": "spacing_empirical",
}
KAGGLE_INTACT = {
    **dict.fromkeys(("3", "19", "64", "120", "188", "271", "350", "450"), "train"),
    **dict.fromkeys(("512", "577", "640"), "validate"),
    **dict.fromkeys(("702", "760", "851", "990", "1137"), "test"),
}


def kaggle_split(study: str) -> str:
    """Part of the competition that a study's number belongs to."""
    return "train" if int(study) <= 500 else "validate" if int(study) <= 700 else "test"


def kaggle() -> pd.DataFrame:
    """Intact and faulty studies in the order of their numbers; study 721 has two stacks."""
    studies = sorted([*KAGGLE_FAULTS, *KAGGLE_INTACT, "721"], key=int)
    table = draw_subjects(len(studies), 7, studies, [kaggle_split(name) for name in studies])
    table["faults"] = table["study"].map(KAGGLE_FAULTS).fillna("")
    place = int(table.index[table["study"] == "721"][0])
    first = table.iloc[[place]].assign(subject="721_a", series="!sax_47")
    second = table.iloc[[place]].assign(subject="721_b", series="sax_47")
    return pd.concat([table[:place], first, second, table[place + 1 :]], ignore_index=True)


def numbered(
    counts: dict[str, int], seed: int, first: int, prefix: str = "", species: Species = HUMAN
) -> pd.DataFrame:
    """Subjects with running numbers, so many of each split."""
    splits = [split for split, count in counts.items() for _ in range(count)]
    ids = [f"{prefix}{first + i}" for i in range(len(splits))]
    return draw_subjects(len(splits), seed, ids, splits, species=species)


def demo_tables() -> dict[str, pd.DataFrame]:
    """Table of each cohort of the demos, by the name of its file."""
    tables = {
        "demo_biobank.tsv": numbered({"train": 24, "validate": 6, "test": 10}, 5, 1001),
        "demo_kaggle.tsv": kaggle(),
        "demo_seven_tesla.tsv": numbered({"train": 6, "validate": 1, "test": 4}, 9, 17),
        "self_training_hospitals.tsv": numbered({"train": 36, "validate": 6, "test": 18}, 31, 6001),
        "ukbb_demo_views.tsv": with_build(numbered({"train": 24, "validate": 4}, 21, 5001)),
        "ukbb_demo_aortas.tsv": with_build(numbered({"train": 24, "validate": 4}, 22, 5101)),
        "ukbb_demo_patients.tsv": with_build(numbered({"test": 8}, 23, 5201)),
        "preclinical_demo_mice.tsv": numbered(
            {"train": 16, "validate": 4, "test": 6}, 3, 1, "Mouse", MOUSE
        ),
        "preclinical_demo_humans.tsv": numbered({"train": 12, "validate": 3, "test": 4}, 6, 2001),
    }
    # A set is named only where it differs from the split.
    return {name: table.drop(columns="set") for name, table in tables.items()}


if __name__ == "__main__":
    for name, table in demo_tables().items():
        table.to_csv(ROOT / "config" / "cohorts" / name, sep="\t", index=False, lineterminator="\n")
