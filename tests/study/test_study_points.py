"""What a study may ask of labellers that place points."""

import re
from types import SimpleNamespace

import pytest
from test_prediction_tags import recorded

from small_study import given_model, small_study
from study.load import load_study
from study.study import Study
from study.tables import StudyError
from study.wiring.cohorts import Cohorts
from study.wiring.figures import Figures
from study.wiring.panels import Panels
from study.wiring.wildcards import none_of

make = pytest.fixture(small_study)
given = pytest.fixture(given_model)
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


FILM = {"figure": "tagging_movie", "cohort": "people", "labellers": ["first"]}


def test_films_show_the_landmarks_of_a_labeller_that_need_not_be_evaluated():
    found = study(figures={"film": FILM | {"subjects": ["2"]}})
    assert found.movies == ["film"]
    assert found.data_figures == []
    figures = Figures(found, Cohorts(found), None)
    picture = SimpleNamespace(figure="film")
    here = "results/tags/cohorts/people"
    assert figures.inputs(picture) == {
        "images": [f"{here}/images/0000"],
        "labels": [f"{here}/labels/first/0000"],
    }
    assert figures.settings(picture) == {"subjects": ["2"]}


@pytest.mark.parametrize(
    ("figure", "sentence"),
    [
        (
            FILM | {"labellers": ["contours"]},
            "shows the landmarks of one labeller, not contours; in cohort people there are first",
        ),
        (FILM | {"labellers": ["first", "second"]}, "of one labeller, not first, second"),
        ({"figure": "tagging_movie", "cohort": "people"}, "of one labeller, not of all"),
        (FILM | {"subjects": ["3"]}, "cohort people has no subject 3"),
        (FILM | {"sequence": "tag"}, "tagging_movie shows tagged cines, and no sequence"),
        (
            {"figure": "learning_curves", "cohort": "people", "subjects": ["1"]},
            "subjects are for tagging_movie, not learning_curves",
        ),
    ],
)
def test_films_that_cannot_be_made_are_refused(figure, sentence):
    with pytest.raises(StudyError, match=f"figure x: .*{sentence}"):
        study(figures={"x": figure})


PANELS = {
    "ring": {"cohort": "people", "labellers": ["first"]},
    "other": {"cohort": "people", "labellers": ["second", "contours"]},
    "heart": {"cohort": "people", "labellers": ["contours"]},
}
CURVES = {"figure": "strain_curves", "cohort": "people", "panels": ["ring"]}


def test_figures_of_tagging_read_the_measure_of_one_panel():
    found = study(figures={"x": CURVES}, panels=PANELS)
    figures = Figures(found, Cohorts(found), None)
    top = "results/tags/cohorts/people/measures/tagging/ring"
    picture = SimpleNamespace(figure="x")
    assert figures.inputs(picture) == {
        "measured": [f"{top}.tsv"],
        "details": [f"{top}.details.tsv"],
    }
    assert figures.settings(picture) == {"panels": ["ring"], "splits": []}


@pytest.mark.parametrize(
    ("figure", "sentence"),
    [
        (CURVES | {"panels": ["ring", "other"]}, "strain_curves shows one panel, not ring, other"),
        (
            CURVES | {"figure": "strain_conventions", "panels": ["heart"]},
            r"strain_conventions needs tagging \(strain by tagging\), which panel heart does not",
        ),
        (
            CURVES
            | {"figure": "bulls_eye", "columns": ["tag_ecc_green_midwall_es"], "panels": ["heart"]},
            "tag_ecc_green_midwall_es needs tagging",
        ),
    ],
)
def test_figures_of_tagging_that_cannot_be_drawn_are_refused(figure, sentence):
    with pytest.raises(StudyError, match=sentence):
        study(figures={"x": figure}, panels=PANELS)


def test_columns_of_tagging_can_be_compared():
    entry = {"figure": "measure_agreement", "cohort": "people", "panels": ["ring", "other"]}
    columns = ["tag_ecc_green_midwall_es_global_percent", "tag_err_green_wall_peak_7_percent"]
    assert study(figures={"x": entry | {"columns": columns}}, panels=PANELS).data_figures == ["x"]


def test_landmarks_that_panels_measure_can_be_exported():
    found = study(panels=PANELS)
    panels = Panels(found, Cohorts(found))
    assert panels.exported == [("people", "first"), ("people", "second")]
    # Those of models are made by the target; of an annotator by the name of the file.
    assert panels.exports() == []
    # An annotator's landmarks are in no box of a model.
    assert panels.boxes(SimpleNamespace(cohort="people", labeller="first")) == []


def test_a_network_of_boxes_is_no_labeller_of_landmarks(given):
    recorded("here/box", "tag_box", "tag_frame")
    recorded("here/net", "tag_ring", "tag_window", coarse="box")
    labellers = ["box", "net"]
    found = study(
        RING | {"labellers": labellers},
        weights={"box": "here/box", "net": "here/net"},
        panels={"both": {"cohort": "people", "labellers": labellers}},
        figures={"film": FILM | {"labellers": ["net"]}},
    )
    # Both are compared with the reference.
    assert found.point_labellers == labellers
    panels = Panels(found, Cohorts(found))
    assert panels.exported == [("people", "net")]
    job = SimpleNamespace(cohort="people", labeller="net")
    here = "results/tags/cohorts/people"
    assert panels.boxes(job) == [f"{here}/labels/box/0000"]
    assert panels.exports() == [f"{here}/export/net.result.h5"]
    with pytest.raises(StudyError, match="one labeller, not box; in cohort people there are"):
        study(
            RING | {"labellers": labellers},
            weights={"box": "here/box", "net": "here/net"},
            figures={"film": FILM | {"labellers": ["box"]}},
        )
