"""Cards of models: what they say of trained and of published ones, and that it is true."""

import ast
import re

import numpy as np
import pandas as pd
import pytest
import torch
import yaml

from cmrseg.canvas import PREPARATIONS
from cmrseg.cine import Cine
from cmrseg.labels import NAMES, Tissue, tissues_of
from cmrseg.learn.augment import (
    CMRSEG_ROTATION_DEG,
    FCN_CLIP,
    FCN_ROTATION_DEG,
    FCN_ZOOM,
    FLIP_PROBABILITY,
    MOUSE,
    MOUSE_ROTATION_DEG,
    MYOPS_ROTATION_DEG,
    PRESETS,
    ROTATION_DEG,
)
from cmrseg.learn.job import train_job
from cmrseg.learn.label import load_model
from cmrseg.learn.slices import make_slices
from cmrseg.learn.tag_augment import PRESETS as TAG_PRESETS
from cmrseg.learn.trained_card import write_card
from cmrseg.nets.build import empty_network, network_settings
from cmrseg.nets.fcn import FCN
from cmrseg.nets.kinds import KINDS
from cmrseg.nets.published import NETWORKS as PUBLISHED
from cmrseg.nets.published import model_variables
from cmrseg.results.image_words import GREYS, SIZES
from cmrseg.results.image_words import VIEWS as VIEW_WORDS
from cmrseg.results.labelling import VIEWS
from cmrseg.results.model_card import (
    Training,
    count_parameters,
    published_card,
    trained_card,
)
from cmrseg.results.network_words import NETWORKS
from cmrseg.results.training_words import AUGMENTATIONS
from cmrseg.results.training_words import LOSSES as LOSS_WORDS
from cmrseg.sequences import channels_of
from cmrseg.tasks.kinds import KINDS as TASK_KINDS
from tiny_study import ROOT

CATALOGUE = yaml.safe_load((ROOT / "resources/weights.yaml").read_text("utf-8"))
ROW = {
    "model": "base",
    "network": "fcn",
    "encoder": "",
    "width": 2,
    "sequence": "sa",
    "tissues": "lv,my,rv",
    "cohort": "biobank",
    "labeller": "truth",
    "subset": "all",
    "splits": "train",
    "start": "random",
    "preparation": "fcn",
    "size_px": 32,
    "intensity": "linear",
    "augmentation": "fcn",
    "loss": "ce",
    "batch": 2,
    "schedule": "constant",
    "lr_frozen": 0,
    "epochs_frozen": "0",
    "lr": 5e-3,
    "epochs": "2",
    "seed": 7,
}
LAST = {
    "epoch": 8.0,
    "phase": 2.0,
    "lr": 0.01,
    "images": 1200.0,
    "train_loss": 0.5,
    "valid_loss": 0.123456,
    "accuracy": 0.99,
    "dice_lv": 0.9,
    "dice_rv": float("nan"),
    "image_dice_foreground": 0.8,
}
TRAINING = Training(
    subjects={"training": 4, "validation": 1},
    images={"training": 16, "validation": 4},
    last_epoch=LAST,
    phantom=False,
)


def cells(card):
    """Second cells of all tables by the first."""
    return dict(re.findall(r"^\| (.+?) \| (.*) \|$", card, re.M))


def section(card, heading):
    return re.search(rf"^## {heading}\n\n(.*?)(?=^## |\Z)", card, re.M | re.S)[1]


def test_card_says_what_a_model_learnt_from():
    found = cells(trained_card(ROW, 1234, TRAINING))
    assert found["parameters"] == "1,234"
    assert found["cohort"] == "biobank"
    assert found["labels of"] == "truth"
    assert found["training"] == "16 images of 4 subjects"
    assert found["validation"] == "4 images of 1 subject"
    assert found["epochs"] == "9, 1,200 images seen, schedule constant"
    assert found["loss"] == "cross-entropy"
    assert found["start"] == "random weights"
    assert found["seed"] == "7"


def test_card_has_the_scores_of_the_last_epoch_in_words():
    found = cells(section(trained_card(ROW, 1, TRAINING), "Scores"))
    assert found["validation loss"] == "0.1235"
    assert found["Dice of all images together, LV cavity"] == "0.9000"
    assert found["Dice of all images together, RV cavity"] == "-"
    assert found["mean Dice of single images, all tissues together"] == "0.8000"
    assert len(found) == 7  # with the head of the table and its line


def test_card_lists_the_label_numbers():
    labels = section(trained_card(ROW | {"tissues": "lv,my"}, 1, TRAINING), "Labels")
    for tissue in (Tissue.BACKGROUND, Tissue.LV, Tissue.MYO):
        assert f"| {tissue.value} | {NAMES[tissue]} |" in labels
    assert "RV" not in labels


