"""The network for mice: a file in Keras's layout gives its outputs, others are refused."""

import json

import h5py
import numpy as np
import pytest
import torch
import yaml

from cmrseg.files import sha256
from cmrseg.labels import Tissue
from cmrseg.learn.convert import convert_weights
from cmrseg.learn.label import load_model
from cmrseg.nets import keras_hdf5
from cmrseg.nets.keras_hdf5 import layers, read_unet3plus
from cmrseg.nets.unet3plus import UNet3Plus
from tiny_study import ROOT

ENTRY = yaml.safe_load((ROOT / "resources/weights.yaml").read_text("utf-8"))["seg459"]
WIDTH = 2
NARROW = {key: value for key, value in ENTRY.items() if key != "sha256"} | {"width": WIDTH}
FILTERS = {level: WIDTH * 2 ** (level - 1) for level in range(1, 6)}


def keras_arrays(seed=1):
    """Arrays of each layer in Keras's layout, named as in the published file."""
    rng = np.random.default_rng(seed)
    found = {}

    def convolution(name, channels_in, channels):
        spread = (2 / (9 * channels_in)) ** 0.5
        found[name] = {
            "kernel": spread * rng.normal(size=(3, 3, channels_in, channels)),
            "bias": 0.1 * rng.normal(size=channels),
        }

    def unit(name, number, channels_in, channels):
        convolution(f"{name}_Conv_{number}", channels_in, channels)
        found[f"{name}_BN_{number}"] = {
            "gamma": rng.uniform(0.8, 1.2, channels),
            "beta": 0.1 * rng.normal(size=channels),
            "moving_mean": 0.1 * rng.normal(size=channels),
            "moving_variance": rng.uniform(0.5, 1.5, channels),
        }

    for level, filters in FILTERS.items():
        unit(f"Encoder{level}", 1, FILTERS.get(level - 1, 1), filters)
        unit(f"Encoder{level}", 2, filters, filters)
        convolution(f"deepsup_conv_{level}_1", filters, 3)
        convolution(f"deepsup_conv_{level}_2", 3, 3)
        if level < 5:
            for source, channels in FILTERS.items():
                unit(f"Skip{source}_{level}", 1, channels, filters)
            unit(f"Decoder{level}", 1, 5 * filters, filters)
    return {k: {p: v.astype(np.float32) for p, v in a.items()} for k, a in found.items()}


def write_keras(path, arrays):
    """A whole model as Keras 2 saves it: attributes with names, a group in each layer's group."""
    with h5py.File(path, "w") as file:
        file.attrs["keras_version"] = "2.12.0"
        file.attrs["model_config"] = json.dumps({"class_name": "Functional"})
        top = file.create_group("model_weights")
        top.attrs["layer_names"] = [name.encode() for name in arrays]
        for layer, parts in arrays.items():
            group = top.create_group(layer)
            names = [f"{layer}/{part}:0" for part in parts]
            group.attrs["weight_names"] = [name.encode() for name in names]
            for name, value in zip(names, parts.values(), strict=True):
                group[name] = value
        file.create_group("optimizer_weights")["iter:0"] = np.int64(1)
    return path


# -- the published network once more, in float64 and without PyTorch -----------------------------


def convolved(maps, layer):
    """(y, x, in) with zeros around it, 3 x 3."""
    y, x, _ = maps.shape
    padded = np.pad(maps, ((1, 1), (1, 1), (0, 0)))
    windows = [padded[i : i + y, j : j + x] @ layer["kernel"][i, j].astype(float)
               for i in range(3) for j in range(3)]  # fmt: skip
    return sum(windows) + layer["bias"]


