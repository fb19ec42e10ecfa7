"""The networks, a row each: what a study and a training have to know of them.

Without torch, as a study is checked where torch need not be. `nets.build` makes the networks.
"""

from dataclasses import dataclass

from cmrseg.ring import CORNERS, LANDMARKS, SEEN_FRAMES

# Encoders by name, as torchvision calls the networks that they are of.
ENCODERS = ("resnet34", "resnet50", "vgg16_bn")


@dataclass(frozen=True)
class NetworkKind:
    """What sets a network apart.

    name: as settings say it; results.model_card has words for it. preparations: of its images (see
    canvas), of which a model has one. multiple_px: both sides of its images are multiples of it.
    encoders: of which one is chosen, and which may have ImageNet weights; empty where there is
    nothing to choose. heads: outputs that are held against the labels. channels: how many images it
    may take as channels of one; empty for any number. window: frames that it sees together.
    starts_from: networks besides its own kind whose weights it may start from. compiled: is a long
    training on a CUDA device compiled? keeps_first_norms: does the start of a new network's batch
    norms (mean 0, variance 1) count in their statistics? points: how many it places in each frame;
    0 of one that says something of each pixel. frames: of a network that places points, those that
    it sees together. A network that places points is made for images of one size. finds_heart:
    does it need no box, as it can say whether a window shows the heart? losses: those of its task
    that are made for what it says; empty where all are.
    """

    name: str
    preparations: tuple[str, ...]
    multiple_px: int
    encoders: tuple[str, ...] = ()
    heads: int = 1
    channels: tuple[int, ...] = ()
    window: int = 1
    starts_from: tuple[str, ...] = ()
    compiled: bool = False
    keeps_first_norms: bool = False
    points: int = 0
    frames: int = 1
    finds_heart: bool = False
    losses: tuple[str, ...] = ()

    def takes(self, channels: int) -> bool:
        """Whether it takes so many images as channels of one."""
        return not self.channels or channels in self.channels


# Of networks that see several contrasts as channels: windows of images.
WINDOWS = ("joint_max", "joint_max_compat", "channel_max", "zscore_window")
# Encoders see colours: a grey image three times, or three images as red, green and blue.
COLOURS = (1, 3)
_ROWS = (
    NetworkKind(
        "fcn",
        preparations=("fcn",),
        multiple_px=16,
    ),
    NetworkKind(
        "unet",
        preparations=("unet",),
        multiple_px=32,
        encoders=ENCODERS,
        channels=COLOURS,
        compiled=True,
    ),
    NetworkKind(
        "unet_compat",
        preparations=("unet",),
        multiple_px=32,
        encoders=ENCODERS,
        channels=COLOURS,
        compiled=True,
        keeps_first_norms=True,
    ),
    NetworkKind(
        "unet3plus",
        preparations=("minmax",),
        multiple_px=16,
        heads=5,
    ),
    NetworkKind(
        "unet3plus_decoder",
        preparations=("minmax",),
        multiple_px=16,
        heads=5,
    ),
    NetworkKind(
        "unet3plus_single",
        preparations=("minmax",),
        multiple_px=16,
    ),
    NetworkKind(
        "unet_bai",
        preparations=("zscore",),
        multiple_px=16,
        channels=(1,),
    ),
    NetworkKind(
        "unet_lstm",
        preparations=("zscore",),
        multiple_px=16,
        channels=(1,),
        window=9,
        starts_from=("unet_bai",),
        # It never changes them.
        keeps_first_norms=True,
    ),
    NetworkKind(
        "runet",
        preparations=(*WINDOWS, "minmax", "zscore"),
        multiple_px=32,
    ),
    NetworkKind(
        "unet_myops",
        preparations=(*WINDOWS, "minmax", "zscore"),
        multiple_px=16,
    ),
    NetworkKind(
        "tag_box",
        preparations=("tag_frame",),
        multiple_px=1,
        channels=(1,),
        points=CORNERS,
        losses=("box",),
    ),
    NetworkKind(
        "tag_box_compat",
        preparations=("tag_frame_compat",),
        multiple_px=1,
        channels=(1,),
        keeps_first_norms=True,
        points=CORNERS,
        losses=("box",),
    ),
    NetworkKind(
        "tag_ring",
        preparations=("tag_window",),
        multiple_px=1,
        channels=(1,),
        points=LANDMARKS,
        frames=SEEN_FRAMES,
        losses=("ring_strain",),
    ),
    NetworkKind(
        "tag_ring_compat",
        preparations=("tag_window_compat",),
        multiple_px=1,
        channels=(1,),
        points=LANDMARKS,
        frames=SEEN_FRAMES,
        losses=("ring_strain",),
    ),
    NetworkKind(
        "tag_motion",
        preparations=("tag_window",),
        multiple_px=16,
        heads=2,
        channels=(1,),
        points=LANDMARKS,
        frames=SEEN_FRAMES,
        finds_heart=True,
        losses=("ring_motion",),
    ),
)
KINDS = {kind.name: kind for kind in _ROWS}
