"""The table of models: what cannot be trained is refused with the reason."""

from pathlib import Path

import pytest

from small_study import MODELS, SUBJECTS, small_study
from study.tables import StudyError
from study.wiring.cohorts import Cohorts

make = pytest.fixture(small_study)


def test_a_model_that_starts_from_itself_is_refused(make):
    with pytest.raises(StudyError, match="model next starts from or learns from itself: next <- "):
        make(models=MODELS.replace("train base unet", "train next unet"))


def test_models_that_start_from_each_other_are_refused(make):
    models = MODELS.replace("c10 train random", "c10 train next")
    with pytest.raises(StudyError, match="base <- next <- base"):
        make(models=models)


def test_a_model_that_learns_its_own_labels_is_refused(make):
    with pytest.raises(StudyError, match="model fcn starts from or learns from itself"):
        make(models=MODELS.replace("truth all train random fcn", "fcn all train random fcn"))


def test_an_unknown_start_is_refused(make):
    with pytest.raises(StudyError, match="start 'bsae' is neither random nor imagenet nor a model"):
        make(models=MODELS.replace("train base unet", "train bsae unet"))


IMAGENET_MODELS = MODELS.replace("all train base unet", "all train imagenet unet")


def test_a_model_without_its_imagenet_weights_is_left_out_by_name(make):
    study = make(models=IMAGENET_MODELS)
    assert study.left_out == {"next": "resources/downloads/imagenet/resnet34.safetensors"}
    assert list(study.models) == ["fcn", "base"]


def test_a_model_with_its_imagenet_weights_is_planned(make):
    weights = Path("resources/downloads/imagenet/resnet34.safetensors")
    weights.parent.mkdir(parents=True)
    weights.touch()
    assert "next" in make(models=IMAGENET_MODELS).models


def test_a_model_that_needs_one_without_its_weights_is_refused(make):
    models = IMAGENET_MODELS.replace("c10 train random", "c10 train next")
    with pytest.raises(StudyError, match="model base needs model next, whose ImageNet weights"):
        make(models=models)


def test_a_confidence_set_needs_its_section(make):
    with pytest.raises(StudyError, match="model base: subset c10 of cohort people needs"):
        make(lambda config: config.pop("confidence"))


def test_a_model_uses_the_scores_of_its_labeller_if_it_has_some(make):
    def also(config):
        config["confidence"]["also"] = ["expert2"]
        config["cohorts"]["people"]["annotators"]["expert2"] = "masks"

    models = MODELS.replace("c10", "soft")
    study = make(models=models)
    assert study.scored() == [("people", "fcn")]
    assert study.scores_of(study.models["base"]) == "fcn"
    assert study.scores_of(study.models["fcn"]) is None
    row = {**study.models["base"], "labeller": "expert2"}
    # The labels of another: those of the section select the images.
    assert study.scores_of(row) == "fcn"
    study = make(also, models=models)
    assert study.scored() == [("people", "fcn"), ("people", "expert2")]
    assert study.scores_of(row) == "expert2"
    assert Cohorts(study).confidence_tables() == [
        f"results/small/cohorts/people/confidence/{name}.tsv" for name in ("fcn", "expert2")
    ]
    with pytest.raises(StudyError, match="confidence: no labeller 'nobody'"):
        make(lambda config: config["confidence"].update(also=["nobody"]))


def test_a_unet_needs_an_encoder(make):
    with pytest.raises(StudyError, match="model base: network unet with encoder ''"):
        make(models=MODELS.replace("base unet resnet34", "base unet -"))


def test_a_repeated_model_is_refused(make):
    with pytest.raises(StudyError, match="model fcn occurs twice"):
        make(models=MODELS + MODELS.split("\n")[1] + "\n")


def test_a_model_is_no_annotator(make):
    def edit(config):
        config["cohorts"]["people"]["annotators"]["fcn"] = "masks"

    with pytest.raises(StudyError, match="'fcn' is both a model and an annotator"):
        make(edit)


def replaced(old, new):
    assert old in MODELS
    return MODELS.replace(old, new)


