"""Encoders: torchvision's names, shapes and counts; loading of its files; first weights."""

import pytest
import torch

from cmrseg.nets.build import make_encoder
from cmrseg.nets.resnet import ResNet
from cmrseg.nets.vgg import Vgg16


def _count(module):
    return sum(parameter.numel() for parameter in module.parameters())


# torchvision's models without classifier. VGG-16: 14,714,688 of the convolutions and two for
# each of the 4,224 channels with a batch norm.
@pytest.mark.parametrize(
    ("name", "parameters"),
    [("resnet34", 21_284_672), ("resnet50", 23_508_032), ("vgg16_bn", 14_714_688 + 2 * 4_224)],
)
def test_encoders_have_torchvisions_number_of_parameters(name, parameters):
    with torch.device("meta"):
        assert _count(make_encoder(name, 64)) == parameters


@pytest.mark.parametrize(
    ("name", "entries", "shapes"),
    [
        (
            "resnet34",
            216,
            {
                "conv1.weight": (64, 3, 7, 7),
                "bn1.running_var": (64,),
                "layer1.2.conv2.weight": (64, 64, 3, 3),
                "layer2.0.downsample.0.weight": (128, 64, 1, 1),
                "layer2.0.downsample.1.num_batches_tracked": (),
                "layer3.5.bn2.bias": (256,),
                "layer4.0.conv1.weight": (512, 256, 3, 3),
            },
        ),
        (
            "resnet50",
            318,
            {
                "layer1.0.downsample.0.weight": (256, 64, 1, 1),
                "layer1.0.conv1.weight": (64, 64, 1, 1),
                "layer1.1.conv1.weight": (64, 256, 1, 1),
                "layer3.0.conv2.weight": (256, 256, 3, 3),
                "layer4.2.conv3.weight": (2048, 512, 1, 1),
                "layer4.2.bn3.weight": (2048,),
            },
        ),
        (
            "vgg16_bn",
            91,
            {
                "features.0.weight": (64, 3, 3, 3),
                "features.0.bias": (64,),
                "features.1.running_mean": (64,),
                "features.7.weight": (128, 64, 3, 3),
                "features.24.weight": (512, 256, 3, 3),
                "features.40.weight": (512, 512, 3, 3),
                "features.41.bias": (512,),
            },
        ),
    ],
)
def test_encoders_have_torchvisions_names_and_shapes(name, entries, shapes):
    with torch.device("meta"):
        state = make_encoder(name, 64).state_dict()
    assert len(state) == entries
    assert {key: tuple(state[key].shape) for key in shapes} == shapes


@pytest.mark.parametrize("name", ["resnet34", "resnet50", "vgg16_bn"])
def test_maps_have_the_announced_channels_and_strides(name):
    encoder = make_encoder(name, 4).eval()
    with torch.no_grad():
        maps = encoder(torch.zeros(1, 3, 64, 96))
    assert [m.shape[1] for m in maps] == encoder.channels
    assert [tuple(m.shape[2:]) for m in maps] == [(64 // s, 96 // s) for s in encoder.strides]


def test_the_3_x_3_convolution_of_a_bottleneck_has_the_stride():
    encoder = ResNet(bottleneck=True, width=4).eval()
    encoder.initialise(torch.Generator().manual_seed(1))
    for layer in (encoder.layer2, encoder.layer3, encoder.layer4):
        generator = torch.Generator().manual_seed(1)
        maps = torch.rand(1, layer[0].conv1.in_channels, 8, 8, generator=generator)
        maps.requires_grad_()
        layer[0](maps).sum().backward()
        # With the stride on the 1 x 1 convolution, pixels between those of the grid had no say.
        assert maps.grad[0, :, 1::2, 1::2].abs().sum(dim=0).gt(0).all()
        strides = [layer[0].conv1.stride, layer[0].conv2.stride, layer[0].conv3.stride]
        assert strides == [(1, 1), (2, 2), (1, 1)]


@pytest.mark.parametrize("name", ["resnet34", "vgg16_bn"])
def test_halves_hold_every_weight_once(name):
    encoder = make_encoder(name, 2)
    early, late = encoder.halves()
    ids = [id(p) for module in early + late for p in module.parameters()]
    assert sorted(ids) == sorted(id(p) for p in encoder.parameters())


def test_late_half_begins_where_fastai_splits():
    assert ResNet(False, 2).halves()[1][0][0].conv1.in_channels == 4  # layer3 after layer2
    late = [m for m in Vgg16(2).halves()[1] if isinstance(m, torch.nn.Conv2d)]
    assert [m.out_channels for m in late] == [16] * 6  # blocks four and five


def test_first_weights_are_kaiming_normal_by_fan_out():
    encoder = ResNet(bottleneck=False, width=32)
    encoder.initialise(torch.Generator().manual_seed(2))
    weight = encoder.layer3[1].conv1.weight  # 128 filters of 3 x 3
    assert weight.std().item() == pytest.approx((2 / (128 * 9)) ** 0.5, rel=0.02)
    assert encoder.bn1.weight.unique().item() == 1
    assert encoder.bn1.bias.unique().item() == 0
    vgg = Vgg16(4)
    vgg.initialise(torch.Generator().manual_seed(2))
    assert all(not m.bias.any() for m in vgg.features if isinstance(m, torch.nn.Conv2d))


def _published(encoder, **classifier):
    """State dict like torchvision's, with a classifier and without counts of batches."""
    generator = torch.Generator().manual_seed(1)
    state = {
        name: torch.rand(value.shape, generator=generator)
        for name, value in encoder.state_dict().items()
        if not name.endswith("num_batches_tracked")
    }
    return state | {name: torch.zeros(shape) for name, shape in classifier.items()}


@pytest.mark.parametrize(
    ("name", "classifier"), [("resnet34", "fc.weight"), ("vgg16_bn", "classifier.6.weight")]
)
def test_imagenet_weights_are_taken_without_the_classifier(name, classifier):
    encoder = make_encoder(name, 4)
    state = _published(encoder, **{classifier: (10, 32)})
    encoder.load_imagenet(state)
    loaded = encoder.state_dict()
    assert all(torch.equal(loaded[k], v) for k, v in state.items() if k != classifier)


def test_weights_that_do_not_fit_are_listed():
    encoder = ResNet(bottleneck=False, width=4)
    state = _published(encoder)
    state["layer5.weight"] = state.pop("layer1.0.conv1.weight")
    with pytest.raises(
        ValueError, match=r"missing layer1\.0\.conv1\.weight; unexpected layer5\.weight"
    ):
        encoder.load_imagenet(state)
    with pytest.raises(
        ValueError, match=r"conv1\.weight is \(8, 3, 7, 7\), expected \(4, 3, 7, 7\)"
    ):
        encoder.load_imagenet(_published(ResNet(bottleneck=False, width=8)))
