"""Checkpoints to convert: what of their content counts, what is not looked at, what is refused."""

import json

import numpy as np
import pytest
import torch
import yaml
from safetensors.torch import load_file

from bundle_writer import random_checkpoint, write_bundle
from cmrseg.learn.convert import convert_weights
from cmrseg.learn.label import load_model
from cmrseg.nets.fcn import FCN
from cmrseg.nets.published import check_index, model_variables, read_published
from cmrseg.nets.tensorbundle import read_bundle, read_index
from tiny_study import ROOT

CATALOGUE = yaml.safe_load((ROOT / "resources/weights.yaml").read_text("utf-8"))


def narrow(name):
    """An entry of the catalogue with few filters, for which random weights are quickly made."""
    return CATALOGUE[name] | {"width": 2}


def without(entry, *keys):
    return {key: value for key, value in entry.items() if key not in keys}


def converted(entry, folder):
    """Weights and settings of the model's folder that is made of a checkpoint in `folder`."""
    files = {"weights": "weights.safetensors", "record": "record.json"}
    outputs = {name: str(folder / "model" / file) for name, file in files.items()}
    convert_weights("mine", entry, folder, outputs, [])
    settings = json.loads((folder / "model/record.json").read_text())["settings"]
    return load_file(outputs["weights"]), settings


def only_network(prefix, variables, weights):
    """Write a checkpoint anew without what the optimiser keeps."""
    write_bundle(prefix, {name: variables[name] for name in model_variables(weights)})


# -- the optimiser's state --------------------------------------------------------------------


@pytest.mark.parametrize(("name", "count"), [("ukbb_sa", 102), ("ukbb_ao", 118)])
def test_a_checkpoint_without_an_optimiser_s_state_gives_the_same_weights(name, count, tmp_path):
    entry = narrow(name)
    variables = random_checkpoint(tmp_path / entry["file"], entry)
    whole, _ = converted(entry, tmp_path)
    only_network(tmp_path / entry["file"], variables, entry)
    assert len(read_index(tmp_path / f"{entry['file']}.index")) == count
    bare, settings = converted(entry, tmp_path)
    assert bare.keys() == whole.keys()
    assert all(torch.equal(bare[key], whole[key]) for key in whole)
    assert settings == {
        "model": "mine",
        "task": "segment",
        "activation": "",
        **json.loads(json.dumps(entry)),
    }


def test_a_real_checkpoint_without_an_optimiser_s_state_labels_as_tensorflow_does(data, tmp_path):
    entry = CATALOGUE["ukbb_sa"] | {"width": 4}
    only_network(tmp_path / "FCN_sa", read_bundle(data / "ukbb/FCN_sa"), entry)
    weights, _ = converted(entry, tmp_path)
    network = FCN(classes=4, filters=4).eval()
    network.load_state_dict(weights)
    expected = np.load(data / "ukbb/FCN_sa_expected.npz")
    with torch.no_grad():
        logits = network(torch.from_numpy(expected["image"].transpose(0, 3, 2, 1).copy()))
    np.testing.assert_array_equal(logits.argmax(1), expected["pred"].transpose(0, 2, 1))


@pytest.mark.parametrize(
    "kept",
    [
        {"conv2d/kernel/Momentum": (3, 3, 1, 2), "global_step": ()},
        {"conv2d_20/bias/RMSProp": (4,), "conv2d_20/bias/RMSProp_1": (4,), "learning_rate": ()},
        {"batch_normalization/moving_mean/ExponentialMovingAverage": (2,)},
        {"conv2d/kernel/Adam": (7,)},
    ],
)
def test_what_another_optimiser_keeps_is_not_looked_at(kept, tmp_path):
    entry = narrow("ukbb_sa")
    variables = random_checkpoint(tmp_path / "FCN_sa", entry)
    network = {name: variables[name] for name in model_variables(entry)}
    write_bundle(tmp_path / "FCN_sa", network)
    expected, _ = converted(entry, tmp_path)
    state = {name: np.full(shape, np.nan, np.float32) for name, shape in kept.items()}
    write_bundle(tmp_path / "FCN_sa", network | state)
    found, _ = converted(entry, tmp_path)
    assert all(torch.equal(found[key], expected[key]) for key in expected)