@pytest.mark.parametrize(
    ("models", "sentence"),
    [
        (replaced("base unet resnet34 8 lv,my people fcn", "base unet resnet34 6 lv,my people fcn"),
         "model next: width is '8', but its start base has '6'"),
        (replaced("random unet linear 64", "random unet linear 48"), "model base: size_px 48"),
        (replaced("random fcn linear", "random fcn greys"), "model fcn: intensity greys"),
        (replaced("random unet linear 64 no", "random fcn linear 64 no"),
         "model base: network unet with preparation fcn"),
        (replaced("constant 0 0 0.001 2", "constant 0 0 0.001 0"), "model fcn: no epochs"),
        (
            replaced("fcn fcn - 4 lv,my,rv", "fcn fcn - 4 rv"),
            "model fcn: tissues rv; volumes of a short axis need lv",
        ),
        (
            replaced("fcn fcn - 4 lv,my,rv", "fcn fcn - 4 lv,heart"),
            "model fcn: tissues 'lv,heart': 'heart' is unknown",
        ),
        (
            replaced("fcn fcn - 4 lv,my,rv", "fcn fcn - 4 lv,la"),
            "model fcn: tissues lv,la; images sa show lv, my, rv, and not la",
        ),
        (replaced("truth all train base", "truth all train,validate base"),
         "model next: splits train,validate; validate shows how well a model learns"),
        (replaced("base unet linear 64 no ce 4", "base unet linear 32 no ce 1"),
         "model next: batch 1 with size_px 32; the deepest maps of resnet34 then have one pixel"),
        (replaced("constant 0 0 0.001 2", "constant 0 3 0.001 2"),
         "model fcn: epochs_frozen without lr_frozen"),
        (replaced("truth all train base", "truth v3 train base"),
         "model next: subset v3 of cohort people needs 3 subjects, splits train have 2"),
        (replaced("fcn fcn - 4 lv,my,rv", "fcn unet3plus - 4 lv,my,rv"),
         "model fcn: network unet3plus with preparation fcn; it has minmax"),
        (replaced("fcn fcn - 4 lv,my,rv", "fcn unet3plus resnet34 4 lv,my,rv"),
         "model fcn: network unet3plus with encoder 'resnet34'; unet and unet_compat need an"),
        (replaced("ce 2 constant 0 0 0.001 2", "ce 2 early_stopping 0 0 0.001 2+3"),
         r"model fcn: schedule early_stopping with epochs 2\+3, 0 frozen; it is one cycle"),
        (replaced("ce 2 constant 0 0", "ce 2 early_stopping 0.1 1"), "with epochs 2, 1 frozen"),
        (replaced("fcn fcn - 4 lv,my,rv people truth all train random fcn",
                  "fcn unet3plus - 4 lv,my,rv people truth all train imagenet minmax"),
         "model fcn: network unet3plus has no ImageNet weights to start from"),
        (MODELS + "imagenet" + MODELS.split("\n")[1].removeprefix("fcn") + "\n",
         "a model cannot be named 'imagenet'"),
    ],
)  # fmt: skip
def test_models_that_cannot_be_trained_are_refused(make, models, sentence):
    with pytest.raises(StudyError, match=sentence):
        make(models=models)


MICE = MODELS.replace(
    "fcn - 4 lv,my,rv people truth all train random fcn linear 64 fcn ce 2 constant",
    "unet3plus - 4 lv,my people truth all train random minmax linear 64 mouse dice 2 "
    "early_stopping",
)


def wider(column, *cells):
    """The table of MICE with one more column."""
    head, *rows = MICE.strip().split("\n")
    return "\n".join(
        f"{line} {cell}" for line, cell in zip([head, *rows], [column, *cells], strict=True)
    )


def test_the_network_for_mice_is_a_row_like_others(make):
    study = make(models=MICE)
    row = study.models["fcn"]
    assert (row["network"], row["islands"], row["head_weights"]) == ("unet3plus", "", "")
    assert study.slices_name("fcn") == "sa_lv-my_minmax_linear_64"
    assert study.model("fcn")["islands"] == ""


def test_islands_and_weights_of_heads_are_columns_that_may_be_there(make):
    study = make(models=wider("islands", "code", "-", "largest"))
    assert [study.model(name)["islands"] for name in study.models] == ["code", "", "largest"]
    study = make(models=wider("head_weights", "0,0,0.5,1,1", "-", "-"))
    assert study.models["fcn"]["head_weights"] == "0,0,0.5,1,1"
    with pytest.raises(StudyError, match=r"line 2: islands: 'big' is not one of"):
        make(models=wider("islands", "big", "-", "-"))
    with pytest.raises(StudyError, match=r"line 2: head_weights: '1;1' does not match"):
        make(models=wider("head_weights", "1;1", "-", "-"))
    with pytest.raises(StudyError, match="model fcn: head_weights 1,1; network unet3plus needs 5"):
        make(models=wider("head_weights", "1,1", "-", "-"))


def test_a_set_chosen_by_the_scores_of_its_own_model_is_refused(make):
    with pytest.raises(StudyError, match="model base starts from or learns from itself"):
        make(lambda config: config["confidence"].update(labeller="base"))


def test_a_cohort_without_subjects_to_validate_on_is_refused(make):
    with pytest.raises(StudyError, match="model fcn: cohort people has no subject to validate on"):
        make(subjects=SUBJECTS.replace("validate", "test"))
