"""Networks by the names that settings use, with first weights from a seed."""

from collections.abc import Callable, Mapping
from typing import Any

import torch

from cmrseg.labels import Target
from cmrseg.nets.encoder import Encoder
from cmrseg.nets.fcn import FCN
from cmrseg.nets.kinds import ENCODERS, KINDS
from cmrseg.nets.network import MOST_WIDTH, Network
from cmrseg.nets.resnet import ResNet
from cmrseg.nets.unet import UNet
from cmrseg.nets.unet3plus import UNet3Plus
from cmrseg.nets.unet_compat import CompatUNet
from cmrseg.nets.vgg import Vgg16

SETTINGS = frozenset({"network", "encoder", "width", "tissues"})
# Of each kind: channels of its logits, width and encoder to the network.
BUILDERS: dict[str, Callable[[int, int, str], Network]] = {
    "fcn": lambda classes, width, _: FCN(classes, width),
    "unet": lambda classes, width, name: UNet(make_encoder(name, width), classes, width),
    "unet_compat": lambda classes, width, name: CompatUNet(make_encoder(name, width), classes),
    "unet3plus": lambda classes, width, _: UNet3Plus(classes, width),
    "unet3plus_decoder": lambda classes, width, _: UNet3Plus(classes, width, skips="decoder"),
    "unet3plus_single": lambda classes, width, _: UNet3Plus(classes, width, deep=False),
}


def build_network(settings: Mapping[str, Any], generator: torch.Generator) -> Network:
    """A network with random first weights, all of them drawn from `generator`.

    settings: `network` (see kinds.KINDS), `encoder` (see kinds.ENCODERS; '' where the
    network has none to choose), `width` (filters of the first level; published: 16 for the FCN,
    32 for UNet 3+, 64 for the encoders) and `tissues` (see labels.Target). The network takes
    (n, 1, y, x) float32 in 0..1 and gives logits (n, c, y, x), the target's channels.
    Raises ValueError naming a setting it does not know.
    """
    # PyTorch fills new layers from its global generator; fork_rng gives that back untouched,
    # and `initialise` then replaces every value.
    with torch.random.fork_rng(devices=[]):
        network = empty_network(settings)
    network.initialise(generator)
    return network


def empty_network(settings: Mapping[str, Any]) -> Network:
    """The network of `build_network` with arbitrary weights, to be loaded or only counted."""
    if settings.keys() != SETTINGS:
        raise ValueError(
            f"network settings are {sorted(settings)}, expected exactly {sorted(SETTINGS)}"
        )
    name, encoder = settings["network"], settings["encoder"]
    width, classes = settings["width"], Target.of(settings["tissues"]).channels
    # A record may say anything, and memory is taken before the weights are compared.
    if not (isinstance(width, int) and 1 <= width <= MOST_WIDTH):
        raise ValueError(
            f"width {width!r}: a network needs at least 1 filter and at most {MOST_WIDTH}"
        )
    if name not in tuple(KINDS):
        raise ValueError(f"network {name!r} is unknown; one of {', '.join(KINDS)}")
    if encoder != "" and not KINDS[name].encoders:
        raise ValueError(f"network {name} has no encoder, got {encoder!r}; leave it empty")
    return BUILDERS[name](classes, width, encoder)


def make_encoder(name: str, width: int) -> Encoder:
    """An encoder by name with arbitrary weights. Raises ValueError for an unknown name."""
    if name == "vgg16_bn":
        return Vgg16(width)
    if name not in ENCODERS:
        raise ValueError(f"encoder {name!r} is unknown; one of {', '.join(ENCODERS)}")
    return ResNet(bottleneck=name == "resnet50", width=width)


def freeze(network: Network, frozen: bool) -> None:
    """Freeze (or free) the first two groups of a network, except their batch norms.

    As in fastai 1: frozen weights get no gradient, while batch norms stay trainable and
    keep updating their statistics.
    """
    norms = {
        id(parameter)
        for module in network.modules()
        if isinstance(module, torch.nn.BatchNorm2d)
        for parameter in module.parameters()
    }
    for group in network.groups()[:2]:
        for parameter in group:
            parameter.requires_grad_(not frozen or id(parameter) in norms)
