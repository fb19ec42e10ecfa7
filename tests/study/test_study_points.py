"""What a study may ask of labellers that place points."""

import re

import pytest

from study.load import load_study
from study.study import Study
from study.tables import StudyError
from study.wiring.wildcards import none_of

VOLUMES = {"edv_ml": 150, "esv_ml": 60}
SUBJECTS = [
    {"subject": "1", "split": "train", **VOLUMES},
    {"subject": "2", "split": "test", "es_frame": 4, **VOLUMES},
]
ANNOTATORS = {
    "contours": {"form": "nifti", "sequence": "sa"},
    "first": {"form": "points", "sequence": "tag"},
    "second": {"form": "points", "sequence": "tag"},
}
RING = {"cohort": "people", "labellers": ["second"], "reference": "first"}


def study(*evaluate: dict, figures=None, cohorts=None, **more) -> Study:
    """People with a short axis and a tagged cine, contours and the landmarks of two experts."""
    about = {"subjects": SUBJECTS, "layout": "nifti", "raw": "raw", "sequences": ["sa", "tag"]}
    return load_study(
        {
            "study": "tags",
            "cohorts": {"people": about | {"annotators": ANNOTATORS}, **(cohorts or {})},
            "evaluate": list(evaluate),
            "figures": figures or {},
            **more,
        }
    )


def test_points_are_evaluated_against_points_and_have_no_volumes():
    found = study(RING)
    assert found.evaluations() == [("second", "people")]
    assert found.point_labellers == ["second"]
    assert found.reference("people", "tag") == "first"
    assert found.measured() == [("people", "contours")]
    assert found.volume_evaluations() == []


def test_an_end_systole_of_the_table_is_not_that_of_a_tagged_cine():
    # At each side's own frames it would be refused of label maps.
    assert study(RING | {"frames": "own"}).evaluations()


@pytest.mark.parametrize(
    ("entry", "sentence"),
    [
        (
            {"cohort": "people", "labellers": ["second"]},
            "second of cohort people gives points, which are compared with a `reference`; add one",
        ),
        (
            RING | {"labellers": ["contours"]},
            "first of cohort people gives points, and contours label maps; compare like with like",
        ),
    ],
)
def test_points_without_points_to_compare_them_with_are_refused(entry, sentence):
    with pytest.raises(StudyError, match=sentence):
        study(entry)


def test_a_name_of_points_and_of_label_maps_is_refused():
    others = {
        **{"subjects": SUBJECTS[:1], "layout": "nifti", "raw": "raw", "sequences": ["sa"]},
        "annotators": {"second": "nifti", "contours": "nifti"},
    }
    entry = {"cohort": "others", "labellers": ["second"], "reference": "contours"}
    with pytest.raises(StudyError, match="second gives label maps in cohort others, and points in"):
        study(RING, entry, cohorts={"others": others})


def test_a_figure_of_label_maps_shows_no_points():
    figure = {"figure": "overlays", "cohort": "people", "sequence": "tag"}
    with pytest.raises(StudyError, match="figure x: overlays shows label maps, and second gives"):
        study(RING, figures={"x": figure})


def test_rules_of_label_maps_leave_names_of_points_alone():
    pattern = re.compile(f"evaluation/(?P<labeller>{none_of(['ring', 'box'])})/people/summary.tsv")
    assert not pattern.fullmatch("evaluation/ring/people/summary.tsv")
    assert pattern.fullmatch("evaluation/ring2/people/summary.tsv")
    assert pattern.fullmatch("evaluation/fcn/people/summary.tsv")
    assert re.fullmatch(none_of([]), "ring")
