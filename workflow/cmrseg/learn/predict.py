"""Label maps of cines from a trained network."""

from collections.abc import Mapping

import numpy as np
import torch
from torch.nn import functional

from cmrseg.cine import Cine
from cmrseg.learn.prepare import Canvas, as_float, check_settings, prepare_cine


def predict_cine(
    network: torch.nn.Module,
    cine: Cine,
    settings: Mapping,
    device: str = "cpu",
    batch: int = 8,
) -> np.ndarray:
    """Label every slice and frame of a cine, each on its own.

    network: as trained, on any device; it is moved to `device`. settings: preparation, size_px
    and intensity of its training. batch: images at once; slices and frames share batches. Returns
    (t, z, y, x) uint8 on the cine's grid: the class with the largest logit, the lowest on ties.
    Raises ValueError where the cine has values that are not finite.
    """
    check_settings(settings)
    if not np.isfinite(cine.voxels).all():
        raise ValueError("the cine has values that are not finite; repair or leave out the subject")
    pixels, canvas = prepare_cine(cine.voxels, settings)
    planes = pixels.reshape(-1, *canvas.size)
    labels = np.empty((len(planes), *canvas.native), np.uint8)
    network.eval().to(device).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    with torch.inference_mode():
        for first in range(0, len(planes), batch):
            images = torch.from_numpy(as_float(planes[first : first + batch])).to(device)
            logits = network(images[:, None].contiguous(memory_format=torch.channels_last))
            labels[first : first + batch] = restore(logits, canvas).cpu().numpy()
    return labels.reshape(cine.voxels.shape)


def restore(logits: torch.Tensor, canvas: Canvas) -> torch.Tensor:
    """Labels on the native grid from logits on a canvas.

    logits: (n, classes, Y, X). Returns (n, y, x) uint8. Padding is cut off; where the image was
    resized, probabilities go back to its grid (bilinear, as in the preparation) before the
    largest wins, which keeps outlines smooth. Raises ValueError where the canvas cropped the image.
    """
    if min(canvas.offset) < 0:
        raise ValueError(
            f"a canvas of {canvas.size} does not hold an image of {canvas.native} (y, x); "
            "use the canvas of prediction"
        )
    y, x = canvas.offset
    inside = logits[:, :, y : y + canvas.scaled[0], x : x + canvas.scaled[1]]
    if canvas.scaled != canvas.native:
        inside = functional.interpolate(
            inside.softmax(1), size=canvas.native, mode="bilinear", align_corners=False
        )
    return inside.argmax(1).to(torch.uint8)
