"""Known volumes, and automatic ones held against them."""

import numpy as np
import pandas as pd
import pytest

from cmrseg.measure.known_agreement import against_known
from cmrseg.measure.known_volumes import kaggle_volumes
from cmrseg.phantom.kaggle_tables import truth_tables

ROWS = [
    {"subject": "7_a", "study": "7", "split": "train", "set": "train"},
    {"subject": "7_b", "study": "7", "split": "train", "set": "train"},
    {"subject": "600", "study": "600", "split": "validate", "set": "validate"},
    {"subject": "900", "study": "900", "split": "train", "set": "test"},
]
TRUE = {"7": (150.0, 60.0), "600": (120.0, 50.0), "900": (200.0, 110.5)}


@pytest.fixture
def raw(tmp_path):
    """The competition's three tables."""
    table = pd.DataFrame(ROWS)
    table[["edv_ml", "esv_ml"]] = [TRUE[study] for study in table["study"]]
    for name, content in truth_tables(table).items():
        content.to_csv(tmp_path / name, index=False)
    return tmp_path


def test_every_subject_has_the_volumes_of_its_study(raw):
    table = kaggle_volumes(ROWS, [raw])
    assert table["subject"].tolist() == ["7_a", "7_b", "600", "900"]
    assert table[["edv_ml", "esv_ml"]].to_numpy().tolist() == [
        [150, 60],
        [150, 60],
        [120, 50],
        [200, 110.5],
    ]


def test_volumes_may_be_spread_over_folders(raw, tmp_path):
    other = tmp_path / "other"
    other.mkdir()
    for name in ("train.csv", "validate.csv", "solution.csv"):
        text = (raw / name).read_text().splitlines()
        (other / name).write_text("\n".join(text[:1]) + "\n")
    assert len(kaggle_volumes(ROWS, [other, raw])) == 4


def test_a_study_without_volumes_is_named(raw):
    row = {"subject": "8", "study": "8", "split": "train", "set": "train"}
    with pytest.raises(ValueError, match=r"no known volumes of study 8 in train\.csv, validate"):
        kaggle_volumes([*ROWS, row], [raw])


@pytest.mark.parametrize("text", [None, "", "a,b\n1,2\n"])
def test_a_file_that_is_no_table_of_volumes_is_named(raw, text):
    path = raw / "validate.csv"
    if text is None:
        path.unlink()
    else:
        path.write_text(text)
    with pytest.raises(ValueError, match=r"validate\.csv: not the Data Science Bowl's table"):
        kaggle_volumes(ROWS, [raw])


def test_volumes_are_held_against_the_known_ones_by_split_and_set(raw):
    known = kaggle_volumes(ROWS, [raw])
    volumes = known[["subject", "edv_ml", "esv_ml"]].assign(edv_ml=lambda t: t["edv_ml"] + 10)
    subjects, summary = against_known(volumes, known)
    assert subjects["predicted_sv_ml"].tolist() == [100, 100, 80, 99.5]
    assert subjects["reference_ef"].tolist() == pytest.approx([0.6, 0.6, 7 / 12, 0.4475])
    rows = summary[summary["measure"] == "edv_difference_ml"].set_index("split")
    assert rows["mean"].tolist() == [10] * 6
    assert rows["n"].to_dict() == {
        "set test": 1,
        "set train": 2,
        "set validate": 1,
        "train": 3,
        "validate": 1,
        "all": 4,
    }


def test_a_labeller_may_have_splits_of_its_own(raw):
    known = kaggle_volumes(ROWS, [raw])
    volumes = known[["subject", "edv_ml", "esv_ml"]].assign(split=[*["out_of_fold"] * 3, "test"])
    subjects, summary = against_known(volumes, known)
    assert subjects["split"].tolist() == ["out_of_fold"] * 3 + ["test"]
    rows = summary[summary["measure"] == "edv_difference_ml"].set_index("split")
    assert rows["n"].to_dict() == {
        **{"set test": 1, "set train": 2, "set validate": 1},
        **{"out_of_fold": 3, "test": 1, "all": 4},
    }


def test_a_rotated_copy_counts_instead_of_its_original(raw):
    known = kaggle_volumes(ROWS, [raw])
    volumes = pd.DataFrame(
        {"subject": ["600", "600_rot90"], "edv_ml": [1.0, 121], "esv_ml": [1.0, 50]}
    )
    subjects, _ = against_known(volumes, known)
    assert subjects["subject"].tolist() == ["600_rot90"]
    assert subjects["predicted_edv_ml"].tolist() == [121]


def test_an_empty_ventricle_has_no_ejection_fraction(raw):
    known = kaggle_volumes(ROWS, [raw])
    volumes = known[["subject"]].assign(edv_ml=0.0, esv_ml=0.0)
    subjects, _ = against_known(volumes, known)
    assert np.isnan(subjects["predicted_ef"]).all()


def test_a_subject_without_known_volumes_is_named(raw):
    known = kaggle_volumes(ROWS, [raw]).assign(edv_ml=[150, 150, np.nan, 200])
    with pytest.raises(ValueError, match="subjects 600 have no known volumes"):
        against_known(known.assign(edv_ml=1), known)


def test_the_larger_error_and_a_good_ef_in_spite_of_it_are_told(raw):
    known = kaggle_volumes(ROWS, [raw])
    # Both volumes half as large: the ejection fraction is right.
    volumes = known[["subject"]].assign(edv_ml=known["edv_ml"] / 2, esv_ml=known["esv_ml"] / 2)
    subjects, summary = against_known(volumes, known)
    assert subjects["max_volume_error"].tolist() == [0.5] * 4
    assert subjects["good_ef_bad_volume"].all()
    rows = summary[summary["split"] == "all"].set_index("measure")
    assert rows.loc["max_volume_error", "median"] == 0.5
    assert rows.loc["good_ef_bad_volume", "mean"] == 1
