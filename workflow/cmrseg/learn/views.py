"""Segmentation of an image in several views: mirrored and turned, and averaged.

Shares of each channel are averaged over the views, turned back, before they are decoded.
"""

import torch
from torch import nn
from torch.nn import functional

from cmrseg.tasks.mean import Mean

# By the number of views: whether the image is flipped left to right, then how many quarter turns.
VIEWS = {
    1: [(False, 0)],
    2: [(False, 0), (True, 0)],
    4: [(flip, turns) for turns in (0, 2) for flip in (False, True)],
    8: [(flip, turns) for turns in range(4) for flip in (False, True)],
}
# Of flipped views, along y and x in pixels. Some networks answer in blocks of 2 x 2 pixels: in an
# image whose sides are even, mirrored blocks lie where the others do, and displaced ones between.
OFFSET = (1, 1)


class Views(nn.Module):
    """A network that answers with the mean of its views.

    Images (n, c, y, x) to logits (n, c, y, x). views: of VIEWS. mean: of the network's outputs, as
    the task understands them. Where there are quarter turns, images are padded with zeros to
    squares, behind their last row or column, and cut again.
    """

    def __init__(self, network: nn.Module, views: int, mean: Mean) -> None:
        super().__init__()
        self.network, self.views, self.mean = network, VIEWS[views], mean

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        rows, columns = images.shape[-2:]
        if any(turns % 2 for _, turns in self.views):
            side = max(rows, columns)
            images = functional.pad(images, (0, side - columns, 0, side - rows))
        outputs = [
            turned_back(self.network(turned(images, *view)), *view)[..., :rows, :columns]
            for view in self.views
        ]
        return self.mean(outputs)


def turned(images: torch.Tensor, flip: bool, turns: int) -> torch.Tensor:
    """Images (..., y, x) flipped left to right, then turned counter-clockwise by quarters.

    A flipped one is displaced by OFFSET along both axes; what leaves it comes in on the other side.
    """
    flipped = images.flip(-1).roll(OFFSET, (-2, -1)) if flip else images
    return torch.rot90(flipped, turns, (-2, -1)).contiguous()


def turned_back(images: torch.Tensor, flip: bool, turns: int) -> torch.Tensor:
    """The inverse of `turned`."""
    back = torch.rot90(images, -turns, (-2, -1))
    back_again = tuple(-pixels for pixels in OFFSET)
    return (back.roll(back_again, (-2, -1)).flip(-1) if flip else back).contiguous()
