"""The networks of MyoPS: their form, and their weights from Keras files."""

import gzip

import h5py
import numpy as np
import pytest
import torch

from cmrseg.learn.prepare import prepare_cines
from cmrseg.nets.folded import folded
from cmrseg.nets.keras_ranked import ranked_sizes, read_ranked
from cmrseg.nets.runet import RUNet
from cmrseg.nets.unet_myops import PlainUNet
from cmrseg.tasks.losses import MYOPS_EPS, dice_of_batch
from myops_oracle import (
    SLICE,
    TISSUES,
    VALUES,
    case,
    keras_file,
    keras_layers,
    oracle,
    ours,
    random_input,
    theirs,
    write_keras,
)

WINDOW = {"preparation": "joint_max_compat", "intensity": "linear", "size_px": 256}
NETWORKS = {"runet_full": RUNet, "runet_narrow": RUNet, "unet_full": PlainUNet}


def parameters(module):
    return sum(weight.numel() for weight in module.parameters())


# -- form -------------------------------------------------------------------------------------


def test_the_residual_network_has_the_published_numbers_of_parameters():
    network = RUNet()
    assert parameters(network) == 2_739_350
    assert parameters(network.stem) + parameters(network.stem_norm) == 2_400
    assert [parameters(level) for level in network.down] == [10_912, 42_304, 166_528, 660_736]
    assert [parameters(level) for level in network.up] == [1_102_720, 572_992, 144_160, 36_496]
    statistics = [n for n in network.state_dict() if n.endswith(("running_mean", "running_var"))]
    assert sum(network.state_dict()[name].numel() for name in statistics) == 14_336
    kinds = [type(module) for module in network.modules()]
    assert (kinds.count(torch.nn.Conv2d), kinds.count(torch.nn.BatchNorm2d)) == (82, 81)
    norm = network.down[0][0].norm3
    assert (norm.eps, norm.momentum) == (1e-3, 0.01)


def test_the_plain_network_has_the_published_numbers():
    network = PlainUNet()
    assert parameters(network) == 1_941_190
    dropped = [m.p for m in network.modules() if isinstance(m, torch.nn.Dropout)]
    assert dropped == [0.1, 0.2, 0.2, 0.3, 0.1, 0.2, 0.2, 0.1, 0.1]


def test_first_weights_are_those_of_keras():
    generator = torch.Generator().manual_seed(1)
    network = RUNet()
    network.initialise(generator)
    # Glorot uniform: at most the root of 6 / (inputs + outputs), and nearly so.
    largest = network.down[3][1].conv2.weight.abs().max().item()
    assert largest == pytest.approx((6 / (9 * 256)) ** 0.5, rel=1e-3)
    assert not network.stem.bias.any()
    plain = PlainUNet()
    plain.initialise(generator)
    weight = plain.down[4].conv2.weight
    sd = (2 / (9 * 256)) ** 0.5
    assert weight.std().item() == pytest.approx(sd, rel=0.01)
    assert weight.abs().max().item() == pytest.approx(2 * sd / 0.8796, rel=1e-3)
    glorot = (6 / (4 * (256 + 128))) ** 0.5
    assert plain.enlarge[0].weight.abs().max().item() == pytest.approx(glorot, rel=1e-3)
    assert not plain.enlarge[0].bias.any()


def test_what_dropout_takes_differs_from_batch_to_batch_in_training_alone():
    network, images = (
        PlainUNet(2, 4, 1),
        torch.rand(2, 1, 32, 32, generator=torch.Generator().manual_seed(1)),
    )
    with torch.no_grad():
        assert not torch.equal(network.train()(images), network(images))
        assert torch.equal(network.eval()(images), network(images))


# -- Keras files ------------------------------------------------------------------------------


def made(network_type, seed=1):
    network = network_type(3, 2, 2)
    network.initialise(torch.Generator().manual_seed(seed))
    return network


@pytest.mark.parametrize("network_type", [RUNet, PlainUNet])
@pytest.mark.parametrize("first", [0, 1, 97])
def test_layers_are_told_apart_by_rank_whatever_their_numbers_and_order(
    network_type, first, tmp_path
):
    network = made(network_type)
    path = write_keras(tmp_path / "net.h5", keras_layers(network, first), whole=first != 1)
    assert ranked_sizes(path) == {"width": 2, "channels": 3}
    found = read_ranked(path, network_type(3, 2, 2))
    assert found.keys() == network.state_dict().keys()
    assert all(torch.equal(found[k], value) for k, value in network.state_dict().items())


def test_a_kernel_along_the_original_s_rows_becomes_one_along_x(tmp_path):
    layers = keras_layers(made(PlainUNet))
    kernel = np.zeros((3, 3, 2, 2), np.float32)
    kernel[2, 1, 0, 1] = 1  # the next row of the first input, for the second output
    layers["conv2d"]["kernel"] = kernel
    found = read_ranked(write_keras(tmp_path / "net.h5", layers), PlainUNet(3, 2, 2))
    image = torch.arange(12.0).reshape(1, 1, 3, 4)  # (n, c, y, x)
    shifted = torch.nn.functional.conv2d(image, found["down.0.conv1.weight"][1:, :1], padding=1)
    assert torch.equal(shifted[..., :3], image[..., 1:])
    assert not shifted[..., 3].any()