def test_damage_in_an_optimiser_s_state_costs_nothing(tmp_path):
    entry = narrow("ukbb_sa")
    random_checkpoint(tmp_path / "FCN_sa", entry)
    expected, _ = converted(entry, tmp_path)
    place = read_index(tmp_path / "FCN_sa.index")["conv2d_3/kernel/Adam"].offset
    data = tmp_path / "FCN_sa.data-00000-of-00001"
    content = bytearray(data.read_bytes())
    content[place] ^= 1
    data.write_bytes(content)
    found, _ = converted(entry, tmp_path)
    assert all(torch.equal(found[key], expected[key]) for key in expected)


# -- width and tissues ------------------------------------------------------------------------


@pytest.mark.parametrize("width", [1, 3, 8])
def test_another_width_is_read_off_the_file_and_recorded(width, tmp_path):
    entry = without(CATALOGUE["ukbb_la_4ch"], "width")
    random_checkpoint(tmp_path / "FCN_la_4ch", CATALOGUE["ukbb_la_4ch"] | {"width": width})
    _, recorded = converted(entry, tmp_path)
    assert (recorded["width"], recorded["tissues"]) == (width, "la,ra")
    network, settings = load_model(tmp_path / "model")
    assert settings["width"] == width
    assert network.levels[4][2].conv.weight.shape == (16 * width, 16 * width, 3, 3)


def test_a_recurrent_network_of_another_width_has_its_own_settings(tmp_path):
    entry = without(CATALOGUE["ukbb_ao"], "width")
    random_checkpoint(tmp_path / "UNet-LSTM_ao", CATALOGUE["ukbb_ao"] | {"width": 4})
    weights, recorded = converted(entry, tmp_path)
    assert (recorded["width"], recorded["tissues"]) == (4, "aao,dao")
    assert weights["forwards.conv.weight"].shape == (16, 8, 3, 3)


def test_an_entry_that_says_another_width_or_other_tissues_is_refused_by_name(tmp_path):
    entry = narrow("ukbb_sa")
    random_checkpoint(tmp_path / "FCN_sa", entry)
    with pytest.raises(
        ValueError,
        match=r"weights mine: .*FCN_sa\.index has a network with width 2, its entry in "
        r"resources/weights\.yaml says 16; write width: 2 there, or fetch the file again",
    ):
        converted(CATALOGUE["ukbb_sa"], tmp_path)
    with pytest.raises(ValueError, match=r"4 channels, the tissues lv,my of .* need 3;"):
        converted(entry | {"tissues": "lv,my"}, tmp_path)
    assert not (tmp_path / "model").exists()


def test_a_width_that_no_network_has_is_refused(tmp_path):
    shapes = {"conv2d/kernel": (1, 300), "conv2d_20/bias": (4,)}
    variables = {name: np.zeros(shape, np.float32) for name, shape in shapes.items()}
    write_bundle(tmp_path / "FCN_sa", variables)
    with pytest.raises(ValueError, match=r"mine: .*index has a network with width 300, ex"):
        converted(without(CATALOGUE["ukbb_sa"], "width"), tmp_path)


def test_a_checkpoint_of_another_network_is_refused_with_what_it_lacks(tmp_path):
    random_checkpoint(tmp_path / "FCN_sa", narrow("ukbb_ao"))
    with pytest.raises(ValueError, match=r"FCN_sa\.index: not the published fcn: missing conv2d/k"):
        converted(narrow("ukbb_sa"), tmp_path)


# -- refusals ---------------------------------------------------------------------------------


def test_checkpoint_with_other_names_is_refused_with_them(tmp_path):
    weights, value = narrow("ukbb_sa"), np.zeros(2, np.float32)
    random_checkpoint(
        tmp_path / "FCN_sa",
        weights,
        **{"batch_normalization/beta": None, "dense/bias": value},
    )
    with pytest.raises(
        ValueError,
        match=r"FCN_sa\.index: not the published fcn with width 2 and tissues lv,my,rv: missing "
        r"batch_normalization/beta; unknown dense/bias; fetch",
    ):
        read_published(tmp_path / "FCN_sa", weights)


