"""What every network expects of its input, and the step from grey images to ImageNet colours."""

import torch
from torch import nn

# Mean and standard deviation of the ImageNet photographs (red, green, blue in 0..1), with
# which the published encoder weights were trained.
IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_SD = (0.229, 0.224, 0.225)

# Order of the maps in memory; the layers after it keep it. Values and shapes stay the same,
# while training on a processor core takes about a third less time than in torch's own order.
CHANNELS_LAST = torch.channels_last


def check_images(images: torch.Tensor, multiple: int, channels: int = 1) -> None:
    """Refuse a batch that a network cannot take.

    images: (n, channels, y, x); y and x have to be multiples of `multiple` pixels, the coarsest
    step of the network. Raises ValueError with the shape.
    """
    if images.ndim != 4 or images.shape[1] != channels:
        raise ValueError(f"images must be (n, {channels}, y, x), got shape {tuple(images.shape)}")
    rows, columns = images.shape[2:]
    if rows % multiple or columns % multiple:
        raise ValueError(
            f"images of {rows} x {columns} pixels (y, x): both must be multiples of {multiple}; "
            "pad them to the next multiple"
        )


class ImageNetInput(nn.Module):
    """Images in 0..1 as three channels in the units of ImageNet weights.

    Grey ones (n, 1, y, x) become three equal channels; three channels are taken as colours.
    """

    mean: torch.Tensor
    sd: torch.Tensor

    def __init__(self) -> None:
        super().__init__()
        # Constants, not weights: absent from the state dict.
        self.register_buffer("mean", torch.tensor(IMAGENET_MEAN)[:, None, None], persistent=False)
        self.register_buffer("sd", torch.tensor(IMAGENET_SD)[:, None, None], persistent=False)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        images = (images - self.mean) / self.sd
        return images.contiguous(memory_format=CHANNELS_LAST)
