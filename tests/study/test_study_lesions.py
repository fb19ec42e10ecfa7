"""Models of scar and oedema in a study: their recipes, and settings that contradict each other."""

import pytest

from small_study import MODELS, small_study
from study.recipes import read_recipes
from study.tables import StudyError
from tiny_study import ROOT

make = pytest.fixture(small_study)
HEAD = "model recipe cohort labeller start sequence network preparation activation tissues size_px"


def widened(config):
    """Three contrasts in one cohort, and who labelled them."""
    cohort = config["cohorts"]["people"]
    cohort.update(layout="nifti", sequences=["c0", "de", "t2"], annotators={"expert": "nifti"})
    config.pop("confidence")
    config["figures"] = {}
    config["evaluate"] = [{"cohort": "people", "labellers": ["scar"], "reference": "expert"}]


@pytest.fixture
def study(make):
    def build(row, recipe="myops_published"):
        cells = dict.fromkeys(HEAD.split(), "") | row
        cells |= {"model": "scar", "recipe": recipe, "cohort": "people", "labeller": "expert"}
        line = " ".join(cells[key] or "-" for key in HEAD.split())
        return make(widened, models=f"{HEAD}\n{line}\n")

    return build


def test_the_recipes_give_two_networks_that_are_trained_alike():
    recipes = read_recipes(str(ROOT / "config/recipes.yaml"))
    published, plain = recipes["myops_published"], recipes["myops_unet"]
    assert published["tissues"] == "lv,rv,my,edema,scar"
    assert (published["activation"], published["loss"]) == ("sigmoid", "dice_myops")
    assert (published["schedule"], published["lr"]) == ("constant_keras", 0.001)
    assert {key for key in published if published[key] != plain[key]} == {"network"}


def test_a_row_needs_no_more_than_its_recipe(study):
    found = study({"start": "random"})
    row = found.models["scar"]
    assert (row["network"], row["activation"], row["size_px"]) == ("runet", "sigmoid", 256)
    assert found.model("scar")["activation"] == "sigmoid"
    assert found.slices_name("scar") == ("c0-de-t2_lv-rv-my-edema-scar_joint_max_compat_linear_256")


@pytest.mark.parametrize("preparation", ["joint_max", "channel_max", "minmax"])
@pytest.mark.parametrize("activation", ["softmax", "none"])
def test_rows_choose_among_preparations_and_decisions(study, preparation, activation):
    found = study({"start": "random", "preparation": preparation, "activation": activation})
    assert found.model("scar")["preparation"] == preparation
    assert found.model("scar")["activation"] == activation.replace("none", "")


@pytest.mark.parametrize(
    ("row", "sentence"),
    [
        ({"preparation": "fcn"},
         "network runet with preparation fcn; it has joint_max or joint_max_compat or channel_max"),
        ({"size_px": "48"}, "size_px 48; network runet needs a multiple of 32"),
        ({"activation": "softmax", "tissues": "wall,scar"},
         "activation softmax of tissues wall,scar, which overlap; leave it empty"),
        ({"activation": "relu"}, "activation: 'relu' is not one of"),
        ({"sequence": "c0,de,la_4ch"}, "cines and still images"),
    ],
)  # fmt: skip
def test_settings_that_contradict_each_other_are_refused(study, row, sentence):
    with pytest.raises(StudyError, match=sentence):
        study({"start": "random"} | row)


def test_a_network_over_time_has_no_sigmoids(make):
    # All of these are columns of the table of the small study.
    models = MODELS.replace("fcn fcn - 4 lv,my,rv", "fcn unet_lstm - 4 lv,my,rv")
    models = models.replace("random fcn linear", "random zscore linear")
    lines = models.split("\n")
    table = "\n".join(
        [f"{lines[0]} activation", f"{lines[1]} sigmoid", *(f"{x} -" for x in lines[2:] if x)]
    )
    with pytest.raises(StudyError, match="model fcn: tissues lv,my,rv with activation 'sigmoid'"):
        make(models=table + "\n")