def test_checkpoint_with_other_shapes_or_types_is_refused_with_them(tmp_path):
    weights = narrow("ukbb_ao")
    random_checkpoint(
        tmp_path / "ao",
        weights,
        **{
            "LSTM/output/conv2d/bias": np.zeros(4, np.float32),
            "UNet/conv0/conv2d/kernel": np.zeros((3, 3, 1, 2), np.float64),
        },
    )
    with pytest.raises(
        ValueError,
        match=r"LSTM/output/conv2d/bias is float32 \(4,\), expected float32 \(3,\); "
        r"UNet/conv0/conv2d/kernel is float64 \(3, 3, 1, 2\), expected float32 \(3, 3, 1, 2\); ",
    ):
        read_published(tmp_path / "ao", weights)


def test_checkpoint_of_another_view_is_refused_before_its_data_are_read(data):
    file = data / "ukbb/published-index/FCN_la_2ch.index"
    with pytest.raises(ValueError, match=r"and tissues lv,my,rv: conv2d_20/bias is float32"):
        read_published(file.with_suffix(""), CATALOGUE["ukbb_sa"])


def test_many_differences_are_counted(data):
    file = data / "ukbb/published-index/FCN_sa.index"
    # Half the filters change 13 kernels and 52 norms of the levels, and the kernels of 5 joins:
    # 70, of which 5 are listed.
    with pytest.raises(ValueError, match=r"and 65 more; fetch it again or mend its entry"):
        check_index(read_index(file), CATALOGUE["ukbb_sa"] | {"width": 8}, file)


def test_values_that_are_not_finite_are_refused_by_name(tmp_path):
    weights = narrow("ukbb_la_2ch")
    bias = np.array([np.nan, 0], np.float32)
    random_checkpoint(tmp_path / "net", weights, **{"conv2d_20/bias": bias})
    with pytest.raises(ValueError, match="net: conv2d_20/bias has values that are not finite"):
        read_published(tmp_path / "net", weights)


def test_unknown_network_is_refused_by_name():
    with pytest.raises(ValueError, match="network 'vit' is not among the published ones: fcn, un"):
        model_variables({"network": "vit", "width": 16, "tissues": "lv,my,rv"})


def test_absent_files_are_named(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"weights ukbb_sa: no .*FCN_sa\.index, .*data-0"):
        convert_weights("ukbb_sa", narrow("ukbb_sa"), tmp_path, {}, [])


def test_what_the_writer_writes_is_read(tmp_path):
    given = {
        "a": np.arange(6, dtype=np.float32).reshape(2, 3),
        "ab/c": np.array(7, np.int64),
        **{f"many/{i:03d}": np.full(i % 5, i, np.float64) for i in range(120)},
    }
    write_bundle(tmp_path / "net", given)
    read = read_bundle(tmp_path / "net")
    assert list(read) == sorted(given)
    for name, value in given.items():
        assert read[name].dtype == value.dtype
        np.testing.assert_array_equal(read[name], value)


def test_cut_files_are_refused_by_name(tmp_path):
    write_bundle(tmp_path / "net", {"a": np.zeros(50, np.float32)})
    shard = tmp_path / "net.data-00000-of-00001"
    shard.write_bytes(shard.read_bytes()[:-1])
    with pytest.raises(ValueError, match=r"data-00000-of-00001: 199 bytes, its index says 200; f"):
        read_bundle(tmp_path / "net")
    index = tmp_path / "net.index"
    index.write_bytes(index.read_bytes()[-48:])
    with pytest.raises(ValueError, match=r"net\.index: ends before its block at byte \d+ does"):
        read_index(index)


def test_checkpoints_in_several_files_or_of_another_byte_order_are_refused(tmp_path):
    for header in (b"\x08\x02", b"\x08\x01\x10\x01"):
        write_bundle(tmp_path / "net", {}, header)
        with pytest.raises(ValueError, match="only checkpoints with one file in little-endian"):
            read_index(tmp_path / "net.index")
