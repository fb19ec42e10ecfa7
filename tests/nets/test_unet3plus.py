"""UNet 3+: the published numbers of parameters, its heads, where skips come from, dropout."""

import pytest
import torch
from torch.nn import functional

from cmrseg.nets.build import build_network, empty_network
from cmrseg.nets.unet3plus import LEVELS, UNet3Plus, enlarged_by_products
from networks import network_of

SETTINGS = network_of("unet3plus", 2, "lv,my")


def _count(parameters):
    return sum(p.numel() for p in parameters)


def _published():
    with torch.device("meta"):
        return empty_network(SETTINGS | {"width": 32})


@pytest.fixture
def generator():
    return torch.Generator().manual_seed(7)


def test_parts_have_the_published_numbers_of_parameters():
    network = _published()
    encoder = [_count(units.parameters()) for units in network.encoder]
    assert encoder == [9_696, 55_680, 221_952, 886_272, 3_542_016]
    branches = [
        sum(_count(network.branches[f"{source}_{level}"].parameters()) for source in range(1, 6))
        for level in (4, 3, 2, 1)
    ]
    assert branches == [2_289_408, 1_144_704, 572_352, 286_176]
    decoder = [_count(network.decoder[str(level)].parameters()) for level in (4, 3, 2, 1)]
    assert decoder == [2_949_888, 737_664, 184_512, 46_176]
    heads = [_count(head.parameters()) for head in reversed(network.logits)]
    assert heads == [951, 1_815, 3_543, 6_999, 13_911]


def test_network_has_the_published_number_of_weights():
    network = _published()
    assert _count(network.parameters()) == 12_953_715
    state = network.state_dict().items()
    values = [value.numel() for name, value in state if not name.endswith("batches_tracked")]
    assert sum(values) == 12_963_443
    assert sum(v.numel() for name, v in state if "running" in name) == 9_728


def test_norms_are_those_of_keras():
    norms = [m for m in _published().modules() if isinstance(m, torch.nn.BatchNorm2d)]
    assert {(norm.eps, norm.momentum) for norm in norms} == {(1e-3, 0.01)}
    # Two at each level of the encoder, one per branch and per level of the decoder.
    assert len(norms) == 10 + 20 + 4


def test_five_heads_have_the_size_of_the_images_and_the_last_is_the_prediction(generator):
    network = build_network(SETTINGS, generator).eval()
    images = torch.rand(2, 1, 48, 32, generator=generator)
    with torch.no_grad():
        heads = network.heads(images)
        assert [tuple(logits.shape) for logits in heads] == [(2, 3, 48, 32)] * LEVELS
        assert torch.equal(heads[-1], network(images))
        torch.testing.assert_close(heads[0].softmax(1).sum(1), torch.ones(2, 48, 32))
    # The first is that of the deepest level: one value every 16 pixels before it is enlarged.
    assert [head.factor for head in network.logits] == [16, 8, 4, 2, 1]


def test_without_deep_supervision_there_is_the_head_of_level_1(generator):
    network = build_network(SETTINGS | {"network": "unet3plus_single"}, generator).eval()
    images = torch.rand(1, 1, 32, 32, generator=generator)
    with torch.no_grad():
        (logits,) = network.heads(images)
        assert torch.equal(logits, network(images))
    deep = _published()
    with torch.device("meta"):
        single = empty_network(SETTINGS | {"network": "unet3plus_single", "width": 32})
    gone = _count(deep.parameters()) - _count(single.parameters())
    assert gone == 1_815 + 3_543 + 6_999 + 13_911


@pytest.mark.parametrize(("network", "sources"), [("unet3plus", 0), ("unet3plus_decoder", 1)])
def test_deep_skips_come_from_where_the_name_says(network, sources, generator):
    """Level 1 sees what the decoder made of level 3 through level 2 alone, or also itself."""
    network = build_network(SETTINGS | {"network": network}, generator).eval()
    seen = {}
    network.decoder["3"].register_forward_hook(lambda *hook: seen.update(decoded=hook[2]))
    network.branches["3_1"].register_forward_pre_hook(lambda *hook: seen.update(taken=hook[1][0]))
    network.encoder[2].register_forward_hook(lambda *hook: seen.update(encoded=hook[2]))
    with torch.no_grad():
        network(torch.rand(1, 1, 32, 32, generator=generator))
    expected = seen["decoded"] if sources else seen["encoded"]
    enlarged = torch.nn.functional.interpolate(expected, scale_factor=4, mode="bilinear")
    torch.testing.assert_close(seen["taken"], enlarged)


