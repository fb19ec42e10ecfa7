"""Spacings and frame interval that files of the layout hdf5 do not have: who says them."""

from pathlib import Path

import pytest

from study.load import load_study
from study.prediction import prediction_study
from study.study import Study
from study.tables import StudyError

GRID = {"spacing_mm": 0.1, "slice_distance_mm": 1.0, "frame_interval_ms": 5}


def study(rows=({},), layout="hdf5", **cohort):
    subjects = [{"subject": str(i), "split": "train", **row} for i, row in enumerate(rows)]
    annotators = {"expert": "hdf5"} if layout == "hdf5" else {}
    about = {"subjects": subjects, "layout": layout, "raw": "raw", "annotators": annotators}
    return load_study({"study": "small", "cohorts": {"mice": about | cohort}})


def grids(made: Study) -> list[tuple]:
    return [tuple(row[key] for key in GRID) for row in made.import_rows("mice")]


def test_the_cohort_says_the_grid_and_a_row_may_say_otherwise():
    made = study([{}, {"spacing_mm": 0.2, "frame_interval_ms": 4.5}], **GRID)
    assert grids(made) == [(0.1, 1.0, 5.0), (0.2, 1.0, 4.5)]


def test_columns_of_a_table_are_enough(tmp_path):
    header = "subject\tsplit\tspacing_mm\tslice_distance_mm\tframe_interval_ms\n"
    (tmp_path / "mice.tsv").write_text(header + "1\ttrain\t0.1\t1\t5\n2\ttrain\t0.2\t0.8\t4\n")
    made = study(subjects=str(tmp_path / "mice.tsv"))
    assert grids(made) == [(0.1, 1.0, 5.0), (0.2, 0.8, 4.0)]


@pytest.mark.parametrize("key", GRID)
def test_a_grid_that_nobody_says_is_refused(key):
    with pytest.raises(
        StudyError, match=f"do not contain {key}, and it is missing for subject 0; give"
    ):
        study(**{k: v for k, v in GRID.items() if k != key})


@pytest.mark.parametrize("key", GRID)
def test_other_layouts_have_their_own_grid(key):
    with pytest.raises(StudyError, match=f"{key} is for the layouts hdf5 and tagging; lay"):
        study(layout="nifti", **{key: GRID[key]})


def test_a_spacing_of_nothing_is_refused():
    with pytest.raises(StudyError, match=r"cohorts.mice.spacing_mm: 0 is less than or equal"):
        study(**GRID | {"spacing_mm": 0})


def test_the_grid_of_other_layouts_is_no_param_of_their_import():
    assert set(study(layout="nifti").import_rows("mice")[0]) == {
        "subject",
        "study",
        "series",
        "set",
    }


def test_a_digital_mouse_has_the_grid_of_its_scan():
    phantom = {"scanner": "9.4T", "rows": 64, "columns": 64, "thickness_mm": 1.0, **GRID}
    rows = [{"disease": "healthy", "seed": 1}]
    about = {"layout": "hdf5", "subjects": [{"subject": "1", "split": "train", **rows[0]}]}
    made = load_study({"study": "small", "cohorts": {"mice": about | {"phantom": phantom}}})
    assert grids(made) == [(0.1, 1.0, 5.0)]
    mice = about | {"phantom": phantom | {"frames": 9}}
    with pytest.raises(StudyError, match=r"phantom\.frames belongs to the layouts kaggle, folder"):
        load_study({"study": "small", "cohorts": {"mice": mice}})
    odd = phantom | {"rows": 63, "interpolation": 2}
    with pytest.raises(StudyError, match=r"phantom\.rows is 63, expected a multiple of"):
        load_study({"study": "small", "cohorts": {"mice": about | {"phantom": odd}}})
    faulty = [about["subjects"][0] | {"faults": "compressed"}]
    with pytest.raises(StudyError, match=r"subject 1 has faults 'compressed', which the phantom"):
        load_study(
            {
                "study": "small",
                "cohorts": {"mice": about | {"phantom": phantom, "subjects": faulty}},
            }
        )
    other = about | {"layout": "ukbb", "phantom": phantom}
    with pytest.raises(StudyError, match=r"phantom\.frame_interval_ms is for the layout hdf5"):
        load_study({"study": "small", "cohorts": {"mice": other}})


@pytest.fixture
def files(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("Mouse7.h5").touch()
    Path("human.nii.gz").touch()


def test_the_grid_of_a_file_is_given_beside_input_and_model(files):
    made = prediction_study({"input": "Mouse7.h5", "model": "here/mine", **GRID})
    assert made["study"] == "predict_mouse7"
    cohort = made["cohorts"]["input"]
    assert (cohort["layout"], cohort["spacing_mm"]) == ("hdf5", 0.1)


@pytest.mark.parametrize("key", GRID)
def test_a_file_without_a_grid_is_not_labelled(files, key):
    given = {k: v for k, v in GRID.items() if k != key}
    with pytest.raises(
        StudyError, match=r"does not say how large its voxels are; give spacing_mm="
    ):
        prediction_study({"input": "Mouse7.h5", "model": "here/mine", **given})


def test_a_grid_is_not_given_to_files_that_have_their_own(files):
    with pytest.raises(StudyError, match=r"--config spacing_mm: is for HDF5 files; human\.nii\.gz"):
        prediction_study({"input": "human.nii.gz", "model": "here/mine", "spacing_mm": 0.1})
