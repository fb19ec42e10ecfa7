"""Models that place points in tagged cines: what a row of the models table may say."""

import pytest

from small_study import small_study
from study.tables import StudyError
from tiny_study import ROOT

make = pytest.fixture(small_study)
COLUMNS = "model recipe cohort labeller start coarse network loss augmentation preparation size_px"


def row(model, recipe, **cells):
    """A row of the models table; what is not told is of the recipe."""
    told = {"model": model, "recipe": recipe, "cohort": "people", "labeller": "truth"} | cells
    return " ".join(({"start": "random"} | told).get(name, "-") for name in COLUMNS.split())


def box(**cells):
    return row("box", "tag_box_demo", **cells)


def ring(model="ring", **cells):
    return row(model, "tag_motion_demo", **{"coarse": "box", **cells})


@pytest.fixture
def study(make):
    """A study with a cohort of tagged cines and some rows of a models table; - is an empty cell."""

    def build(*rows):
        def edit(config):
            cohort = config["cohorts"]["people"]
            cohort.update(layout="nifti", sequences=["tag"])
            cohort["annotators"] = {"truth": {"form": "points", "sequence": "tag"}}
            config.pop("confidence")
            config["recipes"] = str(ROOT / "config/recipes.yaml")
            config["figures"], config["evaluate"], config["panels"] = {}, [], {}

        return make(edit, models="\n".join((COLUMNS, *rows)))

    return build


def test_landmarks_are_learnt_in_windows_of_the_truth_and_not_of_the_coarse_model(study):
    found = study(box(), ring())
    assert found.slices_name("ring") == "tag_my_tag_window_linear_80"
    assert "coarse" not in found.training("ring")
    assert found.model("ring")["coarse"] == "box"
    assert ("people", "box") not in found.labelled()


def test_a_network_that_finds_the_heart_itself_needs_no_box(study):
    assert study(ring(coarse="-")).coarse("ring") == ""


@pytest.mark.parametrize(
    ("rows", "sentence"),
    [
        ([box(augmentation="normal")], "augmentation normal; tag_turned, .* move points"),
        ([box(loss="ring_strain")], "loss ring_strain with network tag_box; it has box"),
        (
            [box(), ring(loss="ring_strain")],
            "loss ring_strain with network tag_motion; it has ring_motion",
        ),
        (
            [ring(coarse="-", network="tag_ring", loss="ring_strain")],
            "network tag_ring needs coarse, the model that finds the heart first",
        ),
        (
            [box(), ring(), ring("other", coarse="ring")],
            "model other: coarse ring is of network tag_motion, which finds no box",
        ),
        (
            [box(network="fcn", preparation="fcn", size_px="96", augmentation="no")],
            "network fcn places no points, and task track needs one that does",
        ),
    ],
)
def test_what_cannot_be_is_refused_by_name(study, rows, sentence):
    with pytest.raises(StudyError, match=sentence):
        study(*rows)
