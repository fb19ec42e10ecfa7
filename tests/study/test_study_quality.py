"""The section `quality`: what it makes, and subjects that a labeller or a member has seen."""

from types import SimpleNamespace

import pytest

from small_study import MODELS, small_study
from study.quality import learnt_splits, members_compared, unseen_splits
from study.tables import StudyError
from study.tidy import _results
from study.wiring.checks import Checks
from study.wiring.cohorts import Cohorts
from study.wiring.figures import Figures
from study.wiring.quality import Quality
from study.wiring.raw import Raw

make = pytest.fixture(small_study)
HERE = "results/small/cohorts/people/quality"
FCN_TRUTH = "results/small/evaluation/fcn/people"
# The FCN as an ensemble of two seeds.
ENSEMBLE = MODELS.replace("epochs seed\n", "epochs seed seeds\n").replace(
    "0 0 0.001 2 1\nbase", "0 0 0.001 2 1 2\nbase"
)


def judged(**about):
    """An edit that adds the section."""
    entry = {"cohort": "people", "labellers": ["fcn"]} | about

    def edit(config):
        config["quality"] = entry
        config["evaluate"][0]["labellers"] = ["fcn", "base"]
        config["cohorts"]["others"] = config["cohorts"]["people"] | {"raw": "more"}

    return edit


def wiring(study):
    cohorts = Cohorts(study)
    return Quality(study, cohorts, Checks(study, cohorts, lambda path: False))


def of(labeller="fcn", cohort="people"):
    return SimpleNamespace(labeller=labeller, cohort=cohort)


def test_a_study_without_the_section_judges_nothing(make):
    found = wiring(make())
    assert (found.cohorts(), found.learnt_from(), found.tables()) == ([], [], [])


def test_a_judge_learns_from_features_truth_and_images_of_the_training(make):
    found = wiring(make(judged()))
    assert found.learnt_inputs(of()) == {
        "pictures": f"{HERE}/fcn.pictures.tsv.gz",
        "subjects": f"{HERE}/fcn.features.tsv",
        "true_pictures": f"{FCN_TRUTH}/images.tsv",
        "true_subjects": f"{FCN_TRUTH}/subjects.tsv",
        "trained_on": f"{HERE}/truth.features.tsv",
    }
    assert found.settings(of()) == {"threshold": 0.8, "seed": 1}
    assert found.rows(of())[0] == {"subject": "1", "split": "train", "patient": "1"}


def test_splits_are_those_that_a_labeller_has_not_seen(make):
    study = make(judged())
    assert learnt_splits(study, "fcn") == ["validate", "test"]
    assert unseen_splits(study, "others", "fcn") == ["train", "validate", "test"]
    assert wiring(study).unseen(of()) == wiring(study).splits(of())


def test_another_cohort_is_labelled_and_judged_without_a_truth(make):
    study = make(judged(also=["others"]))
    assert ("others", "fcn") in study.labelled()
    inputs = wiring(study).scored_inputs(of(cohort="others"))
    assert inputs["judge"] == f"{HERE}/fcn.judge.json"
    assert inputs["true_pictures"] == inputs["true_subjects"] == []
    assert wiring(study).tables() == [
        f"{HERE}/fcn.tsv",
        f"{HERE.replace('people', 'others')}/fcn.tsv",
    ]
    named = set(_results(study))
    assert "cohorts/others/quality/fcn.scores.tsv" in named
    assert "cohorts/people/quality/truth.features.tsv" in named
    assert "cohorts/others/quality/fcn.judge.json" not in named


def test_members_label_all_images_where_their_agreement_is_asked_for(make):
    study = make(judged(agreement=True), models=ENSEMBLE)
    assert members_compared(study, "fcn") == ["fcn_s1", "fcn_s2"]
    assert {("people", "fcn_s1"), ("people", "fcn_s2")} <= set(study.labelled())
    found = wiring(study)
    shards = ["0000", "0001"]
    assert found.member_shards(of()) == [
        f"results/small/cohorts/people/labels/{name}/{shard}"
        for name in ("fcn_s1", "fcn_s2")
        for shard in shards
    ]
    assert found.members(of("truth")) == []


def test_without_it_they_do_not(make):
    study = make(judged(), models=ENSEMBLE)
    assert members_compared(study, "fcn") == []
    # They do for the spread of an evaluation there.
    cohorts = {cohort for cohort, name in study.labelled() if name == "fcn_s1"}
    assert cohorts == {"people"}


def test_a_figure_shows_subjects_that_the_labeller_has_not_seen(make):
    def edit(config):
        judged(labellers=["fcn", "base"])(config)
        config["figures"]["look"] = {"figure": "quality", "cohort": "people", "labellers": ["base"]}

    study = make(edit)
    figures = Figures(study, Cohorts(study), Raw(study, Cohorts(study), ()))
    look = SimpleNamespace(figure="look")
    assert figures.inputs(look) == {
        "subjects": f"{HERE}/base.tsv",
        "slices": f"{HERE}/base.slices.tsv",
    }
    assert figures.settings(look) == {"threshold": 0.8, "splits": ["validate", "test"]}
    assert figures.category(look) == "0 Worth a look"


REFUSED = [
    ({"splits": ["train"]}, "quality: fcn was trained on splits train of cohort people"),
    ({"cohort": "nobody"}, "quality: no cohort 'nobody'"),
    ({"labellers": ["x"]}, "quality: no labeller 'x' for cohort people"),
    ({"labellers": ["truth"]}, "quality: truth is no model that labels cavity and wall"),
    ({"labellers": ["next"]}, "`evaluate` does not compare next with a reference on cohort people"),
    ({"also": ["people"]}, "cohort people is judged anyway"),
    ({"needs_look_below": 1.2}, "needs_look_below"),
]


@pytest.mark.parametrize(("about", "message"), REFUSED)
def test_what_cannot_be_judged_is_refused(make, about, message):
    with pytest.raises(StudyError, match=message):
        make(judged(**about))


def test_a_cohort_of_which_all_was_seen_is_refused(make):
    subjects = "subject\tsplit\tedv_ml\tesv_ml\n1\ttrain\t150\t60\n2\tvalidate\t120\t50\n"
    models = MODELS.replace("constant 0 0 0.001 2 1", "early_stopping 0 0 0.001 2 1")
    with pytest.raises(StudyError, match="people has no subject that fcn was not trained on"):
        make(judged(), subjects=subjects, models=models)


FIGURES = [
    ({"cohort": "others"}, "labels of cohort others are not judged"),
    ({"labellers": ["base"]}, "labellers base; name one of the section `quality`: fcn"),
]


@pytest.mark.parametrize(("entry", "message"), FIGURES)
def test_a_figure_of_what_is_not_judged_is_refused(make, entry, message):
    def edit(config):
        judged()(config)
        config["figures"]["look"] = {"figure": "quality", "cohort": "people"} | entry

    with pytest.raises(StudyError, match=message):
        make(edit)


def test_a_figure_of_a_cohort_without_a_reference_is_refused(make):
    def edit(config):
        judged(also=["others"])(config)
        config["figures"]["look"] = {"figure": "quality", "cohort": "others"}

    with pytest.raises(StudyError, match="so it is unknown how good the order is"):
        make(edit)
