"""What evaluations and figures need of cohorts and labellers."""

import pytest

from small_study import MODELS, SUBJECTS, small_study
from study.tables import StudyError

make = pytest.fixture(small_study)


def test_an_unknown_labeller_is_refused(make):
    with pytest.raises(StudyError, match="evaluate: no labeller 'bass' for cohort people"):
        make(lambda config: config["evaluate"][0].update(labellers=["bass"]))


def test_a_reference_that_is_a_model_is_refused(make):
    with pytest.raises(StudyError, match="reference 'fcn' of cohort people is no annotator"):
        make(lambda config: config["evaluate"][0].update(reference="fcn"))


def test_an_evaluation_without_reference_needs_known_volumes(make):
    def edit(config):
        del config["evaluate"][0]["reference"]

    assert make(edit).evaluations() == []
    assert make(edit).volume_evaluations() == [("base", "people")]
    with pytest.raises(StudyError, match="people has neither a `reference` nor known volumes"):
        make(
            lambda config: (edit(config), config.pop("confidence")),
            subjects=SUBJECTS.replace("200\t90", "\t"),
            models=MODELS.replace("c10", "all"),
        )


def test_end_diastole_may_differ_for_a_labeller(make):
    study = make(lambda config: config["volumes"].update(ed_of={"fcn": "first"}))
    assert (study.ed("people", "fcn"), study.ed("people", "base")) == ("first", "max")


def test_an_unknown_labeller_with_an_end_diastole_of_its_own_is_refused(make):
    with pytest.raises(StudyError, match=r"volumes\.ed_of: no labeller 'fnc' in any cohort"):
        make(lambda config: config["volumes"].update(ed_of={"fnc": "first"}))


def test_an_unknown_cohort_of_a_figure_is_refused(make):
    with pytest.raises(StudyError, match="figure errors: no cohort 'poeple'"):
        make(lambda config: config["figures"]["errors"].update(cohort="poeple"))


def test_a_prediction_of_nobody_is_not_drawn(make):
    def edit(config):
        config["cohorts"]["others"] = {"subjects": "subjects.tsv", "layout": "nifti", "raw": "raw"}
        config["figures"]["shown"] = {"figure": "prediction", "cohort": "others"}

    sentence = "figure shown: no model labels cohort others, images sa; name one annotator .* none"
    with pytest.raises(StudyError, match=sentence):
        make(edit)


@pytest.mark.parametrize(
    ("entry", "sentence"),
    [
        ({"figure": "confidence", "cohort": "people"}, "labeller fcn is not in `evaluate`"),
        ({"figure": "learning_curves", "cohort": "others"}, "no model is trained on cohort others"),
        ({"figure": "cleaning", "cohort": "others"}, "cohort others has no DICOM to clean"),
        ({"figure": "ef_error", "cohort": "others"}, "cohort others is not in `evaluate`"),
    ],
)
def test_figures_without_what_they_draw_are_refused(make, entry, sentence):
    def edit(config):
        config["cohorts"]["others"] = {
            **config["cohorts"]["people"], "layout": "ukbb", "annotators": {"truth": "nifti"},
        }  # fmt: skip
        config["figures"]["wanted"] = entry

    with pytest.raises(StudyError, match=f"figure wanted: .*{sentence}"):
        make(edit)


def test_a_figure_shows_all_labellers_or_those_that_it_names(make):
    def edit(config):
        config["evaluate"][0]["labellers"] = ["fcn", "base", "next"]
        kinds = {"all": "strategies", "some": "strategies", "curves": "learning_curves"}
        config["figures"] = {n: {"figure": k, "cohort": "people"} for n, k in kinds.items()}
        config["figures"]["some"]["labellers"] = ["next", "fcn"]

    study = make(edit)
    assert study.drawn("all") == ["fcn", "base", "next"]
    assert study.drawn("some") == ["next", "fcn"]
    assert study.drawn("curves") == ["fcn", "base", "next"]


def drawn_contours(labellers):
    """A figure of what annotators of a cohort drew that no model labels and nothing evaluates."""

    def edit(config):
        config["cohorts"]["others"] = {
            "subjects": "subjects.tsv", "layout": "nifti", "raw": "raw",
            "annotators": {"expert": "nifti", "second": "nifti"},
        }  # fmt: skip
        entry = {"figure": "prediction", "cohort": "others", "labellers": labellers}
        config["figures"]["shown"] = entry

    return edit


def test_contours_of_one_annotator_can_be_shown_before_any_model(make):
    assert make(drawn_contours(["second"])).pictured("shown") == ["second"]


@pytest.mark.parametrize(
    ("labellers", "sentence"),
    [
        (["expert", "second"], "prediction shows one labeller; name one of expert, second"),
        (["nobody"], r"no model labels cohort others, .* \(there are: expert, second\)"),
    ],
)
def test_contours_of_two_or_of_an_unknown_annotator_are_not_shown(make, labellers, sentence):
    with pytest.raises(StudyError, match=f"figure shown: {sentence}"):
        make(drawn_contours(labellers))


@pytest.mark.parametrize(
    ("kind", "labellers", "sentence"),
    [
        ("strategies", ["fcn"], "'fcn' is not in `evaluate` for cohort people; there are base"),
        ("learning_curves", ["truth"], "'truth' is not trained on cohort people; there are fcn"),
        ("cleaning", ["base"], "labellers cannot be selected for cleaning; leave them out"),
    ],
)
def test_a_figure_cannot_name_labellers_that_it_does_not_know(make, kind, labellers, sentence):
    entry = {"figure": kind, "cohort": "people", "labellers": labellers}
    with pytest.raises(StudyError, match=f"figure wanted: {sentence}"):
        make(lambda config: config["figures"].update(wanted=entry))


def test_a_confidence_figure_needs_the_section(make):
    def edit(config):
        del config["confidence"]
        config["figures"]["wanted"] = {"figure": "confidence", "cohort": "people"}

    with pytest.raises(StudyError, match="figure wanted: cohort people has no confidence scores"):
        make(edit, models=MODELS.replace("c10", "all"))


def test_a_figure_of_overlap_needs_a_reference(make):
    def edit(config):
        del config["evaluate"][0]["reference"]
        config["figures"]["pictures"] = {"figure": "overlays", "cohort": "people"}

    with pytest.raises(StudyError, match="figure pictures: `evaluate` gives cohort people no ref"):
        make(edit)
