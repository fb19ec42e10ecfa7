"""Network that finds the wall in a tagged cine, and follows it from frame to frame.

Of ours. Two small encoder-decoders see a window around the heart. One says of each pixel whether it
is inside the endocardium and inside the epicardium at end-diastole; along each spoke from the
middle these shares add up to the two radii, between which the landmarks stand evenly. The other
one says for each pair of neighbouring frames where every pixel goes; landmarks are carried along
by it. What is learnt is local, the same for all frames, and does not depend on where in the window
the heart lies, so that far fewer cines are needed than to say all coordinates at once
(nets.tag_ring).
"""

import itertools
from functools import partial

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from cmrseg.nets.images import CHANNELS_LAST
from cmrseg.nets.network import Network, initialise_layers
from cmrseg.nets.tag_box import check_size
from cmrseg.ring import FIRST_SPOKE_DEG, SEEN_FRAMES, SPOKES, STEP_DEG, WALLS
from cmrseg.tasks.inside import pixel_px, shares_inside

SLOPE = 0.1
# Frames around a step from one frame to the next, and every how manieth frame shows the wall.
AROUND = (-1, 0, 1, 2)
EVERY = 2
# Maps are half as large as windows, and are halved so often.
MOTION_LEVELS, WALL_LEVELS = 2, 4
# Both sides of a window are multiples of it.
MULTIPLE_PX = 2**WALL_LEVELS
# Longest spoke in parts of the window, and places along it at which it is sampled.
REACH, SAMPLES = 0.55, 40
EPS = 1e-3


class TagMotion(Network):
    """Windows (n, 20, y, x) float32 to landmarks (n, 20, 168, 2), (y, x) in px of the window.

    width: filters of the maps of half the size, twice as many on each level below (ours: 16).
    Raises ValueError for windows of another size.
    """

    directions: torch.Tensor
    along: torch.Tensor

    def __init__(self, width: int = 16, size_px: int = 96) -> None:
        super().__init__()
        if size_px % MULTIPLE_PX:
            raise ValueError(f"size_px {size_px}: windows are multiples of {MULTIPLE_PX} px")
        self.size_px = size_px
        seen = len(range(0, SEEN_FRAMES, EVERY))
        self.wall = HalfSize(seen, 2, width, WALL_LEVELS)
        self.motion = HalfSize(len(AROUND), 2, width, MOTION_LEVELS)
        angles = np.deg2rad(FIRST_SPOKE_DEG + STEP_DEG * np.arange(SPOKES))
        directions = np.stack([np.sin(angles), np.cos(angles)], -1)
        self.register_buffer("directions", torch.tensor(directions).float(), persistent=False)
        along = (np.arange(SAMPLES) + 0.5) / SAMPLES
        self.register_buffer("along", torch.tensor(along).float(), persistent=False)

    def heads(self, images: torch.Tensor) -> list[torch.Tensor]:
        """Logits (n, 2, y / 2, x / 2) of what is inside endo- and epicardium; the landmarks."""
        frames = self.scaled(images)
        logits = self.wall(frames[:, ::EVERY])
        places = [self.ring(torch.sigmoid(logits))]
        for step in self.steps(frames).unbind(1):
            places.append(places[-1] + read_at(step, places[-1], self.size_px))
        return [logits, torch.stack(places, 1)]

    def certainty(self, images: torch.Tensor) -> torch.Tensor:
        """How sure it is (n,) that windows (n, 20, y, x) show the wall, 0 to 1.

        The Dice of the wall that it says of each pixel and the one between the radii that it makes
        of them: where there is no ring, they are not alike.
        """
        inside = torch.sigmoid(self.wall(self.scaled(images)[:, ::EVERY]))
        said = (inside[:, 1] - inside[:, 0]).clamp(min=0)
        ends = shares_inside(self.ring(inside), inside.shape[-1], self.size_px)
        made = (ends[:, 1] - ends[:, 0]).clamp(min=0)
        both, whole = (said * made).sum((1, 2)), (said + made).sum((1, 2))
        return 2 * both / whole.clamp(min=1)

    def scaled(self, images: torch.Tensor) -> torch.Tensor:
        """Windows whose frames have mean 0 and standard deviation 1 each, as tags fade."""
        check_size(images, SEEN_FRAMES, self.size_px)
        mean, sd = images.mean((2, 3), keepdim=True), images.std((2, 3), keepdim=True)
        return (images - mean) / (sd + EPS)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return self.heads(images)[-1]

    def ring(self, inside: torch.Tensor) -> torch.Tensor:
        """Landmarks (n, 168, 2) of the first frame, from shares inside endo- and epicardium."""
        longest = REACH * self.size_px
        weights = inside[:, 1].square()
        centres = (pixel_px(inside.shape[-1], self.size_px, inside.device)).to(inside.dtype)
        total = weights.sum((1, 2)) + EPS
        middle = torch.stack([(weights.sum(axis) * centres).sum(1) / total for axis in (2, 1)], 1)
        spokes = longest * self.along[:, None] * self.directions[:, None]
        seen = read_at(inside, (middle[:, None, None] + spokes).flatten(1, 2), self.size_px)
        radii = longest * seen.unflatten(1, (SPOKES, SAMPLES)).mean(2)
        depth = torch.linspace(0, 1, WALLS, device=radii.device)
        radii = radii[..., :1] + (radii[..., 1:] - radii[..., :1]) * depth
        ring = middle[:, None, None] + radii[..., None] * self.directions[:, None]
        return ring.flatten(1, 2)

    def steps(self, frames: torch.Tensor) -> torch.Tensor:
        """Where each pixel goes, from a frame to the next one: (n, 19, 2, y / 2, x / 2), in px."""
        first = torch.arange(SEEN_FRAMES - 1, device=frames.device)[:, None]
        around = first + torch.tensor(AROUND, device=frames.device)
        pairs = frames[:, around.clamp(0, SEEN_FRAMES - 1)].flatten(0, 1)
        return self.motion(pairs).unflatten(0, (-1, SEEN_FRAMES - 1))

    def initialise(self, generator: torch.Generator) -> None:
        """Draw all weights as He et al. 2015 for leaky ReLU, biases 0."""
        draw = partial(
            nn.init.kaiming_uniform_, a=SLOPE, nonlinearity="leaky_relu", generator=generator
        )
        initialise_layers(self.modules(), draw)

    def halves(self) -> tuple[list[nn.Module], list[nn.Module]]:
        """What finds the wall, and what finds motion."""
        return [self.wall], [self.motion]


