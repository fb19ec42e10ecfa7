"""Rows with folds or seeds: members, what they start from, and what is refused."""

import json
from pathlib import Path
from types import SimpleNamespace

import pytest

from small_study import MODELS, given_model, small_study
from study.tables import StudyError
from study.wiring.cohorts import Cohorts
from study.wiring.ensembles import Ensembles
from study.wiring.models import Models

make = pytest.fixture(small_study)
given = pytest.fixture(given_model)
Job = SimpleNamespace
SUBJECTS = "subject\tsplit\tstudy\tedv_ml\tesv_ml\n" + "".join(
    f"{n}\t{split}\t{study}\t150\t60\n"
    for n, split, study in [
        *((1, "train", "a"), (2, "train", "b"), (3, "train", "c"), (4, "test", "d")),
        (5, "validate", "e"),
    ]
)
# No model starts from another.
UNRELATED = MODELS.replace("train base unet", "train random unet")
TWO = "subject\tsplit\tpatient\n1\ttrain\tp\n2\ttrain\tp\n3\ttrain\t\n4\tvalidate\t\n"


def with_columns(cells, models=MODELS):
    """The small models table with folds and seeds by model."""
    head, *rows = models.strip().split("\n")
    lines = [f"{head} folds seeds"]
    lines += [f"{row} {cells.get(row.split(' ')[0], '- -')}" for row in rows]
    return "\n".join(lines) + "\n"


def plain(config):
    """Without the confidence scores, which need a model of this study."""
    config.pop("confidence")


def study_of(make, cells, models=MODELS, subjects=SUBJECTS, edit=plain):
    models = models.replace(" c10 ", " all ")
    return make(edit, subjects=subjects, models=with_columns(cells, models))


def test_folds_and_seeds_make_members_with_names_and_seeds_of_their_own(make):
    study = study_of(
        make,
        {"fcn": "3 -", "base": "- 2", "next": "- -"},
        UNRELATED,
    )
    assert list(study.models) == ["fcn_f1", "fcn_f2", "fcn_f3", "base_s1", "base_s2", "next"]
    assert [row["seed"] for row in study.models.values()] == [1, 2, 3, 1, 2, 1]
    assert [row.get("fold") for row in study.models.values()][:4] == [
        "1 of 3",
        "2 of 3",
        "3 of 3",
        None,
    ]
    assert study.members("fcn") == {"fcn_f1": 1, "fcn_f2": 2, "fcn_f3": 3}
    assert study.members("base") == {"base_s1": 0, "base_s2": 0}
    assert study.members("next") == {}


def test_one_seed_more_leaves_the_other_members_as_they_are(make):
    few = study_of(make, {"fcn": "2 2"}).models
    more = study_of(make, {"fcn": "2 3"}).models
    members = [name for name in few if name.startswith("fcn")]
    assert members == ["fcn_f1_s1", "fcn_f1_s2", "fcn_f2_s1", "fcn_f2_s2"]
    assert {name: more[name] for name in members} == {name: few[name] for name in members}
    assert len({more[name]["seed"] for name in more if name.startswith("fcn")}) == 6


def test_rows_without_folds_are_trained_with_what_they_were_trained_with(make):
    before = make()
    for table in (with_columns({}), with_columns({"fcn": "1 1"})):
        after = make(models=table)
        assert repr(after.models) == repr(before.models)
        assert repr(after.training("fcn")) == repr(before.training("fcn"))
        assert repr(after.model("fcn")) == repr(before.model("fcn"))
    assert not {"folds", "seeds", "fold"} & set(before.training("fcn"))


def test_folds_may_be_in_a_recipe(make):
    Path("recipes.yaml").write_text("crossed: {folds: 3}\n")

    def edit(config):
        plain(config)
        config["recipes"] = "recipes.yaml"

    head, *rows = MODELS.replace(" c10 ", " all ").strip().split("\n")
    table = (
        "\n".join([f"{head} recipe", f"{rows[0]} crossed", *(f"{r} -" for r in rows[1:])]) + "\n"
    )
    study = make(edit, subjects=SUBJECTS, models=table)
    assert list(study.members("fcn")) == ["fcn_f1", "fcn_f2", "fcn_f3"]


# -- starts ----------------------------------------------------------------------------------


