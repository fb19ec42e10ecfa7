"""The network of MyoPS in use: a model's folder labels a case, and a step of its training."""

import json

import numpy as np
import pandas as pd
import pytest
import torch
import yaml

from cmrseg.cine import Cine
from cmrseg.labels import Target, Tissue
from cmrseg.learn.convert import convert_weights
from cmrseg.learn.label import label_shard, load_model
from cmrseg.learn.predict import Predictor, predict_cine
from cmrseg.learn.prepare import prepare_cines
from cmrseg.learn.schedule import EpochPlan, make_optimiser, set_step
from cmrseg.learn.slices import Slices, make_slices
from cmrseg.learn.step import FLOAT32, loss_function, training_step
from cmrseg.learn.train import train
from cmrseg.nets.build import build_network, network_settings
from cmrseg.nets.keras_ranked import read_ranked
from cmrseg.nets.runet import RUNet
from cmrseg.nets.unet_myops import PlainUNet
from cmrseg.tasks.build import task_of
from myops_oracle import SLICE, TISSUES, VALUES, case, keras_file, keras_layers, oracle, write_keras
from study.recipes import read_recipes
from tiny_study import ROOT

ENTRY = yaml.safe_load((ROOT / "resources/weights.yaml").read_text("utf-8"))["myops_runet"]
OUTPUTS = {"weights": "weights.safetensors", "record": "record.json"}
RECIPE = read_recipes(str(ROOT / "config/recipes.yaml"))["myops_published"]
SMALL = RECIPE | {
    **{"width": 8, "size_px": 32, "batch": 2, "epochs": "3", "start": "random", "seed": 1},
    **{"subset": "all", "splits": "train", "head_weights": "", "task": "segment", "encoder": ""},
}


def converted(path, folder, entry=ENTRY):
    outputs = {name: str(folder / file) for name, file in OUTPUTS.items()}
    convert_weights("myops", entry | {"file": path.name}, path.parent, outputs, ["a@1"])
    return folder


def small_entry(**changes):
    return {k: v for k, v in ENTRY.items() if k != "width"} | {"size_px": 32} | changes


def images(shape=(1, 2, 40, 36)):
    rng = np.random.default_rng(3)
    return [Cine(rng.gamma(2, 50, shape).astype(np.float32), np.eye(4)) for _ in range(3)]


# -- a model's folder ----------------------------------------------------------------------------


@pytest.fixture
def network():
    settings = network_settings(SMALL)
    return build_network(settings, torch.Generator().manual_seed(5)).eval()


def test_a_converted_file_labels_like_its_network(network, tmp_path):
    path = write_keras(tmp_path / "RUnet.h5", keras_layers(network, 7))
    found, settings = load_model(converted(path, tmp_path / "model", small_entry()))
    assert isinstance(found, RUNet)
    assert {k: settings[k] for k in ("width", "activation", "preparation")} == {
        **{"width": 8, "activation": "sigmoid", "preparation": "joint_max_compat"},
    }
    cines = images()
    labels = predict_cine(found, cines, settings)
    pixels, canvas = prepare_cines([cine.voxels for cine in cines], settings)
    with torch.inference_mode():
        above = torch.sigmoid(network(torch.from_numpy(pixels[0]))) > 0.5
    expected = np.zeros((2, 32, 32), np.uint8)
    for channel, tissue in enumerate(TISSUES):
        expected[above[:, channel].numpy()] = tissue
    native, there = canvas.overlap
    assert len(np.unique(expected)) > 1
    assert (labels[0][:, *native] == expected[:, *there]).mean() > 0.999
    labels[0][:, *native] = 0
    assert not labels.any()


def test_the_plain_network_is_converted_in_the_same_way(tmp_path):
    settings = network_settings(SMALL | {"network": "unet_myops"})
    network = build_network(settings, torch.Generator().manual_seed(2))
    path = write_keras(tmp_path / "Unet.h5", keras_layers(network, 3), whole=False)
    entry = small_entry(network="unet_myops", preparation="joint_max")
    found, told = load_model(converted(path, tmp_path / "model", entry))
    assert (type(found), told["width"]) == (PlainUNet, 8)
    for name, value in network.state_dict().items():
        assert torch.equal(found.state_dict()[name], value)