def pooled(maps, factor):
    y, x, c = maps.shape
    return maps.reshape(y // factor, factor, x // factor, factor, c).max(axis=(1, 3))


def enlarged(maps, factor):
    """Bilinear between pixel centres; beyond the outer ones the edge pixel counts."""
    for axis in (0, 1):
        count = maps.shape[axis]
        place = np.clip((np.arange(count * factor) + 0.5) / factor - 0.5, 0, count - 1)
        low = np.floor(place).astype(int)
        share = (place - low).reshape((-1, 1, 1) if axis == 0 else (1, -1, 1))
        high = np.minimum(low + 1, count - 1)
        maps = maps.take(low, axis) * (1 - share) + maps.take(high, axis) * share
    return maps


def reference(image, arrays):
    """Softmax (y, x, 3) of the five heads, level 5 first, of an image (y, x)."""

    def unit(maps, name, number):
        maps, norm = convolved(maps, arrays[f"{name}_Conv_{number}"]), arrays[f"{name}_BN_{number}"]
        scale = norm["gamma"] / np.sqrt(norm["moving_variance"].astype(float) + 1e-3)
        return np.maximum((maps - norm["moving_mean"]) * scale + norm["beta"], 0)

    encoder, maps = {}, image[..., None].astype(float)
    for level in range(1, 6):
        maps = maps if level == 1 else pooled(maps, 2)
        maps = encoder[level] = unit(unit(maps, f"Encoder{level}", 1), f"Encoder{level}", 2)
    decoder = {5: encoder[5]}
    for level in (4, 3, 2, 1):
        branches = []
        for source in range(1, 6):
            if source <= level:
                taken = pooled(encoder[source], 2 ** (level - source))
            else:
                deep = decoder if source == level + 1 else encoder
                taken = enlarged(deep[source], 2 ** (source - level))
            branches.append(unit(taken, f"Skip{source}_{level}", 1))
        decoder[level] = unit(np.concatenate(branches, axis=2), f"Decoder{level}", 1)
    heads = []
    for level in (5, 4, 3, 2, 1):
        logits = enlarged(
            convolved(decoder[level], arrays[f"deepsup_conv_{level}_1"]), 2 ** (level - 1)
        )
        logits = convolved(logits, arrays[f"deepsup_conv_{level}_2"])
        shares = np.exp(logits - logits.max(axis=2, keepdims=True))
        heads.append(shares / shares.sum(axis=2, keepdims=True))
    return heads


def test_a_converted_file_gives_the_five_outputs(tmp_path):
    arrays = keras_arrays()
    path = write_keras(tmp_path / "net.h5", arrays)
    network = UNet3Plus(3, WIDTH).eval()
    network.load_state_dict(read_unet3plus(path, WIDTH, 3))
    image = np.random.default_rng(0).random((48, 32)).astype(np.float32)
    with torch.no_grad():
        heads = network.heads(torch.from_numpy(image)[None, None])
    expected = reference(image, arrays)
    # Background, cavity, muscle here; background, muscle, cavity there.
    theirs = {Tissue.BACKGROUND: 0, Tissue.MYO: 1, Tissue.LV: 2}
    for logits, shares in zip(heads, expected, strict=True):
        assert shares.std() > 0.05
        for tissue, number in theirs.items():
            own = logits.softmax(1)[0, tissue].numpy()
            np.testing.assert_allclose(own, shares[..., number], atol=1e-4, rtol=0)


def test_every_array_has_one_place_and_every_place_an_array():
    with torch.device("meta"):
        state = UNet3Plus(3, WIDTH).state_dict()
    places = [f"{place}.{own}" for place, parts in layers().values() for own in parts.values()]
    assert len(places) == len(set(places))
    assert set(places) == {name for name in state if not name.endswith("batches_tracked")}
    assert layers().keys() == keras_arrays().keys()


def test_conversion_makes_a_model_s_folder(tmp_path):
    write_keras(tmp_path / "SEG459.h5", keras_arrays())
    outputs = {"weights": "weights.safetensors", "record": "record.json"}
    outputs = {name: str(tmp_path / "seg459" / file) for name, file in outputs.items()}
    given = NARROW | {"sha256": sha256(tmp_path / "SEG459.h5")}
    convert_weights("seg459", given, tmp_path, outputs, ["a@1"])
    network, settings = load_model(tmp_path / "seg459")
    assert isinstance(network, UNet3Plus)
    assert settings["islands"] == "code"
    assert settings["preparation"] == "minmax"
    content = json.loads((tmp_path / "seg459/record.json").read_text())
    assert [name.rsplit("/")[-1] for name in content["inputs"]] == ["SEG459.h5"]


def test_a_file_without_the_optimiser_gives_the_same_weights(tmp_path):
    path = write_keras(tmp_path / "whole.h5", keras_arrays())
    expected = read_unet3plus(path, WIDTH, 3)
    with h5py.File(path, "r+") as file:
        del file["optimizer_weights"]
    bare = read_unet3plus(path, WIDTH, 3)
    # As Keras writes a file of weights alone: the layers are at the top.
    with h5py.File(path) as file, h5py.File(tmp_path / "weights.h5", "w") as alone:
        for layer in file["model_weights"]:
            file.copy(f"model_weights/{layer}", alone)
    alone = read_unet3plus(tmp_path / "weights.h5", WIDTH, 3)
    for found in (bare, alone):
        assert found.keys() == expected.keys()
        assert all(torch.equal(found[name], expected[name]) for name in expected)


def test_the_width_is_read_off_the_file_and_an_entry_that_says_another_is_refused(tmp_path):
    write_keras(tmp_path / "SEG459.h5", keras_arrays())
    outputs = {"weights": str(tmp_path / "w.safetensors"), "record": str(tmp_path / "r.json")}
    given = {key: value for key, value in NARROW.items() if key != "width"}
    convert_weights("mine", given, tmp_path, outputs, [])
    settings = json.loads((tmp_path / "r.json").read_text())["settings"]
    assert (settings["width"], settings["tissues"]) == (WIDTH, "lv,my")
    with pytest.raises(ValueError, match=r"weights mine: .*SEG459\.h5 has a network with width 2"):
        convert_weights("mine", NARROW | {"width": 32}, tmp_path, outputs, [])


def test_a_file_of_another_content_is_not_opened(tmp_path):
    (tmp_path / "SEG459.h5").write_text("version https://git-lfs.github.com/spec/v1\n")
    with pytest.raises(ValueError, match=r"seg459: .*SEG459.h5 has 43 bytes and sha256 .* pointer"):
        convert_weights("seg459", ENTRY, tmp_path, {}, [])
    with pytest.raises(FileNotFoundError, match=r"seg459: no .*SEG459.h5; fetch the files again"):
        convert_weights("seg459", ENTRY, tmp_path / "none", {}, [])


# -- refusals ---------------------------------------------------------------------------------


def changed(layer, **parts):
    """Arrays with some parts of a layer replaced, or left out where they are None."""
    arrays = keras_arrays()
    found = arrays[layer] | parts
    arrays[layer] = {part: value for part, value in found.items() if value is not None}
    return arrays


@pytest.mark.parametrize(
    ("arrays", "sentence"),
    [
        (changed("Skip2_3_Conv_1", kernel=np.zeros((3, 3, 4, 9), np.float32)),
         r"kernel:0 is float32 \(3, 3, 4, 9\), expected float32 \(3, 3, 4, 8\); fetch"),
        (changed("Decoder1_BN_1", beta=np.zeros(2)), r"beta:0 is float64 \(2,\), expected float32"),
        (changed("Decoder1_BN_1", beta=None), "Decoder1_BN_1 has the arrays .*, expected one each"),
        (changed("Encoder1_Conv_1", extra=np.zeros(2, np.float32)), "expected one each of kernel"),
        (changed("deepsup_conv_1_2", bias=np.full(3, np.nan, np.float32)),
         "bias:0 has values that are not finite"),
        ({k: v for k, v in keras_arrays().items() if k != "Skip5_4_BN_1"},
         "model_weights/Skip5_4_BN_1 is missing; is this the published network"),
    ],
)  # fmt: skip
def test_other_arrays_are_refused_by_name(tmp_path, arrays, sentence):
    path = write_keras(tmp_path / "net.h5", arrays)
    with pytest.raises(ValueError, match=f"net.h5: .*{sentence}"):
        read_unet3plus(path, WIDTH, 3)


def _link(file, link):
    del file["model_weights/Encoder1_Conv_1/Encoder1_Conv_1/bias:0"]
    file["model_weights/Encoder1_Conv_1/Encoder1_Conv_1/bias:0"] = link


def _outside(file, folder):
    place = file["model_weights/Encoder1_Conv_1/Encoder1_Conv_1"]
    del place["bias:0"]
    (folder / "secret").write_bytes(bytes(8))
    place.create_dataset("bias:0", (2,), np.float32, external=[(str(folder / "secret"), 0, 8)])


def _virtual(file, folder):
    place = file["model_weights/Encoder1_Conv_1/Encoder1_Conv_1"]
    del place["bias:0"]
    layout = h5py.VirtualLayout((2,), np.float32)
    layout[:] = h5py.VirtualSource(folder / "other.h5", "bias", (2,))
    place.create_virtual_dataset("bias:0", layout)


def _names(file, names):
    file["model_weights/Encoder1_Conv_1"].attrs["weight_names"] = names


@pytest.mark.parametrize(
    ("edit", "sentence"),
    [
        (lambda file, folder: _link(file, h5py.ExternalLink("other.h5", "/bias")),
         "bias:0 is a link to elsewhere, which is not followed"),
        (lambda file, folder: _link(file, h5py.SoftLink("/model_weights")), "is a link to else"),
        (_outside, "bias:0: its data lie in other files, which are not opened"),
        (_virtual, "bias:0: its data lie in other files, which are not opened"),
        (lambda file, folder: _names(file, [b"../../x/kernel:0", b"bias:0"]), "no path within"),
        (lambda file, folder: _names(file, [b"a:0"] * 9), r"weight_names is \(9,\), expected a sh"),
        (lambda file, folder: _link(file, file["model_weights"]), "bias:0 is no array"),
    ],
)  # fmt: skip
def test_nothing_outside_the_file_is_read(tmp_path, edit, sentence):
    path = write_keras(tmp_path / "net.h5", keras_arrays())
    with h5py.File(path, "r+") as file:
        edit(file, tmp_path)
    with pytest.raises(ValueError, match=f"net.h5: .*{sentence}"):
        read_unet3plus(path, WIDTH, 3)


def test_what_is_no_keras_file_is_refused_by_name(tmp_path, monkeypatch):
    (tmp_path / "text.h5").write_text("no")
    with pytest.raises(ValueError, match=r"text.h5: not a readable HDF5 file"):
        read_unet3plus(tmp_path / "text.h5", WIDTH, 3)
    with pytest.raises(ValueError, match=r"text.h5: the published network has 3 classes, not 4"):
        read_unet3plus(tmp_path / "text.h5", WIDTH, 4)
    with h5py.File(tmp_path / "empty.h5", "w") as file:
        file.create_group("model_weights").create_group("Encoder1_Conv_1")
    with pytest.raises(
        ValueError, match="Encoder1_Conv_1 has no attribute weight_names; is it a K"
    ):
        read_unet3plus(tmp_path / "empty.h5", WIDTH, 3)
    monkeypatch.setattr(keras_hdf5, "MOST_BYTES", 1)
    with pytest.raises(ValueError, match=r"text.h5: is larger than 1 bytes"):
        read_unet3plus(tmp_path / "text.h5", WIDTH, 3)