def _without(name):
    return {k: v for k, v in keras_layers(made(RUNet)).items() if k != name}


def _changed(name, part, value):
    layers = keras_layers(made(RUNet))
    layers[name] = layers[name] | {part: value}
    return layers


@pytest.mark.parametrize(
    ("layers", "sentence"),
    [
        (_without("conv2d_40"), "81 layers conv2d, expected 82 of a RUNet; is this the published"),
        (_without("batch_normalization"), "80 layers batch_normalization, expected 81 of a RUNet"),
        (keras_layers(made(PlainUNet)), "19 layers conv2d, expected 82 of a RUNet"),
        (_changed("conv2d_81", "bias", np.zeros(4, np.float32)),
         r"bias:0 is float32 \(4,\), expected float32 \(3,\)"),
        (_changed("conv2d_81", "kernel", np.full((1, 1, 2, 3), np.nan, np.float32)),
         "kernel:0 has values that are not finite"),
        (_changed("conv2d", "extra", np.zeros(1, np.float32)), "expected one each of kernel, bias"),
    ],
)  # fmt: skip
def test_other_files_are_refused_by_name(layers, sentence, tmp_path):
    path = write_keras(tmp_path / "net.h5", layers)
    with pytest.raises(ValueError, match=f"net.h5: .*{sentence}"):
        read_ranked(path, RUNet(3, 2, 2))


def test_files_without_convolutions_have_no_width(tmp_path):
    path = write_keras(tmp_path / "none.h5", {"dense": {}})
    with pytest.raises(ValueError, match=r"none.h5: no layer conv2d; is this the published"):
        ranked_sizes(path)
    path = write_keras(tmp_path / "flat.h5", _changed("conv2d", "kernel", np.zeros(2, np.float32)))
    with pytest.raises(ValueError, match=r"flat.h5: .*kernel:0 is \(2,\), expected a kernel \(x,"):
        ranked_sizes(path)
    with h5py.File(tmp_path / "array.h5", "w") as file:
        file["model_weights"] = np.zeros(2)
    with pytest.raises(ValueError, match=r"array.h5: model_weights is no group of at most"):
        ranked_sizes(tmp_path / "array.h5")


def metrics(maps):
    """Loss, mean Dice, and Dice of each class without a constant, against random labels."""
    label = torch.from_numpy(np.random.RandomState(26).randint(0, 6, (2, 256, 256)))
    truth = torch.nn.functional.one_hot(label, 6).permute(0, 3, 1, 2).double()
    found = torch.from_numpy(maps).permute(0, 3, 1, 2).double()
    mean = dice_of_batch(found, truth, MYOPS_EPS).mean().item()
    return [1 - mean, mean, *dice_of_batch(found, truth, 0).tolist()]


# -- reference numbers --------------------------------------------------------------------------


@pytest.mark.parametrize("name", NETWORKS)
def test_outputs_are_those_of_keras(name, data, tmp_path):
    folder = oracle(data)
    expected = np.load(folder / "expected.npz")
    path = keras_file(folder, name, tmp_path / "net.h5")
    network = NETWORKS[name](channels=3, filters=ranked_sizes(path)["width"])
    network.load_state_dict(read_ranked(path, network))
    sample, _ = prepare_cines([cine.voxels[:, [SLICE]] for cine in case(data)], WINDOW)
    images = torch.cat([torch.from_numpy(sample[0]), ours(random_input()[None])])
    for form in (network.eval(), folded(network)):
        with torch.inference_mode():
            maps = theirs(torch.sigmoid(form(images)))
        for found, key in zip(maps, ("sample", "random"), strict=True):
            near = np.abs(found[::8, ::8] - expected[f"{name}_prob_{key}_sub"])
            assert near.max() < 2e-5
        mean_sd = np.stack([maps.mean((1, 2)), maps.std((1, 2))], 1)
        assert np.abs(mean_sd - expected[f"{name}_prob_mean_std"]).max() < 5e-5
        decided = np.zeros(maps.shape[:3], np.uint8)
        for channel, tissue in enumerate(TISSUES):
            decided[maps[..., channel] > 0.5] = tissue
        assert metrics(maps) == pytest.approx(
            expected[f"{name}_metrics_random_label"].tolist(), abs=2e-5
        )
        counts = [[int((plane == tissue).sum()) for tissue in TISSUES] for plane in decided]
        assert counts == expected[f"{name}_decided_values_counts"].tolist()
        values = np.zeros(10, int)
        values[list(TISSUES)] = VALUES
        there = expected[f"{name}_decided_sample_sub"]
        assert (values[decided[0, ::8, ::8]] == there).all()


def test_both_forms_of_a_file_have_the_same_weights(data, tmp_path):
    folder, network = oracle(data), RUNet(6, 2, 3)
    states = []
    for form in ("model", "weights"):
        path = tmp_path / f"{form}.h5"
        packed = (folder / f"runet_narrow_{form}.h5.gz").read_bytes()
        path.write_bytes(gzip.decompress(packed))
        states.append(read_ranked(path, network))
    assert all(torch.equal(states[0][name], states[1][name]) for name in states[0])