def test_dropout_is_in_training_alone(generator):
    network = build_network(SETTINGS, generator)
    images = torch.rand(2, 1, 32, 32, generator=generator)
    with torch.no_grad(), torch.random.fork_rng(devices=[]):
        # Batch statistics are the same both times; what differs is left out at random.
        assert not torch.equal(network(images), network(images))
        network.eval()
        assert torch.equal(network(images), network(images))
        dropped = network.dropout.train()(torch.ones(100, 100))
    assert dropped.unique().tolist() == [0, pytest.approx(1 / 0.7)]
    assert (dropped == 0).float().mean().item() == pytest.approx(0.3, abs=0.02)


@pytest.mark.parametrize("network", ["unet3plus", "unet3plus_decoder"])
def test_every_consumer_of_the_deepest_level_sees_what_dropout_left(network, generator):
    """One draw for its four branches and its head."""
    network = build_network(SETTINGS | {"network": network}, generator).train()
    dropped, taken = [], {}
    network.dropout.register_forward_hook(lambda *hook: dropped.append(hook[2]))
    consumers = {name: network.branches[name] for name in ("5_4", "5_3", "5_2", "5_1")}
    consumers["head"] = network.logits[0]
    for name, module in consumers.items():
        module.register_forward_pre_hook(lambda *hook, name=name: taken.update({name: hook[1][0]}))
    with torch.no_grad(), torch.random.fork_rng(devices=[]):
        network.heads(torch.rand(2, 1, 64, 32, generator=generator))
    (left,) = dropped
    assert left.shape == (2, 32, 4, 2)
    for name, factor in {"5_4": 2, "5_3": 4, "5_2": 8, "5_1": 16, "head": 1}.items():
        expected = torch.nn.functional.interpolate(left, scale_factor=factor, mode="bilinear")
        torch.testing.assert_close(
            taken[name], expected, msg=lambda told, name=name: f"{name}: {told}"
        )
    assert [m for m in network.modules() if isinstance(m, torch.nn.Dropout)] == [network.dropout]


def test_first_weights_are_he_normal_and_independent(generator):
    network = build_network(SETTINGS | {"width": 16}, generator)
    weights = network.branches["5_4"].conv.weight
    sd = (2 / (256 * 9)) ** 0.5
    assert weights.std().item() == pytest.approx(sd, rel=0.01)
    assert weights.abs().max().item() <= 2 * sd / 0.8796 + 1e-6
    one, two = (network.branches[name].conv.weight for name in ("2_4", "2_3"))
    assert not torch.equal(one[:8], two[:8])
    assert not network.logits[0].conv2.bias.any()


def test_images_have_to_be_multiples_of_16(generator):
    network = build_network(SETTINGS, generator)
    with pytest.raises(ValueError, match="multiples of 16"):
        network(torch.zeros(1, 1, 40, 32))


def test_names_and_skips_that_are_unknown_are_refused():
    with pytest.raises(ValueError, match="skips 'none' are unknown; one of encoder, decoder"):
        UNet3Plus(3, 2, "none")
    for network in ("unet3plus", "unet3plus_decoder", "unet3plus_single"):
        with pytest.raises(ValueError, match=f"network {network} has no encoder, got 'resnet34'"):
            empty_network(SETTINGS | {"network": network, "encoder": "resnet34"})


def bilinear(maps, factor):
    return functional.interpolate(maps, scale_factor=factor, mode="bilinear", align_corners=False)


@pytest.mark.parametrize("factor", [2, 4, 8, 16])
@pytest.mark.parametrize("size", [(1, 3), (2, 1), (6, 5), (16, 16)])
def test_maps_enlarged_by_products_are_the_bilinear_ones(size, factor, generator):
    maps = torch.randn(2, 3, *size, generator=generator, requires_grad=True)
    expected = bilinear(maps, factor)
    ours = enlarged_by_products(maps, factor)
    torch.testing.assert_close(ours, expected, rtol=1e-5, atol=1e-6)
    assert ours.is_contiguous(memory_format=torch.channels_last)
    factors = torch.randn(expected.shape, generator=generator)
    gradients = [torch.autograd.grad((x * factors).sum(), maps)[0] for x in (ours, expected)]
    torch.testing.assert_close(*gradients, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_weights_of_enlarged_maps_are_exact_in_16_bits(dtype):
    line = torch.eye(4)[:, None, None]  # each pixel of a line alone
    ours = enlarged_by_products(line.to(dtype), 16)
    assert ours.dtype == dtype
    assert torch.equal(ours.float(), bilinear(line, 16))
