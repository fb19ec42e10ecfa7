"""Infarcts of digital patients: a column of the subject table, and settings of one layout."""

import pytest

from study.load import load_study
from study.tables import StudyError
from tiny_study import SCAN

ROW = {
    "subject": "1", "split": "train", "edv_ml": 150.0, "esv_ml": 80.0, "disease": "infarct",
    "sex": "F", "age_y": 60, "heart_rate_bpm": 70, "seed": 1,
}  # fmt: skip


def study(layout="nifti", row=ROW, **phantom):
    settings = {**SCAN, "frames": 8, **phantom}
    about = {"layout": layout, "subjects": [row], "phantom": settings, "annotators": {}}
    return load_study({"study": "small", "cohorts": {"patients": about}})


def test_infarct_of_a_row_reaches_the_phantom():
    (row,) = study(row={**ROW, "infarct": "chronic"}).rows("patients", "0000")
    assert row["infarct"] == "chronic"


def test_tables_without_infarcts_have_the_rows_that_they_had():
    (row,) = study().rows("patients", "0000")
    assert "infarct" not in row


def test_infarct_where_none_is_drawn_is_refused():
    row = {**ROW, "infarct": "acute"}
    with pytest.raises(StudyError, match="subject 1 has infarct 'acute', which the phantom only"):
        study("kaggle", row)


def test_unknown_infarct_is_refused():
    with pytest.raises(StudyError, match="infarct"):
        study(row={**ROW, "infarct": "old"})


@pytest.mark.parametrize("setting", [{"sequence_shift_mm": 2.0}, {"prefix": "a"}, {"dicom": True}])
def test_settings_of_another_layout_are_refused(setting):
    (key,) = setting
    with pytest.raises(StudyError, match=rf"phantom\.{key} is for the layout myops"):
        study(**setting)


def test_interpolation_is_for_two_layouts():
    with pytest.raises(StudyError, match=r"interpolation is for the layout hdf5 and myops"):
        study(interpolation=2)
