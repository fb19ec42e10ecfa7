"""Networks by the names that settings use, with first weights from a seed."""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import torch

from cmrseg.channels import channel_count, has_coarse_channel
from cmrseg.nets.encoder import Encoder
from cmrseg.nets.fcn import FCN
from cmrseg.nets.kinds import ENCODERS, KINDS
from cmrseg.nets.network import MOST_WIDTH, Network
from cmrseg.nets.resnet import ResNet
from cmrseg.nets.runet import RUNet
from cmrseg.nets.tag_box import TagBox
from cmrseg.nets.tag_box import widths as box_widths
from cmrseg.nets.tag_motion import TagMotion
from cmrseg.nets.tag_ring import TagRing
from cmrseg.nets.tag_ring import widths as ring_widths
from cmrseg.nets.unet import UNet
from cmrseg.nets.unet3plus import UNet3Plus
from cmrseg.nets.unet_bai import FrameUNet
from cmrseg.nets.unet_compat import CompatUNet
from cmrseg.nets.unet_lstm import UNetLSTM
from cmrseg.nets.unet_myops import PlainUNet
from cmrseg.nets.vgg import Vgg16
from cmrseg.sequences import USUAL
from cmrseg.tasks.kinds import USUAL as USUAL_TASK
from cmrseg.tasks.kinds import kind_of, outputs_of

# The largest images of a network that places points: its weights grow with their size.
MOST_SIZE_PX = 512
SETTINGS = frozenset({"network", "encoder", "width", "sequence", "task", "tissues"})


class Shape(NamedTuple):
    """What sets apart networks of one kind: channels in and out, filters, and the encoder.

    size_px: side of the images of a network that places points, 0 of the others.
    """

    channels: int
    outputs: int
    width: int
    encoder: str
    size_px: int


BUILDERS: dict[str, Callable[[Shape], Network]] = {
    "fcn": lambda of: FCN(of.outputs, of.width, of.channels),
    "unet": lambda of: UNet(make_encoder(of.encoder, of.width), of.outputs, of.width, of.channels),
    "unet_compat": lambda of: CompatUNet(
        make_encoder(of.encoder, of.width), of.outputs, of.channels
    ),
    "unet3plus": lambda of: UNet3Plus(of.outputs, of.width, channels=of.channels),
    "unet3plus_decoder": lambda of: UNet3Plus(
        of.outputs, of.width, skips="decoder", channels=of.channels
    ),
    "unet3plus_single": lambda of: UNet3Plus(
        of.outputs, of.width, deep=False, channels=of.channels
    ),
    "unet_bai": lambda of: FrameUNet(of.outputs, of.width),
    "unet_lstm": lambda of: UNetLSTM(of.outputs, of.width),
    "runet": lambda of: RUNet(of.outputs, of.width, of.channels),
    "unet_myops": lambda of: PlainUNet(of.outputs, of.width, of.channels),
    "tag_box": lambda of: TagBox(*box_widths(of.width), of.size_px),
    "tag_box_compat": lambda of: TagBox(*box_widths(of.width), of.size_px, compat=True),
    "tag_ring": lambda of: TagRing(*ring_widths(of.width), of.size_px),
    "tag_ring_compat": lambda of: TagRing(*ring_widths(of.width), of.size_px, compat=True),
    "tag_motion": lambda of: TagMotion(of.width, of.size_px),
}


def network_settings(settings: Mapping[str, Any]) -> dict[str, Any]:
    """What decides on a network among a model's settings; these may leave out sequence and task.

    `coarse_channel` is there where the network has it, `size_px` where it places points.
    """
    told = {"sequence": USUAL, "task": USUAL_TASK} | dict(settings)
    more: dict[str, Any] = {"coarse_channel": "yes"} if has_coarse_channel(told) else {}
    if places_points(told):
        more["size_px"] = told["size_px"]
    return {name: told[name] for name in sorted(SETTINGS)} | more


def build_network(settings: Mapping[str, Any], generator: torch.Generator) -> Network:
    """A network with random first weights, all of them drawn from `generator`.

    settings: `network` (see kinds.KINDS), `encoder` (see kinds.ENCODERS; '' where the
    network has none to choose), `width` (filters of the first level; published: 16 for the FCN
    and the networks of MyoPS, 32 for UNet 3+, 64 for the encoders), `sequence` (a channel of its
    images for each), `task` and `tissues` (see labels.Target), and `coarse_channel` where labels of
    a coarse model are one channel more, and `size_px` of a network that places points. The network
    takes (n, channels, y, x) float32 in 0..1 and gives (n, outputs, y, x): of a segmentation logits
    of the target's channels. One that places points takes (n, frames, y, x) and gives (n, frames,
    points, 2): (y, x) in px.
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
    expected = SETTINGS | ({"size_px"} if places_points(settings) else set())
    if settings.keys() - {"coarse_channel"} != expected:
        raise ValueError(
            f"network settings are {sorted(settings)}, expected exactly {sorted(expected)}"
        )
    name, encoder = settings["network"], settings["encoder"]
    width, outputs = settings["width"], outputs_of(settings)
    channels = channel_count(settings)
    # A record may say anything, and memory is taken before the weights are compared.
    if not (isinstance(width, int) and 1 <= width <= MOST_WIDTH):
        raise ValueError(
            f"width {width!r}: a network needs at least 1 filter and at most {MOST_WIDTH}"
        )
    if name not in tuple(KINDS):
        raise ValueError(f"network {name!r} is unknown; one of {', '.join(KINDS)}")
    if encoder != "" and not KINDS[name].encoders:
        raise ValueError(f"network {name} has no encoder, got {encoder!r}; leave it empty")
    if not KINDS[name].takes(channels):
        raise ValueError(
            f"network {name} of {settings['sequence']}: it takes "
            f"{' or '.join(map(str, KINDS[name].channels))} images as channels, not {channels}"
        )
    size_px = settings.get("size_px", 0)
    if places_points(settings):
        if (task := kind_of(settings)).writes != "points":
            raise ValueError(
                f"network {name} places points, and task {task.name} makes a {task.writes}; give "
                "it a task of points"
            )
        if not (isinstance(size_px, int) and 1 <= size_px <= MOST_SIZE_PX):
            raise ValueError(
                f"network {name} of images of size_px {size_px!r}; expected at most {MOST_SIZE_PX}"
            )
    return BUILDERS[name](Shape(channels, outputs, width, encoder, size_px))


def places_points(settings: Mapping[str, Any]) -> bool:
    """Whether the `network` of some settings places points; an unknown one does not."""
    name = settings.get("network")
    return isinstance(name, str) and name in KINDS and KINDS[name].points > 0


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
