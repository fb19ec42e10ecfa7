"""U-Nets: fastai's counts and peculiarities, sizes, freezing, and first weights from a seed."""

import pytest
import torch
from torch.nn import functional
from torch.utils._python_dispatch import TorchDispatchMode

from cmrseg.labels import Target
from cmrseg.nets.build import build_network, empty_network, freeze
from cmrseg.nets.images import IMAGENET_MEAN, IMAGENET_SD, ImageNetInput
from cmrseg.nets.kinds import KINDS
from cmrseg.nets.unet import copied
from cmrseg.nets.unet_compat import CompatUNet, PixelShuffle
from networks import network_of

SETTINGS = network_of("unet", 4, "lv,my", encoder="resnet34")
EACH = [
    network_of(kind.name, 2, "lv,my", encoder=encoder)
    for kind in KINDS.values()
    if kind.window == 1 and not kind.points
    for encoder in kind.encoders or ("",)
]


def _name(settings):
    return f"{settings['network']}-{settings['encoder']}"


def _count(parameters):
    return sum(p.numel() for p in parameters if p.requires_grad)


@pytest.fixture
def generator():
    return torch.Generator().manual_seed(7)


@pytest.mark.parametrize(
    ("encoder", "parameters"),
    [("resnet34", 41_221_268), ("resnet50", 339_070_292), ("vgg16_bn", 46_377_780)],
)
def test_compatible_unet_has_fastais_number_of_parameters(encoder, parameters):
    settings = network_of("unet_compat", 64, "lv,my", encoder=encoder)
    with torch.device("meta"):
        network = empty_network(settings)
    assert _count(network.parameters()) == parameters


def test_frozen_compatible_unet_trains_the_published_number_of_parameters():
    with torch.device("meta"):
        network = empty_network(SETTINGS | {"network": "unet_compat", "width": 64})
    freeze(network, True)
    assert _count(network.parameters()) == 19_953_620
    freeze(network, False)
    assert _count(network.parameters()) == 41_221_268


@pytest.mark.parametrize(
    ("encoder", "channels", "last"),
    [
        ("resnet34", [512, 384, 256, 96], 99),
        ("resnet50", [2048, 1536, 1024, 288], 291),
        ("vgg16_bn", [768, 448], 451),
    ],
)
def test_compatible_up_blocks_have_fastais_channels(encoder, channels, last):
    with torch.device("meta"):
        network = empty_network(network_of("unet_compat", 64, "lv,my", encoder=encoder))
    assert [block.channels for block in network.blocks] == channels
    assert network.logits.in_channels == last


def test_compatible_decoder_starts_as_fastais(generator):
    network = build_network(SETTINGS | {"network": "unet_compat"}, generator)
    shuffles = [m for m in network.modules() if isinstance(m, PixelShuffle)]
    assert len(shuffles) == 5
    for shuffle in shuffles:
        groups = shuffle.conv.weight.reshape(-1, 4, *shuffle.conv.weight.shape[1:])
        assert torch.equal(groups[:, :1].expand_as(groups), groups)
    # So that a new network gives flat 2 x 2 blocks, not checkerboards.
    flat = shuffles[0](torch.rand(1, 32, 3, 3, generator=torch.Generator().manual_seed(1)))
    torch.testing.assert_close(flat[..., ::2, ::2], flat[..., 1::2, 1::2])
    for norm in (network.norm, *(block.norm for block in network.blocks)):
        assert norm.weight.unique().item() == 1
        assert norm.bias.unique().item() == pytest.approx(1e-3)
    assert not network.last1.bias.any()
    assert network.middle1.weight.std().item() == pytest.approx((2 / (32 * 9)) ** 0.5, rel=0.05)


def test_compatible_decoder_has_no_norm_but_on_skips():
    network = empty_network(SETTINGS | {"network": "unet_compat"})
    assert isinstance(network, CompatUNet)
    norms = [
        name
        for name, module in network.named_modules()
        if isinstance(module, torch.nn.BatchNorm2d) and not name.startswith("encoder.")
    ]
    assert norms == ["norm", *(f"blocks.{i}.norm" for i in range(4))]


@pytest.mark.parametrize("settings", EACH, ids=_name)
def test_logits_have_the_size_of_the_images(settings, generator):
    network = build_network(settings, generator).eval()
    with torch.no_grad():
        logits = network(torch.rand(2, 1, 64, 96, generator=generator))
    assert logits.shape == (2, Target.of(settings["tissues"]).channels, 64, 96)
    assert torch.isfinite(logits).all()


@pytest.mark.parametrize("settings", EACH, ids=_name)
def test_each_weight_is_used_and_is_in_one_group(settings, generator):
    network = build_network(settings, generator)
    heads = network.heads(torch.rand(2, 1, 64, 64, generator=generator))
    sum(logits.square().sum() for logits in heads).backward()
    unused = [name for name, p in network.named_parameters() if p.grad is None]
    assert unused == []
    ids = [id(p) for group in network.groups() for p in group]
    assert sorted(ids) == sorted(id(p) for p in network.parameters())