def test_a_member_starts_from_the_member_with_the_same_fold(make):
    study = study_of(make, {"base": "3 2", "next": "3 2"})
    starts = {name: row["start"] for name, row in study.models.items() if name.startswith("next")}
    assert starts["next_f2_s1"] == "base_f2_s1"
    assert all(start == name.replace("next", "base") for name, start in starts.items())


@pytest.mark.parametrize(
    ("cells", "start", "sentence"),
    [
        ({"base": "3 -"}, "base", r"model next: start base is an ensemble, .* such as base_f1"),
        ({"base": "3 -", "next": "2 -"}, "base", "model next_f1: start base is an ensemble"),
        ({"base": "- 2", "next": "- 3"}, "base", "divide both alike: same cohort, splits, folds"),
        ({"next": "3 -"}, "base", "model next_f1: starts from weights of base, which was trained "
         "on the same cohort people, maybe on fold 1 of 3"),
        ({"base": "3 -", "next": "3 -"}, "base_f1", "model next_f2: starts from weights of base_f"),
    ],
)  # fmt: skip
def test_a_start_that_may_have_seen_the_fold_or_has_no_weights_is_refused(
    make, cells, start, sentence
):
    models = MODELS.replace("train base unet", f"train {start} unet")
    with pytest.raises(StudyError, match=sentence):
        study_of(make, cells, models)


def test_a_model_may_start_from_a_member_and_learn_from_an_ensemble(make):
    models = MODELS.replace("all train base unet", "all train base_f1 unet")
    study = study_of(make, {"base": "3 -", "fcn": "- 2"}, models)
    assert study.weights(study.models["next"]["start"]).endswith("base_f1/weights.safetensors")
    assert study.models["base_f1"]["labeller"] == "fcn"
    assert ("people", "fcn") in study.labelled()


def test_a_member_can_be_evaluated_beside_its_ensemble(make):
    def edit(config):
        plain(config)
        config["evaluate"][0]["labellers"] = ["base", "base_f2"]

    study = study_of(make, {"base": "3 -"}, UNRELATED, edit=edit)
    assert {("people", "base"), ("people", "base_f2")} <= set(study.predicted())
    with pytest.raises(StudyError, match="no labeller 'base_f2'"):
        study_of(make, {}, UNRELATED, edit=edit)


def test_an_ensemble_that_learns_its_own_labels_is_refused(make):
    models = MODELS.replace("truth all train random fcn", "fcn all train random fcn")
    with pytest.raises(StudyError, match=r"starts from or learns from itself: fcn.* <- fcn"):
        study_of(make, {"fcn": "3 -"}, models)


def test_a_given_ensemble_labels_and_gives_no_weights(given):
    record = json.loads(Path("elsewhere/mine/record.json").read_text())
    record["settings"]["members"] = {"base_f1": 1, "base_f2": 2}
    Path("elsewhere/mine/record.json").write_text(json.dumps(record))
    study = given("elsewhere/mine")
    assert study.model("mine")["members"] == {"base_f1": 1, "base_f2": 2}
    models = MODELS.replace("train base unet", "train mine unet")
    with pytest.raises(StudyError, match=r"start mine is an ensemble, .* such as base_f1"):
        given("elsewhere/mine", models=models)


# -- refusals --------------------------------------------------------------------------------


def test_a_row_with_the_name_of_a_member_is_refused(make):
    models = MODELS.replace("\nnext ", "\nfcn_f1 ")
    with pytest.raises(StudyError, match="model fcn_f1 is a row, and a member of fcn"):
        study_of(make, {"fcn": "3 -"}, models)


def test_more_folds_than_patients_are_refused(make):
    models = UNRELATED
    with pytest.raises(
        StudyError, match="model fcn: folds 3, but splits train of cohort people have 2 patients"
    ):
        study_of(make, {"fcn": "3 -"}, models, subjects=TWO)


def test_an_ensemble_of_a_task_without_a_mean_is_refused(make, monkeypatch):
    points = SimpleNamespace(writes="points")
    monkeypatch.setattr("study.ensemble_checks.kind_of", lambda row: points)
    with pytest.raises(StudyError, match="model fcn: folds or seeds, but task segment gives point"):
        study_of(make, {"fcn": "3 -"})


