"""Models that are there already: what their folders say, and what is refused."""

from pathlib import Path

import pytest

from small_study import MODELS, RECORD, given_model, small_study
from study.tables import StudyError

make = pytest.fixture(small_study)
given = pytest.fixture(given_model)


def test_a_model_s_folder_says_how_to_label_with_it(given):
    def edit(config):
        config["evaluate"][0]["labellers"].append("mine")

    study = given("elsewhere/mine", edit)
    assert study.model("mine") == {
        "network": "unet",
        "encoder": "resnet34",
        "width": 8,
        "task": "segment",
        "tissues": "lv,my",
        "activation": "",
        "sequence": "sa",
        "preparation": "unet",
        "intensity": "linear",
        "size_px": 64,
        "islands": "",
        "views": 1,
        "coarse": "",
        "coarse_channel": "no",
    }
    assert study.weights("mine") == "elsewhere/mine/weights.safetensors"
    assert study.weights("base") == "results/small/models/base/weights.safetensors"
    assert ("people", "mine") in study.predicted()


def test_a_given_model_may_remove_islands(given):
    def edit(config):
        config["evaluate"][0]["labellers"].append("mine")

    record = Path("elsewhere/mine/record.json")
    record.write_text(RECORD.replace('"seed"', '"islands": "code", "seed"'))
    assert given("elsewhere/mine", edit).model("mine")["islands"] == "code"


def test_a_given_model_may_have_sigmoids(given):
    record = Path("elsewhere/mine/record.json")
    record.write_text(RECORD.replace('"seed"', '"activation": "sigmoid", "seed"'))
    assert given("elsewhere/mine").model("mine")["activation"] == "sigmoid"
    record.write_text(RECORD.replace('"seed"', '"activation": "relu", "seed"'))
    with pytest.raises(StudyError, match="model mine: activation 'relu' is unknown; there are"):
        given("elsewhere/mine")


def test_a_given_model_of_other_tissues_is_refused(given):
    record = Path("elsewhere/mine/record.json")
    record.write_text(RECORD.replace("lv,my", "la"))
    with pytest.raises(StudyError, match="model mine: tissues la; images sa show lv, my, rv, and"):
        given("elsewhere/mine")


@pytest.mark.parametrize(("classes", "tissues"), [(3, "lv,my"), (4, "lv,my,rv")])
def test_a_record_of_an_earlier_version_says_its_tissues_by_their_number(given, classes, tissues):
    record = Path("elsewhere/mine/record.json")
    record.write_text(RECORD.replace('"tissues": "lv,my"', f'"classes": {classes}'))
    model = given("elsewhere/mine").model("mine")
    assert (model["tissues"], model["sequence"]) == (tissues, "sa")


def test_a_number_of_classes_that_no_earlier_version_had_is_refused(given):
    record = Path("elsewhere/mine/record.json")
    record.write_text(RECORD.replace('"tissues": "lv,my"', '"classes": 2'))
    with pytest.raises(StudyError, match=r"classes 2 of images 'sa', expected 3 .*write `tissues`"):
        given("elsewhere/mine")


def test_a_start_with_as_many_other_tissues_is_refused(given):
    record = Path("elsewhere/mine/record.json")
    record.write_text(RECORD.replace("lv,my", "my,lv"))
    with pytest.raises(StudyError, match="tissues lv,my, but its start mine labels my,lv: its l"):
        given("elsewhere/mine", models=MODELS.replace("train base unet", "train mine unet"))


def test_published_weights_are_planned_before_they_are_there(given):
    study = given("resources/models/published_sa")
    assert study.model("mine")["width"] == 16
    assert study.weights("mine") == "resources/models/published_sa/weights.safetensors"


def test_a_model_may_start_from_one_that_is_there_already(given):
    study = given("elsewhere/mine", models=MODELS.replace("train base unet", "train mine unet"))
    assert study.models["next"]["start"] == "mine"


def test_a_given_start_must_be_the_same_network(given):
    with pytest.raises(StudyError, match="model next: network is 'unet', but its start mine has"):
        given(
            "resources/models/published_sa",
            models=MODELS.replace("train base unet", "train mine unet"),
        )


@pytest.mark.parametrize(
    ("path", "sentence"),
    [
        ("elsewhere/absent", "weights mine: no folder elsewhere/absent; name the folder of a mod"),
        ("elsewhere", r"weights mine: elsewhere has no weights.safetensors"),
        ("resources/models/published_2ch", "weights mine: .* has no network, encoder, w"),
    ],
)
def test_weights_that_cannot_be_used_are_refused(given, path, sentence):
    with pytest.raises(StudyError, match=sentence):
        given(path)


def test_a_model_labels_cohorts_that_have_its_images(given):
    def edit(config):
        config["evaluate"][0]["labellers"].append("mine")

    record = Path("elsewhere/mine/record.json")
    record.write_text(
        RECORD.replace("lv,my", "la").replace('"seed"', '"sequence": "la_2ch", "seed"')
    )
    assert given("elsewhere/mine").model("mine")["sequence"] == "la_2ch"
    with pytest.raises(StudyError, match="model mine: cohort people has no images la_2ch; its seq"):
        given("elsewhere/mine", edit)


def test_a_network_that_no_stage_can_use_is_refused(given):
    record = Path("elsewhere/mine/record.json")
    record.write_text(RECORD.replace('"unet"', '"vit"', 1))
    with pytest.raises(StudyError, match="model mine: network vit cannot be used by a study"):
        given("elsewhere/mine")


@pytest.mark.parametrize("text", ["{", "[]", '{"settings": 3}', "{}"])
def test_a_record_that_is_none_is_refused(given, text):
    Path("elsewhere/mine/record.json").write_text(text)
    with pytest.raises(StudyError, match=r"mine/record.json: not the record of a model"):
        given("elsewhere/mine")


def test_a_record_without_a_setting_is_refused(given):
    Path("elsewhere/mine/record.json").write_text('{"settings": {"network": "unet"}}')
    with pytest.raises(StudyError, match=r"record\.json has no encoder, width, tissues"):
        given("elsewhere/mine")


def test_a_name_is_one_model_only(given):
    with pytest.raises(StudyError, match="model base is in the models table and in `weights`"):
        given("elsewhere/mine", lambda c: c["weights"].update(base="elsewhere/mine"))