class HalfSize(nn.Module):
    """An encoder-decoder with maps of half the size: (n, c, y, x) to float32 (n, out, y/2, x/2).

    levels: how often maps are halved, the first time included.
    """

    def __init__(self, channels: int, out: int, width: int, levels: int) -> None:
        super().__init__()
        widths = [width * 2**level for level in range(levels)]
        self.stem = nn.Sequential(
            nn.Conv2d(channels, width, 5, stride=2, padding=2),
            nn.LeakyReLU(SLOPE),
            *convolution(width, width),
        )
        pairs = list(itertools.pairwise(widths))
        self.down = nn.ModuleList(
            nn.Sequential(*convolution(a, b), *convolution(b, b)) for a, b in pairs
        )
        self.narrow = nn.ModuleList(nn.Conv2d(b, a, 1) for a, b in pairs)
        self.up = nn.ModuleList(nn.Sequential(*convolution(a, a)) for a, _ in pairs)
        self.out = nn.Conv2d(width, out, 1)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        found = [self.stem(images.contiguous(memory_format=CHANNELS_LAST))]
        for down in self.down:
            found.append(down(functional.avg_pool2d(found[-1], 2)))
        maps = found.pop()
        for narrow, up in zip(reversed(self.narrow), reversed(self.up), strict=True):
            larger = functional.interpolate(narrow(maps), scale_factor=2, mode="bilinear")
            maps = up(found.pop() + larger)
        # Steps of bfloat16 are too large for places.
        with torch.autocast(maps.device.type, enabled=False):
            return torch.as_tensor(self.out(maps.float()))


def convolution(before: int, after: int) -> tuple[nn.Module, nn.Module]:
    """A convolution that keeps the size, and its activation."""
    return nn.Conv2d(before, after, 3, padding=1), nn.LeakyReLU(SLOPE)


def read_at(maps: torch.Tensor, places: torch.Tensor, size_px: int) -> torch.Tensor:
    """Values (n, p, c) of maps (n, c, y, x) of a window at places (n, p, 2), (y, x) in px of it.

    Bilinear; beyond the border the value there.
    """
    grid = (2 * places.flip(-1) + 1) / size_px - 1
    found = functional.grid_sample(maps, grid[:, None], padding_mode="border", align_corners=False)
    return found[:, :, 0].transpose(1, 2)