@pytest.mark.parametrize("settings", EACH, ids=_name)
def test_one_seed_gives_one_network(settings):
    torch.manual_seed(1)
    first = build_network(settings, torch.Generator().manual_seed(5)).state_dict()
    torch.manual_seed(2)
    state = torch.get_rng_state()
    second = build_network(settings, torch.Generator().manual_seed(5)).state_dict()
    assert torch.equal(torch.get_rng_state(), state)  # the global generator stays untouched
    assert first.keys() == second.keys()
    for name, value in first.items():
        assert value.numpy().tobytes() == second[name].numpy().tobytes(), name
    third = build_network(settings, torch.Generator().manual_seed(6)).state_dict()
    last = max(name for name in first if "logits." in name and name.endswith("weight"))
    assert not torch.equal(first[last], third[last])


@pytest.mark.parametrize("settings", EACH, ids=_name)
def test_frozen_networks_train_the_rest_and_all_batch_norms(settings, generator):
    network = build_network(settings, generator)
    freeze(network, True)
    early, late, rest = network.groups()
    norms = [m for m in network.modules() if isinstance(m, torch.nn.BatchNorm2d)]
    expected = {id(p) for p in rest} | {id(p) for norm in norms for p in norm.parameters()}
    assert {id(p) for p in network.parameters() if p.requires_grad} == expected
    assert any(not p.requires_grad for p in early)
    assert any(not p.requires_grad for p in late)
    means = [norm.running_mean.clone() for norm in norms[:1]]
    network(torch.rand(2, 1, 64, 64, generator=generator))
    for norm, mean in zip(norms, means, strict=False):
        assert not torch.equal(norm.running_mean, mean)  # statistics are kept up to date
    freeze(network, False)
    assert all(p.requires_grad for p in network.parameters())


def test_grey_images_get_the_units_of_imagenet():
    images = torch.tensor([0.0, 1.0]).reshape(1, 1, 1, 2)
    out = ImageNetInput()(images)
    assert out.shape == (1, 3, 1, 2)
    for channel, mean, sd in zip(out[0, :, 0], IMAGENET_MEAN, IMAGENET_SD, strict=True):
        assert channel.tolist() == pytest.approx([-mean / sd, (1 - mean) / sd])
    assert not ImageNetInput().state_dict()


@pytest.mark.parametrize("network", ["unet", "unet_compat"])
def test_images_that_do_not_fit_are_refused(network):
    module = empty_network(SETTINGS | {"network": network})
    with pytest.raises(ValueError, match=r"128 x 144 pixels .*multiples of 32"):
        module(torch.zeros(1, 1, 128, 144))
    with pytest.raises(ValueError, match=r"got shape \(1, 3, 64, 64\)"):
        module(torch.zeros(1, 3, 64, 64))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"network": "vnet"}, "network 'vnet' is unknown; one of fcn, unet, unet_compat"),
        ({"encoder": "resnet18"}, "encoder 'resnet18' is unknown; one of resnet34"),
        ({"network": "fcn"}, "network fcn has no encoder, got 'resnet34'"),
        ({"width": 0}, "width 0: a network needs at least 1 filter"),
        ({"depth": 3}, "network settings are .*'depth'.*, expected exactly"),
    ],
)
def test_unknown_settings_are_refused(change, message, generator):
    with pytest.raises(ValueError, match=message):
        build_network(SETTINGS | change, generator)


def doubled(maps):
    return functional.interpolate(maps, scale_factor=2, mode="nearest")


def test_maps_of_a_card_are_enlarged_as_those_of_a_processor(generator):
    maps = torch.randn(2, 6, 8, 10, generator=generator, requires_grad=True)
    maps = maps.contiguous(memory_format=torch.channels_last)
    ours, expected = copied(maps), doubled(maps)
    assert torch.equal(ours, expected)
    assert ours.is_contiguous(memory_format=torch.channels_last)
    factors = torch.randn(expected.shape, generator=generator)
    gradients = [torch.autograd.grad((x * factors).sum(), maps)[0] for x in (ours, expected)]
    torch.testing.assert_close(*gradients)


class Operations(TorchDispatchMode):
    """Notes the names of operations that are done."""

    def __init__(self):
        super().__init__()
        self.names = []

    def __torch_dispatch__(self, function, kinds, args=(), kwargs=None):
        self.names.append(str(function))
        return function(*args, **(kwargs or {}))


@pytest.mark.parametrize(("enlarge", "by_index"), [(copied, False), (doubled, True)])
def test_a_compiled_gradient_of_enlarged_maps_is_no_sum_by_index(enlarge, by_index):
    backend = "aot_eager_decomp_partition"
    loss = torch.compile(lambda maps: enlarge(maps).square().sum(), backend=backend)
    maps = torch.ones(1, 2, 4, 4, requires_grad=True)
    loss(maps).backward()
    found = loss(maps)
    with Operations() as operations:
        found.backward()
    assert any("index" in name for name in operations.names) == by_index