def test_card_says_which_tissues_a_number_does_not_tell_apart():
    row = ROW | {"sequence": "c0,de,t2", "tissues": "lv,rv,wall,scar"}
    card = trained_card(row, 1, TRAINING)
    labels = section(card, "Labels")
    assert "| 2 | LV myocardium or oedema |" in labels
    assert "| 9 | scar |" in labels
    assert "Does not segment oedema." in section(card, "Limits")


def test_limits_follow_from_the_settings():
    def limits(row, **changes):
        return section(trained_card(ROW | row, 1, Training(**vars(TRAINING) | changes)), "Limits")

    assert "digital heart" in limits({}, phantom=True)
    assert "digital heart" not in limits({})
    assert "Does not segment RV cavity." in limits({"tissues": "lv,my"})
    assert "Does not segment" not in limits({})
    assert "did not mirror" in limits({"augmentation": "normal"})
    assert "did not mirror" not in limits({"augmentation": "extreme"})


def test_start_from_other_weights_is_said_and_their_terms_are():
    card = trained_card(ROW | {"start": "base"}, 1, TRAINING)
    assert cells(card)["start"] == "model base, see its card"
    assert "those of the weights they started from" in section(card, "Terms")
    assert "started from" not in section(trained_card(ROW, 1, TRAINING), "Terms")
    assert "ImageNet" in cells(trained_card(ROW | {"start": "imagenet"}, 1, TRAINING))["start"]


def test_card_says_what_is_unusual_about_weights_and_labelling():
    plain = trained_card(ROW | {"averaged": 0.0, "precision": "float32", "views": 1}, 1, TRAINING)
    assert plain == trained_card(ROW, 1, TRAINING)
    card = trained_card(ROW | {"averaged": 0.995, "precision": "bfloat16", "views": 8}, 1, TRAINING)
    assert cells(card)["weights"] == "moving average, factor 0.995 for each step"
    assert cells(card)["precision"] == "bfloat16 in the products of convolutions"
    labels = section(card, "Labels")
    assert "the mean of 8 views: of the image and its mirror image, each in four" in labels
    assert set(VIEW_WORDS) == set(VIEWS) - {1}
    assert "not mirror" not in trained_card(ROW | {"augmentation": "myops"}, 1, TRAINING)


@pytest.mark.parametrize("name", CATALOGUE)
def test_published_models_have_a_card_with_their_terms_and_labels(name):
    weights = CATALOGUE[name]
    if weights["format"] == "tensorflow":
        shapes = model_variables(weights)
    else:
        with torch.device("meta"):
            state = empty_network(network_settings(weights)).state_dict()
        shapes = {key: value.shape for key, value in state.items()}
    card = published_card(name, weights, count_parameters(shapes))
    assert card.startswith(f"# {name}\n")
    assert "Research use only; not a medical device." in card
    terms = {"seg459": "GPL-3.0", "myops_runet": "has no licence, which allows nothing"}
    assert terms.get(name, "without a licence of their own") in section(card, "Terms")
    for tissue in (Tissue.BACKGROUND, *tissues_of(weights["tissues"])):
        assert f"| {int(tissue)} | {NAMES[tissue]} |" in section(card, "Labels")
    assert cells(card)["orientation"] == weights["orientation"]
    single = len(channels_of(weights["sequence"])) == 1
    one = "<folder of the images>" if weights["sequence"] == "sa" else "<NIfTI file>"
    images = one if single else "<folder with a NIfTI file for each sequence>"
    assert f"--config input={images} model=<path>/{name}" in section(card, "Use")
    assert ("predict_cine(network, cine, settings)" in section(card, "Use")) == single
    assert ("pieces of a tissue are removed" in section(card, "Labels")) == (name == "seg459")
    assert ("Not for short-axis cines" in card) == (weights["sequence"] != "sa")


def test_the_card_of_the_network_for_scar_says_how_it_sees_and_decides():
    card = published_card("myops_runet", CATALOGUE["myops_runet"], 2_739_350)
    found = cells(card)
    assert found["parameters"] == "2,739,350"
    assert found["made of"].endswith("value for value; with rows and columns of kernels swapped")
    assert found["size"].startswith("Not resized; of every slice the window of 256 x 256 pixels")
    assert found["size"].endswith("Its first row and column are swapped, as published.")
    assert "its one largest value" in found["grey values"]
    labels = section(card, "Labels")
    assert "of those above 0.5 the last one is taken, in the order lv, rv, my, edema" in labels
    assert "- Not for short-axis cines.\n" in section(card, "Limits")
    assert "(softmax)" not in trained_card(ROW, 1, TRAINING)
    assert "(softmax)" in trained_card(ROW | {"activation": "softmax"}, 1, TRAINING)