def test_by_softmax_the_same_outputs_give_other_labels(network):
    settings = SMALL | {"activation": ""}
    by_sigmoid, by_softmax = (predict_cine(network, images(), s) for s in (SMALL, settings))
    assert (by_sigmoid != by_softmax).any()


def test_a_record_without_an_activation_has_that_of_its_tissues(network, tmp_path):
    path = write_keras(tmp_path / "RUnet.h5", keras_layers(network))
    folder = converted(path, tmp_path / "model", small_entry())
    record = json.loads((folder / "record.json").read_text())
    del record["settings"]["activation"]
    (folder / "record.json").write_text(json.dumps(record))
    _, settings = load_model(folder)
    assert not Target.of_settings(settings).sigmoid


def test_a_shard_is_labelled_on_the_grid_of_its_first_image(network, tmp_path):
    path = write_keras(tmp_path / "RUnet.h5", keras_layers(network))
    folder = converted(path, tmp_path / "model", small_entry())
    for cine, key in zip(images(), ("c0", "de", "t2"), strict=True):
        (tmp_path / "images/case").mkdir(parents=True, exist_ok=True)
        cine.save(tmp_path / f"images/case/{key}.nii.gz")
    (tmp_path / "labels").mkdir()
    _, settings = load_model(folder)
    weights = folder / "weights.safetensors"
    label_shard(settings, weights, tmp_path / "images", tmp_path / "labels", "cpu")
    labels = Cine.load(tmp_path / "labels/case/c0.nii.gz").voxels
    assert (labels == predict_cine(network, images(), settings)).mean() > 0.999


def test_entries_that_do_not_fit_the_file_are_refused(network, tmp_path):
    path = write_keras(tmp_path / "RUnet.h5", keras_layers(network))
    with pytest.raises(ValueError, match=r"has a network with width 8, its entry in .* says 16"):
        converted(path, tmp_path / "m", ENTRY)
    with pytest.raises(ValueError, match=r"with 6 channels, the tissues lv,my of its entry"):
        converted(path, tmp_path / "m", small_entry(tissues="lv,my"))
    with pytest.raises(ValueError, match=r"kernel:0 is float32 \(7, 7, 3, 8\), expected .* 2, 8\)"):
        converted(path, tmp_path / "m", small_entry(sequence="c0,de"))
    with pytest.raises(ValueError, match="network fcn is not read from Keras files, only unet3"):
        converted(path, tmp_path / "m", small_entry(network="fcn"))


def test_networks_over_time_have_no_sigmoids():
    settings = {"network": "unet_lstm", "preparation": "zscore", "intensity": "linear"}
    settings |= {"size_px": 32, "tissues": "aao,dao", "activation": "sigmoid", "task": "segment"}
    with pytest.raises(ValueError, match="network unet_lstm of tissues aao,dao with sigmoids"):
        Predictor(torch.nn.Identity(), settings)


# -- training ------------------------------------------------------------------------------------


def test_a_training_learns_where_bright_tissue_is(tmp_path):
    rng, files = np.random.default_rng(1), []
    for subject, split in (("a", "train"), ("b", "train"), ("c", "validate")):
        labels = np.zeros((1, 4, 40, 40), np.uint8)
        labels[..., 10:22, 10:22], labels[..., 22:30, 10:22] = Tissue.LV, Tissue.SCAR
        paths = []
        for key, tissue in (("c0", Tissue.LV), ("de", Tissue.SCAR), ("t2", Tissue.EDEMA)):
            noise = rng.gamma(2, 10, labels.shape) + 200 * (labels == tissue)
            paths.append(tmp_path / f"{subject}_{key}.nii.gz")
            Cine(noise.astype(np.float32), np.eye(4)).save(paths[-1])
        paths.append(tmp_path / f"{subject}.nii.gz")
        Cine(labels, np.eye(4)).save(paths[-1])
        files.append((subject, split, paths[:3], paths[3]))
    make_slices(files, SMALL, tmp_path / "slices")
    slices = Slices.load(tmp_path / "slices")
    weights, history = train(SMALL, slices, task_of(SMALL))
    assert history["train_loss"].iloc[-1] < history["train_loss"].iloc[0] - 0.02
    assert isinstance(history, pd.DataFrame)
    assert {"dice_scar", "dice_edema", "image_dice_foreground"} <= set(history)
    assert weights["logits.weight"].shape == (6, 8, 1, 1)