def test_published_values_out_of_fold_need_an_ensemble_of_the_cohort(make):
    Path("numbers.tsv").touch()

    def edit(config):
        plain(config)
        about = {"table": "numbers.tsv", "cohort": "people", "labeller": "base"}
        config["published_values"] = about | {"splits": ["out_of_fold"]}

    assert study_of(make, {"base": "3 -"}, UNRELATED, edit=edit)
    with pytest.raises(
        StudyError, match="splits out_of_fold, but base has no folds of cohort peop"
    ):
        study_of(make, {}, UNRELATED, edit=edit)


def test_a_patient_in_two_splits_is_refused(make):
    subjects = TWO.replace("2\ttrain\tp", "2\ttest\tp")
    with pytest.raises(StudyError, match="patient p is in splits train, test; a patient belongs"):
        study_of(make, {}, subjects=subjects)


def test_folds_need_no_subjects_to_validate_on(make):
    subjects = SUBJECTS.replace("validate", "test")
    rows = MODELS.split("\n")[:2]
    study = study_of(make, {"fcn": "3 -"}, "\n".join(rows) + "\n", subjects, edit_alone)
    assert len(study.models) == 3
    with pytest.raises(StudyError, match="cohort people has no subject to validate on"):
        study_of(make, {"fcn": "- 2"}, "\n".join(rows) + "\n", subjects, edit_alone)


def edit_alone(config):
    plain(config)
    config["evaluate"][0]["labellers"] = ["fcn"]


def test_a_subset_of_volunteers_needs_them_in_every_fold(make):
    models = MODELS.replace("fcn - 4 lv,my,rv people truth all", "fcn - 4 lv,my,rv people truth v3")
    with pytest.raises(StudyError, match="model fcn_f1: subset v3 of cohort people needs 3"):
        study_of(make, {"fcn": "3 -"}, models)


def test_an_ensemble_without_its_imagenet_weights_is_left_out_by_name(make):
    models = MODELS.replace("all train base unet", "all train imagenet unet")
    study = study_of(make, {"next": "2 -"}, models)
    assert set(study.left_out) == {"next_f1", "next_f2", "next"}
    assert (list(study.models), study.ensembles, list(study.declared)) == (
        ["fcn", "base"],
        {},
        ["fcn", "base"],
    )


# -- what rules ask --------------------------------------------------------------------------


def test_rows_with_the_same_folds_share_them(make):
    study = study_of(make, {"base": "3 -", "next": "3 -"})
    models = Models(study, Cohorts(study))
    above = "results/small/folds/people/train_3"
    assert models.slices_of("base_f2") == f"{above}/2/fcn/sa_lv-my_unet_linear_64"
    assert models.slices_of("next_f2") == f"{above}/2/truth/sa_lv-my_unet_linear_64"
    assert models.slices_of("fcn") == "results/small/slices/people/truth/sa_lv-my-rv_fcn_linear_64"
    ensembles = Ensembles(study)
    job = Job(labeller="base", cohort="people", splits="train", model="base")
    assert ensembles.folds_of_labeller(job) == f"{above}.tsv"
    assert ensembles.fold_rows(job) == [
        {"subject": n, "patient": study} for n, study in (("1", "a"), ("2", "b"), ("3", "c"))
    ]
    assert ensembles.weights(job) == [
        f"results/small/models/base_f{fold}/weights.safetensors" for fold in (1, 2, 3)
    ]


def test_measures_call_the_subjects_of_folds_out_of_fold(make):
    study = study_of(make, {"base": "3 -"}, UNRELATED)
    cohorts = Cohorts(study)
    for labeller, expected in (("base", "out_of_fold"), ("fcn", "train"), ("base_f1", "train")):
        rows = cohorts.measured_rows(Job(labeller=labeller, cohort="people"))
        assert [row["split"] for row in rows] == [expected] * 3 + ["test", "validate"]


def test_a_figure_may_show_subjects_out_of_fold(make):
    def edit(config):
        plain(config)
        config["figures"]["errors"]["splits"] = ["out_of_fold"]

    models = UNRELATED
    assert study_of(make, {"base": "3 -"}, models, edit=edit)
    with pytest.raises(StudyError, match="cohort people has no subject in out_of_fold"):
        study_of(make, {}, models, edit=edit)
