"""What a study may ask of an evaluation and of its figures."""

import pytest

from study.load import load_study
from study.study import Study
from study.tables import StudyError

SUBJECTS = [
    {"subject": "1", "split": "train"},
    {"subject": "2", "split": "test", "es_frame": 4},
]
GRID = {"spacing_mm": 0.1, "slice_distance_mm": 1.0, "frame_interval_ms": 5.0}


def study(frames: str = "reference", **figure) -> Study:
    """Two mice with labels of two experts."""
    mice = {"subjects": SUBJECTS, "layout": "hdf5", "raw": "raw", **GRID}
    entry = {"cohort": "mice", "labellers": ["second"], "reference": "expert", "frames": frames}
    figure = {"figure": "ef_error", "cohort": "mice", **figure}
    return load_study(
        {
            "study": "small",
            "cohorts": {"mice": mice | {"annotators": {"expert": "hdf5", "second": "hdf5"}}},
            "evaluate": [entry],
            "figures": {"errors": figure},
        }
    )


def test_an_end_systole_of_the_table_belongs_to_the_reference_s_frames():
    assert study().evaluated_frames("mice", "sa") == "reference"
    expected = "own frames, but its subject table has an es_frame for 2; say frames: reference"
    with pytest.raises(StudyError, match=expected):
        study(frames="own")


def test_a_figure_may_show_some_splits():
    assert study(splits=["test"]).drawn("errors") == ["second"]


@pytest.mark.parametrize(
    ("figure", "message"),
    [
        ({"splits": ["validate"]}, "no subject in validate; its splits are test, train"),
        (
            {"figure": "volume_curves", "splits": ["test"]},
            "splits are for volume_agreement, ef_error, .* not volume_curves",
        ),
        ({"splits": ["others"]}, "others"),
    ],
    ids=["nobody", "of another figure", "unknown"],
)
def test_splits_that_a_figure_cannot_show_are_refused(figure, message):
    with pytest.raises(StudyError, match=message):
        study(**figure)


def test_a_cohort_has_its_own_end_diastole_and_a_labeller_goes_before_it():
    mice = {"subjects": SUBJECTS, "layout": "hdf5", "raw": "raw", **GRID}
    annotators = {"annotators": {"expert": "hdf5", "second": "hdf5"}}
    made = load_study(
        {
            "study": "small",
            "cohorts": {
                "mice": mice | annotators | {"ed": "first_if_near"},
                "old": mice | annotators,
            },
            "volumes": {"ed_of": {"expert": "first"}},
        }
    )
    assert made.ed("mice", "second") == "first_if_near"
    assert made.ed("old", "second") == "max"
    assert {made.ed(cohort, "expert") for cohort in ("mice", "old")} == {"first"}
