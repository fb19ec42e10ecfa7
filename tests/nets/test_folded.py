"""The form in which networks label gives what the networks give."""

import numpy as np
import pytest
import torch
from torch.nn import functional

from cmrseg.nets.build import build_network
from cmrseg.nets.fcn import FCN, Enlarge, from_tensorflow
from cmrseg.nets.folded import FusedFCN, doubled, folded, on_even_pixels
from cmrseg.nets.kinds import KINDS
from cmrseg.nets.tensorbundle import read_bundle
from networks import network_of

FCN_SETTINGS = network_of("fcn", 4)
EVERY = [FCN_SETTINGS] + [
    network_of(kind.name, 4 if encoder else 8, encoder=encoder)
    for kind in KINDS.values()
    if kind.window == 1 and not kind.points
    if kind.name != "fcn"
    for encoder in kind.encoders or ("",)
]


def random_network(settings, dtype=torch.float32):
    """A network of random weights whose norms have seen images."""
    generator = torch.Generator().manual_seed(1)
    network = build_network(settings, generator).eval()
    for module in network.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            for values, low, high in (
                (module.running_mean, -0.3, 0.3),
                (module.running_var, 0.5, 2),
                (module.weight.data, 0.5, 1.5),
                (module.bias.data, -0.3, 0.3),
            ):
                values.uniform_(low, high, generator=generator)
    return network.to(dtype)


def random_images(count, rows, columns, dtype=torch.float32):
    """Images (n, 1, y, x) in 0..1 that are smooth over 8 pixels."""
    generator = torch.Generator().manual_seed(2)
    small = torch.rand(count, 1, rows // 8, columns // 8, generator=generator, dtype=dtype)
    return functional.interpolate(small, (rows, columns), mode="bilinear")


@pytest.mark.parametrize("settings", EVERY, ids=lambda s: f"{s['network']}-{s['encoder']}")
def test_a_folded_network_is_the_same_function(settings):
    images = random_images(2, 64, 64, torch.float64)
    with torch.inference_mode():
        network = random_network(settings, torch.float64)
        expected, result = network(images), folded(network)(images)
        scale = expected.abs().max()
        assert (result - expected).abs().max() < 1e-12 * scale
        single = folded(network, dtype=torch.float32)(images.float())
    # A pixel may change its label only where its two largest logits are equal but for rounding.
    first, second = expected.topk(2, dim=1).values.unbind(1)
    differs = single.argmax(1) != expected.argmax(1)
    assert ((first - second)[differs] < 1e-5 * scale).all()


@pytest.mark.parametrize("settings", EVERY, ids=lambda s: f"{s['network']}-{s['encoder']}")
def test_a_network_stays_as_it_is(settings):
    network = random_network(settings)
    before = {name: value.clone() for name, value in network.state_dict().items()}
    folded(network, dtype=torch.float16)
    after = network.state_dict()
    assert before.keys() == after.keys()
    assert all(torch.equal(value, after[name]) for name, value in before.items())
    assert all(parameter.requires_grad for parameter in network.parameters())


@pytest.mark.parametrize("settings", EVERY, ids=lambda s: f"{s['network']}-{s['encoder']}")
def test_a_folded_network_has_no_norm_after_a_convolution(settings):
    kinds = [type(module).__name__ for module in folded(random_network(settings)).modules()]
    # The published U-Net has norms of its skips, which stand behind other layers.
    norms = 0 if settings["network"] != "unet_compat" else kinds.count("UpBlock") + 1
    assert kinds.count("BatchNorm2d") == norms


def test_levels_that_are_added_are_levels_that_are_enlarged():
    generator = torch.Generator().manual_seed(3)
    maps = [
        torch.rand(2, 3, 96 // f, 64 // f, generator=generator, dtype=torch.float64)
        for f in (4, 8, 16)
    ]
    expected = sum(Enlarge(3, f).double()(m) for f, m in zip((4, 8, 16), maps, strict=True))
    even = on_even_pixels(maps)
    assert even.shape == (2, 3, 49, 33)
    torch.testing.assert_close(doubled(even)[:, :, :-1, :-1], expected, atol=1e-14, rtol=0)
    assert torch.equal(even[:, :, :-1, :-1], doubled(even)[:, :, :-1:2, :-1:2])


def test_doubling_puts_means_between_neighbours():
    maps = torch.tensor([[2.0, 4.0, 8.0], [4.0, 4.0, 0.0]])[None, None]
    assert doubled(maps)[0, 0].tolist() == [
        [2, 3, 4, 6, 8],
        [3, 3.5, 4, 4, 4],
        [4, 4, 4, 2, 0],
    ]


def test_folded_fcn_equals_tensorflow(data):
    expected = np.load(data / "ukbb" / "FCN_sa_expected.npz")
    network = FCN(classes=4, filters=4)
    network.load_state_dict(from_tensorflow(read_bundle(data / "ukbb" / "FCN_sa")))
    # The fixture is (n, x, y, c).
    images = torch.from_numpy(expected["image"].transpose(0, 3, 2, 1).copy())
    with torch.inference_mode():
        logits = folded(network)(images).numpy()
    np.testing.assert_allclose(logits, expected["logits"].transpose(0, 3, 2, 1), atol=1e-4, rtol=0)
    np.testing.assert_array_equal(logits.argmax(1), expected["pred"].transpose(0, 2, 1))


def relu_of(maps, weight, bias, *places):
    return functional.relu(functional.conv2d(maps, weight, bias, *places))


def relu_of_sum(maps, weight, added, factor, bias, *places):
    return functional.relu(functional.conv2d(maps, weight, bias, *places) + factor * added)


def test_sums_that_a_card_fuses_are_those_of_the_network(monkeypatch):
    """Its two operations are done by others here; what cuDNN gives is compared on each card."""
    monkeypatch.setattr(torch, "cudnn_convolution_relu", relu_of)
    monkeypatch.setattr(torch, "cudnn_convolution_add_relu", relu_of_sum)
    network, images = random_network(FCN_SETTINGS, torch.float64), random_images(3, 96, 64).double()
    with torch.inference_mode():
        expected, result = folded(network)(images), FusedFCN(network).eval()(images)
    np.testing.assert_allclose(result, expected, atol=1e-12 * expected.abs().max(), rtol=0)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_a_card_fuses_sums():
    network, images = random_network(FCN_SETTINGS), random_images(3, 96, 64)
    fused = folded(network, "cuda", torch.float16)
    assert isinstance(fused, FusedFCN)
    with torch.inference_mode():
        expected, result = folded(network)(images), fused(images.half().cuda()).float().cpu()
    assert (result - expected).abs().max() < 0.02 * expected.abs().max()


def test_images_of_odd_size_are_refused():
    with pytest.raises(ValueError, match=r"96 x 100 pixels .*multiples of 16"):
        folded(FCN(filters=2))(torch.zeros(1, 1, 96, 100))