def test_the_card_says_to_what_images_are_padded():
    minmax = {"preparation": "minmax"}
    for network, multiple in (("unet3plus", 16), ("runet", 32)):
        card = trained_card(ROW | minmax | {"network": network}, 1, TRAINING)
        assert f"with zeros to multiples of {multiple} pixels." in cells(card)["size"]


def test_short_axis_card_counts_the_published_trainable_values():
    shapes = model_variables(CATALOGUE["ukbb_sa"])
    assert count_parameters(shapes) == 1_985_556
    with torch.device("meta"):
        network = FCN()
    assert count_parameters({k: v.shape for k, v in network.state_dict().items()}) == 1_985_556


def test_the_cards_words_cover_all_that_a_models_table_may_say():
    assert set(NETWORKS) == {*KINDS, *PUBLISHED}
    assert set(LOSS_WORDS) == {loss for task in TASK_KINDS.values() for loss in task.losses}
    assert set(AUGMENTATIONS) == {*PRESETS, *TAG_PRESETS}
    assert set(GREYS) == set(SIZES) == set(PREPARATIONS)


def test_the_cards_words_for_augmentations_are_those_of_the_code():
    for preset in MOUSE:
        assert f"rotation up to {MOUSE_ROTATION_DEG:.0f} degrees" in AUGMENTATIONS[preset]
    for preset in ("normal", "extreme"):
        assert f"rotation up to {ROTATION_DEG[preset]:.0f} degrees" in AUGMENTATIONS[preset]
        assert ("mirroring" in AUGMENTATIONS[preset]) == (FLIP_PROBABILITY[preset] > 0)
    for preset, limit_deg in (("myops", MYOPS_ROTATION_DEG), ("myops_cmrseg", CMRSEG_ROTATION_DEG)):
        assert f"rotation up to {limit_deg:.0f} degrees" in AUGMENTATIONS[preset]
    for preset in FCN_ZOOM:
        assert f"up to {FCN_CLIP * FCN_ROTATION_DEG:.0f} degrees" in AUGMENTATIONS[preset]


# -- training job -----------------------------------------------------------------------------


def cine(seed):
    """A bright disc in noise, two frames of two slices, and its labels."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:32, :32]
    labels = np.zeros((2, 2, 32, 32), np.uint8)
    distance = np.hypot(y - 16, x - 16)
    labels[:] = np.select([distance < 5, distance < 8], [1, 2])
    return (labels + rng.normal(0, 0.1, labels.shape)).astype(np.float32), labels


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    """The folder of a model that was trained for two epochs."""
    folder = tmp_path_factory.mktemp("job")
    images = []
    for i in range(3):
        for name, voxels in zip(("image", "labels"), cine(i), strict=True):
            Cine(voxels, np.eye(4)).save(folder / f"{i}_{name}.nii.gz")
        split = "train" if i < 2 else "validate"
        image, labels = (folder / f"{i}_{name}.nii.gz" for name in ("image", "labels"))
        images.append((str(i), split, [image], labels))
    make_slices(images, ROW, folder / "slices")
    result = folder / "models" / "base"
    files = {
        "weights": "weights.safetensors",
        "history": "history.tsv",
        "record": "record.json",
    }
    outputs = {name: str(result / file) for name, file in files.items()}
    inputs = {"slices": folder / "slices", "confidence": ""}
    train_job(
        ROW, {**inputs, "start": ""}, outputs, ["a@1"], result / ".state", result / ".kept", "cpu"
    )
    write_card(ROW, {**inputs, **outputs}, str(result / "README.md"), phantom=True)
    return result


def test_training_writes_a_card_with_its_own_numbers(model):
    found = cells((model / "README.md").read_text("utf-8"))
    assert found["training"] == "8 images of 2 subjects"
    assert found["validation"] == "4 images of 1 subject"
    history = pd.read_csv(model / "history.tsv", sep="\t")
    assert found["epochs"] == f"2, {history['images'].iloc[-1]} images seen, schedule constant"
    assert found["validation loss"] == f"{history['valid_loss'].iloc[-1]:.4f}"
    assert found["cohort"] == "biobank, a digital heart"
    network, _ = load_model(model)
    assert found["parameters"] == f"{sum(p.numel() for p in network.parameters()):,}"


def test_python_of_the_card_runs(model, tmp_path, monkeypatch):
    card = (model / "README.md").read_text("utf-8")
    code = re.search(r"```python\n(.*?)```", card, re.S)[1].replace("<path>", str(model.parent))
    ast.parse(code)
    monkeypatch.chdir(tmp_path)
    Cine(cine(5)[0], np.eye(4)).save("cine.nii.gz")
    exec(code, {})
    labels = Cine.load("labels.nii.gz").voxels
    assert labels.shape == (2, 2, 32, 32)
    assert labels.dtype == np.uint8