def test_a_step_in_float64_is_that_of_keras(data, tmp_path):
    expected = np.load(oracle(data) / "expected.npz")
    network = RUNet(6, 2, 3)
    network.load_state_dict(read_ranked(keras_file(data / "myops_oracle", "runet_narrow",
                                                   tmp_path / "net.h5"), network))  # fmt: skip
    network.double().train()
    voxels = [cine.voxels[0, SLICE : SLICE + 2] for cine in case(data)]
    window = np.stack(voxels, 1)[:, :, 115:371, 112:368].astype(float)
    window /= window.max((1, 2, 3), keepdims=True)
    classes = np.digitize(window[:, 0], [0.05, 0.15, 0.3, 0.45, 0.6])
    labels = torch.from_numpy(np.array(TISSUES, np.uint8)[classes])
    schedule, now = RECIPE["schedule"], EpochPlan(2, False, RECIPE["lr"], 0, 0, 1)
    optimiser = make_optimiser(schedule, list(network.parameters()))
    set_step(optimiser, schedule, now, 0, 1)
    loss_of = loss_function(network, task_of(RECIPE), FLOAT32)
    places = {"conv2d": "stem", "batch_normalization": "stem_norm", "conv2d_81": "logits"}
    places |= {"conv2d_14": "down.1.0.conv4", "conv2d_40": "down.3.2.conv3"}
    checked = 0

    def check(which, tensor_of, most):
        nonlocal checked
        for key in (k for k in expected if k.startswith(f"runet_narrow_float64_{which}_")):
            layer, part = key.removeprefix(f"runet_narrow_float64_{which}_").split(".")
            module = network.get_submodule(places[layer])
            weight = module.bias if part in ("bias", "beta") else module.weight
            value = tensor_of(weight).numpy()
            value = value.transpose(3, 2, 1, 0) if part == "kernel" else value
            assert np.abs(value - expected[key]).max() < most, key
            checked += 1

    before = training_step(loss_of, optimiser, torch.from_numpy(window), labels)
    check("grad", lambda weight: weight.grad, 1e-8)
    check("after1", lambda weight: weight.detach(), 1e-7)
    with torch.no_grad():
        after = loss_of(torch.from_numpy(window), labels)
    losses = expected["runet_narrow_float64_loss_before_and_after_1_step"]
    assert abs(before.item() - losses[0]) < 1e-7
    assert abs(after.item() - losses[1]) < 2e-6
    assert checked == 11


# -- reference numbers --------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["runet_full", "runet_narrow"])
def test_a_case_is_labelled_as_the_published_program_decides(name, data, tmp_path):
    expected = np.load(oracle(data) / "expected.npz")
    path = keras_file(data / "myops_oracle", name, tmp_path / "RUnet.h5")
    entry = {key: value for key, value in ENTRY.items() if key != "width"}
    network, settings = load_model(converted(path, tmp_path / "model", entry))
    cines = case(data)
    labels = predict_cine(network, cines, settings)
    assert labels.shape == cines[0].voxels.shape
    assert labels.dtype == np.uint8
    values = np.zeros(max(TISSUES) + 1, int)
    values[list(TISSUES)] = VALUES
    mine = values[labels[0, SLICE].T]  # (x, y)
    window = mine[112:368, 115:371]
    assert (window[::8, ::8] == expected[f"{name}_decided_sample_sub"]).all()
    counts = [int((window == value).sum()) for value in VALUES]
    assert counts == expected[f"{name}_decided_values_counts"][0].tolist()
    outside = np.ones(mine.shape, bool)
    outside[112:368, 115:371] = False
    assert not mine[outside].any()
    assert all(labels[0, z].any() for z in range(5))
