"""Panels of a study: what is measured of which labeller, and what is refused by name."""

from types import SimpleNamespace

import pytest

from cmrseg.phenotypes.panels import PANEL_MEASURES
from small_study import MODELS, small_study
from study.panels import panel_measures, readers
from study.tables import StudyError
from study.wiring.cohorts import Cohorts
from study.wiring.panels import Panels

make = pytest.fixture(small_study)
SEQUENCES = ["sa", "la_2ch", "la_4ch", "ao", "tag"]
HEAD = MODELS.split("\n")[0].replace(" network", " sequence network")
ATRIA = (
    "atria la_4ch fcn - 4 la people four all train random fcn linear 64 fcn ce 2 constant "
    "0 0 0.001 2 1"
)


@pytest.fixture
def study(make):
    def build(contours=False, **panels):
        def edit(config):
            cohort = config["cohorts"]["people"]
            cohort.update(layout="ukbb_dicom" if contours else "nifti", sequences=SEQUENCES)
            readers = {"short": "sa", "two": "la_2ch", "four": "la_4ch", "vessels": "ao"}
            cohort["annotators"] = {
                name: {"form": "cvi42" if contours else "nifti", "sequence": sequence}
                for name, sequence in readers.items()
                if not (contours and sequence == "ao")
            }
            cohort["annotators"]["ring"] = {"form": "points", "sequence": "tag"}
            config.pop("confidence")
            config["figures"] = {}
            config["evaluate"] = []
            config["panels"] = {
                name: {"cohort": "people", **about} for name, about in panels.items()
            }

        return make(edit, models=f"{HEAD}\n{ATRIA}\n")

    return build


def named(study, panel, measure):
    return [(need.sequence, labeller) for need, labeller in readers(study, panel, measure)]


def test_a_panel_has_the_measures_that_its_labellers_suffice_for(study):
    found = study(
        all={"labellers": ["short", "two", "four", "vessels"]},
        views={"labellers": ["two", "four"]},
        short={"labellers": ["short"]},
        one={"labellers": ["short", "vessels"], "measures": ["aorta"]},
    )
    assert panel_measures(found, "all") == [
        key for key in PANEL_MEASURES if key not in ("scar", "tagging")
    ]
    assert panel_measures(found, "views") == ["atria", "biplane"]
    assert panel_measures(found, "short") == ["wall_thickness", "strain"]
    assert panel_measures(found, "one") == ["aorta"]
    assert named(found, "all", "atria") == [("la_4ch", "four"), ("la_2ch", "two"), ("sa", "")]
    assert named(found, "short", "strain") == [("sa", "short")]


def test_strain_by_tagging_needs_points_and_takes_labels_of_the_short_axis(study):
    found = study(
        both={"labellers": ["short", "ring"], "measures": ["tagging"]},
        ring={"labellers": ["ring"]},
    )
    assert named(found, "both", "tagging") == [("tag", "ring"), ("sa", "short")]
    assert panel_measures(found, "ring") == ["tagging"]
    assert ("people", "ring") in found.labelled()
    assert ("people", "ring") not in found.measured()
    panels = Panels(found, Cohorts(found))
    job = SimpleNamespace(cohort="people", panel="both", measure="tagging", shard="0000")
    here = f"results/{found.name}/cohorts/people"
    assert panels.inputs(job) == {
        "labels": [f"{here}/labels/ring/0000", f"{here}/labels/short/0000"],
        "images": [f"{here}/images/0000"],
    }
    assert panels.settings(job)["views"] == [
        {"sequence": "tag", "labels": None, "image": True, "tissues": "", "points": 0},
        {"sequence": "sa", "labels": 1, "image": False, "tissues": ""},
    ]
    assert panels.volumes(job) == [f"{here}/volumes/short.tsv"]


def test_contours_tell_of_the_chambers_that_are_drawn(study):
    """Those of long axes are of atria: their ventricles are background, and not empty."""
    found = study(contours=True, all={"labellers": ["short", "two", "four"]})
    assert panel_measures(found, "all") == ["atria", "wall_thickness", "strain"]
    assert named(found, "all", "atria") == [("la_4ch", "four"), ("la_2ch", "two"), ("sa", "")]
    assert named(found, "all", "strain") == [("sa", "short")]


def test_labellers_of_a_panel_label_the_cohort(study):
    found = study(views={"labellers": ["four"]})
    assert ("people", "four") in found.labelled()


def test_a_model_that_does_not_know_a_tissue_is_passed_over(study):
    found = study(views={"labellers": ["atria", "four"]})
    # The model knows the left atrium alone.
    assert named(found, "views", "atria") == [("la_4ch", "four"), ("sa", "")]


def test_a_job_reads_each_labeller_s_shard_once(study):
    found = study(all={"labellers": ["short", "two", "four"]})
    panels = Panels(found, Cohorts(found))
    job = SimpleNamespace(cohort="people", panel="all", measure="strain", shard="0000")
    here = f"results/{found.name}/cohorts/people"
    assert panels.inputs(job) == {
        "labels": [f"{here}/labels/short/0000", f"{here}/labels/four/0000"],
        "images": [f"{here}/images/0000"],
    }
    assert panels.settings(job) == {
        "views": [
            {"sequence": "sa", "labels": 0, "image": True, "tissues": ""},
            {"sequence": "la_4ch", "labels": 1, "image": True, "tissues": ""},
        ],
        "mode": "corrected",
    }
    assert [path.removeprefix(here) for path in panels.volumes(job)] == ["/volumes/short.tsv"]


@pytest.mark.parametrize(
    ("about", "message"),
    [
        ({"labellers": ["nobody"]}, "panel x: nobody is no model, and no annotator of cohort"),
        ({"labellers": ["four"], "cohort": "others"}, "panel x: cohort others is unknown; there"),
        (
            {"labellers": ["two"]},
            "panel x: no measure is made of what two label",
        ),
        (
            {"labellers": ["short"], "measures": ["atria"]},
            "panel x: atrial volumes need LA, RA in la_4ch; add who labels it",
        ),
        (
            {"labellers": ["short"], "measures": ["tagging"]},
            "panel x: strain by tagging need landmarks in tag; add who labels it",
        ),
        (
            {"labellers": ["short"], "measures": ["aorta"]},
            "panel x: aortic areas and distensibility need AAO, DAO in ao; add who labels it",
        ),
    ],
)
def test_panels_that_cannot_be_measured_are_refused_by_name(study, about, message):
    with pytest.raises(StudyError, match=message):
        study(x=about)
