"""Checkpoints of the published networks of tagged cines become model folders."""

import json

import numpy as np
import pytest
import torch

from bundle_writer import random_checkpoint, write_bundle
from cmrseg.learn.convert import convert_weights
from cmrseg.learn.label import load_model
from cmrseg.nets.kinds import KINDS
from cmrseg.nets.published import check_index, model_variables, sizes_of
from cmrseg.nets.tensorbundle import read_index
from tag_oracle import oracle_folder

# As the entries of a catalogue say it; `coarse` is the model that finds the box.
BOX = {
    **{"file": "localisation", "format": "tensorflow", "network": "tag_box_compat", "encoder": ""},
    **{"sequence": "tag", "task": "track", "tissues": "my", "preparation": "tag_frame_compat"},
    **{"intensity": "linear", "size_px": 256},
}
RING = BOX | {"file": "landmark", "network": "tag_ring_compat", "coarse": "box"}
RING |= {"preparation": "tag_window_compat", "size_px": 128}
EACH = pytest.mark.parametrize("entry", [BOX, RING], ids=["box", "ring"])


def outputs_in(folder):
    files = {"weights": "weights.safetensors", "record": "record.json"}
    return {name: str(folder / file) for name, file in files.items()}


@pytest.mark.parametrize(("entry", "tensors"), [(BOX, 85), (RING, 51)], ids=["box", "ring"])
def test_the_original_s_checkpoint_holds_what_the_architecture_says(data, entry, tensors):
    folder, name = oracle_folder(data), entry["file"]
    file = folder / f"{name}_full.index"
    entries = read_index(file)
    listed = {}
    for line in (folder / f"{name}_full_variables.txt").read_text().splitlines():
        variable, kind, shape = line.split("\t")
        listed[variable] = (kind, tuple(json.loads(shape)))
    assert {name: (e.dtype.name, e.shape) for name, e in entries.items()} == listed
    assert len(listed) == tensors
    assert sizes_of(entries, entry["network"], file) == {"width": 32}
    check_index(entries, entry | {"width": 32}, file)
    # All that it trained, and the statistics of norms, and nothing else but the optimiser's.
    slots = {name for name in listed if name.split("/")[-1].startswith("optimizer")}
    own = listed.keys() - slots - {"beta1_power", "beta2_power", "learning_rate"}
    assert model_variables(entry | {"width": 32}).keys() == own


@EACH
def test_a_checkpoint_becomes_a_model_that_loads(entry, tmp_path):
    variables = random_checkpoint(tmp_path / entry["file"], entry | {"width": 2})
    convert_weights("tagged", entry, tmp_path, outputs_in(tmp_path / "tagged"), ["a@1"])
    network, settings = load_model(tmp_path / "tagged")
    told = ("task", "sequence", "preparation", "size_px", "network", "coarse")
    wanted = {name: entry[name] for name in told if name in entry} | {"width": 2}
    assert {name: settings[name] for name in wanted} == wanted
    trained = sum(p.numel() for p in network.parameters())
    assert trained == sum(
        value.size for name, value in variables.items() if f"{name}/Adam" in variables
    )
    kind = KINDS[entry["network"]]
    with torch.inference_mode():
        images = torch.zeros(1, kind.frames, entry["size_px"], entry["size_px"])
        assert network.eval()(images).shape == (1, kind.frames, kind.points, 2)


@EACH
def test_a_checkpoint_of_images_of_another_size_is_refused(entry, tmp_path):
    size_px = entry["size_px"] // 2
    variables = random_checkpoint(tmp_path / entry["file"], entry | {"width": 2})
    assert variables
    with pytest.raises(ValueError, match=r"dense1?(/dense)?/kernel is float32 .*, expected float"):
        convert_weights("tagged", entry | {"size_px": size_px}, tmp_path, outputs_in(tmp_path), [])


def test_a_checkpoint_of_other_widths_is_refused_by_its_names(data, tmp_path):
    # The narrow networks of the reference have 4, 8 and 32, and not 4, 16 and 128.
    entry = BOX | {"file": "localisation_narrow"}
    with pytest.raises(ValueError, match=r"layer2/batch_normalization/beta is float32 \(8,\)"):
        convert_weights("box", entry, oracle_folder(data), outputs_in(tmp_path), [])


def test_a_checkpoint_without_a_layer_is_refused(tmp_path):
    name = "cnn_cell/conv8/bias"
    random_checkpoint(tmp_path / "landmark", RING | {"width": 1}, **{name: None})
    with pytest.raises(ValueError, match=f"not the published tag_ring_compat .*missing {name}"):
        convert_weights("ring", RING, tmp_path, outputs_in(tmp_path), [])


def test_another_checkpoint_is_refused(tmp_path):
    write_bundle(tmp_path / "landmark", {"conv2d/kernel": np.zeros((3, 3, 1, 2), np.float32)})
    with pytest.raises(ValueError, match="not the published tag_ring_compat: missing cnn_cell/con"):
        convert_weights("ring", RING, tmp_path, outputs_in(tmp_path), [])
