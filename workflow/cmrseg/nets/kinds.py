"""The networks, a row each: what a study, a training and a card have to know of them.

Without torch, as a study is checked where torch need not be. `nets.build` makes the networks.
"""

from dataclasses import dataclass

# Encoders by name, as torchvision calls the networks that they are of.
ENCODERS = ("resnet34", "resnet50", "vgg16_bn")


@dataclass(frozen=True)
class NetworkKind:
    """What sets a network apart.

    name: as settings say it. words: what its card says. preparation: of its images (see
    learn.prepare). multiple_px: both sides of its images are multiples of it. encoders: of which
    one is chosen, and which may have ImageNet weights; empty where there is nothing to choose.
    heads: outputs that are held against the labels. compiled: is a long training on a CUDA device
    compiled? keeps_first_norms: does the start of a new network's batch norms (mean 0, variance 1)
    count in their statistics?
    """

    name: str
    words: str
    preparation: str
    multiple_px: int
    encoders: tuple[str, ...] = ()
    heads: int = 1
    compiled: bool = False
    keeps_first_norms: bool = False


_ROWS = (
    NetworkKind(
        "fcn",
        "fully convolutional network of Bai et al. 2018, doi:10.1186/s12968-018-0471-x",
        preparation="fcn",
        multiple_px=16,
    ),
    NetworkKind(
        "unet",
        "U-Net with a light decoder, Ronneberger et al. 2015",
        preparation="unet",
        multiple_px=32,
        encoders=ENCODERS,
        compiled=True,
    ),
    NetworkKind(
        "unet_compat",
        "U-Net with the decoder of fastai 1, as in Ankenbrand et al. 2021",
        preparation="unet",
        multiple_px=32,
        encoders=ENCODERS,
        compiled=True,
        keeps_first_norms=True,
    ),
    NetworkKind(
        "unet3plus",
        "UNet 3+ of Hanisah et al. 2026, doi:10.1016/j.jocmr.2026.102706",
        preparation="minmax",
        multiple_px=16,
        heads=5,
    ),
    NetworkKind(
        "unet3plus_decoder",
        "UNet 3+ of Hanisah et al. 2026, with deep skips from the decoder",
        preparation="minmax",
        multiple_px=16,
        heads=5,
    ),
    NetworkKind(
        "unet3plus_single",
        "UNet 3+ of Hanisah et al. 2026, without deep supervision",
        preparation="minmax",
        multiple_px=16,
    ),
)
KINDS = {kind.name: kind for kind in _ROWS}
