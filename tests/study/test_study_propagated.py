"""Studies with labels that are carried to all frames: who reads them, and what is refused."""

from types import SimpleNamespace

import pytest

from small_study import small_study
from study.panels import readers
from study.tables import StudyError
from study.wiring.checks import Checks
from study.wiring.cohorts import Cohorts
from study.wiring.drawn import Drawn
from study.wiring.measures import Measures
from study.wiring.raw import Raw

make = pytest.fixture(small_study)
HEAD = "model recipe cohort labeller start\n"
AORTA = "over_time unet_lstm_bai people carried random\n"
LABELS = "results/small/cohorts/people/labels"


@pytest.fixture
def study(make):
    """Build a study of a cohort with aortic cines, two readers of them, and propagated labels."""

    def build(propagated=None, models=AORTA, change=lambda config: None):
        def edit(config):
            cohort = config["cohorts"]["people"]
            cohort.update(layout="nifti", sequences=["sa", "ao", "c0"])
            cohort["annotators"] = {
                "first": {"form": "nifti", "sequence": "ao"},
                "second": {"form": "nifti", "sequence": "ao"},
                "scar": {"form": "nifti", "sequence": "c0"},
            }
            cohort["propagated"] = {"carried": "first"} if propagated is None else propagated
            config.pop("confidence")
            config.update(figures={}, evaluate=[])
            change(config)

        return make(edit, models=HEAD + models)

    return build


def test_propagated_labels_are_a_labeller_of_the_sequence_of_their_annotator(study):
    found = study()
    assert ("people", "carried") in found.labelled()
    assert ("people", "carried") in found.measured()
    assert found.sequence_of("people", "carried").key == "ao"
    assert "carried" not in found.annotators("people")
    cohorts = Cohorts(found)
    assert (cohorts.propagated, cohorts.annotators) == (["carried"], ["first", "scar", "second"])
    job = SimpleNamespace(cohort="people", labeller="carried", shard="0001")
    assert cohorts.drawn_labels(job) == f"{LABELS}/first/0001"
    assert cohorts.sequence(job) == "ao"
    assert Measures(found, cohorts).labeller_maps(job) == {"sequence": "ao"}


def test_a_training_on_them_waits_for_the_losses_of_their_annotator(study):
    found = study()
    checks = Checks(found, Cohorts(found), lambda path: False)
    job = SimpleNamespace(cohort="people", model="over_time", labeller="carried")
    passed = ["results/small/cohorts/people/import/passed.txt", f"{LABELS}/first.passed.txt"]
    assert checks.model_passed(job) == checks.labeller_passed(job) == passed


def test_panels_measure_them(study):
    def change(config):
        config["panels"] = {"all": {"cohort": "people", "labellers": ["carried"]}}

    found = study(change=change)
    assert next(labeller for _, labeller in readers(found, "all", "aorta")) == "carried"


def test_they_are_no_observer(study):
    def change(config):
        labellers = ["carried", "first", "over_time"]
        config["evaluate"] = [{"cohort": "people", "labellers": labellers, "reference": "second"}]
        config["figures"] = {"cases": {"figure": "overlays", "cohort": "people", "sequence": "ao"}}

    found = study(change=change)
    cohorts = Cohorts(found)
    drawn = Drawn("cases", found, cohorts, Raw(found, cohorts, ()))
    assert drawn.labellers == ["carried", "first", "over_time"]
    assert drawn.observers == ["first"]


def evaluated(labellers, reference):
    def change(config):
        entry = {"cohort": "people", "labellers": labellers, "reference": reference}
        config["evaluate"] = [entry]

    return change


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (
            {"propagated": {"carried": "nobody"}},
            "cohort people: propagated carried: 'nobody' is no annotator of the cohort; there are",
        ),
        (
            {"propagated": {"carried": "scar"}},
            "cohort people: propagated carried: c0 is a still image, which has no motion",
        ),
        (
            {"propagated": {"second": "first"}},
            "cohort people: propagated second has the name of an annotator or a model; rename it",
        ),
        (
            {"propagated": {"over_time": "first"}},
            "cohort people: propagated over_time has the name of an annotator or a model",
        ),
        (
            {"change": lambda config: config["cohorts"]["people"].update(layout="ukbb")},
            "propagated carried: layout ukbb has end-diastole and end-systole alone, and no frames",
        ),
        (
            {"change": evaluated(["carried"], "first")},
            "evaluate: carried has the labels of first themselves in the frames that first lab",
        ),
        (
            {"change": evaluated(["second"], "carried")},
            "evaluate: reference 'carried' of cohort people is no annotator; there are first",
        ),
    ],
)
def test_what_does_not_fit_is_refused_by_name(study, arguments, sentence):
    if "layout" in sentence:
        change = arguments["change"]

        def without_stills(config):
            change(config)
            config["cohorts"]["people"]["sequences"] = ["sa", "ao"]
            del config["cohorts"]["people"]["annotators"]["scar"]

        arguments = {"change": without_stills}
    with pytest.raises(StudyError, match=sentence):
        study(**arguments)
