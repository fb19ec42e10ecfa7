"""Whether label maps of atria and aorta can be measured: checks of the labels themselves.

Rules and limits of Bai et al. 2018, doi:10.1186/s12968-018-0471-x, and their program ukbb_cardiac.
A check returns an empty text, or one sentence about what it found first. The checks are of maps
that label every frame of a heartbeat.
"""

from collections.abc import Iterable

import numpy as np
from scipy import ndimage

from cmrseg.cine import Cine
from cmrseg.labels import NAMES, Tissue
from cmrseg.measure.aorta import AORTAE
from cmrseg.measure.pieces import LEAST_PIXELS, largest_piece
from cmrseg.measure.rows import Mode

# Pieces that touch at a corner are one. In a stack, those that touch at a corner of voxels are two.
NEIGHBOURS = ndimage.generate_binary_structure(3, 2)
# Bounds of an area as part of that in the frame before.
LEAST_CHANGE, MOST_CHANGE = 0.5, 2.0
# Bounds, which fail, of the largest area as part of the smallest one, and of the brightest pixel of
# a vessel as part of its mean in the first frame.
MOST_PULSATION, MOST_BRIGHTNESS = 2.0, 3.0


def atrial_doubts(labels: Cine, tissues: Iterable[Tissue]) -> str:
    """Why atria cannot be measured in a long-axis view, or an empty text.

    labels: (t, z, y, x). tissues: the atria that the view shows. In every frame an atrium has
    pixels, no second piece of more than LEAST_PIXELS, and an area between LEAST_CHANGE and
    MOST_CHANGE times that in the frame before; before the first frame is the last one.
    """
    for tissue in tissues:
        masks = labels.voxels == tissue
        doubt = _missed(masks, tissue) or _pieces(masks, tissue) or _jumps(masks, tissue)
        if doubt:
            return doubt
    return ""


def aortic_doubts(image: Cine, labels: Cine, mode: Mode) -> str:
    """Why the aorta cannot be measured, or an empty text.

    image, labels: (t, z, y, x) of one shape. To the rules of `atrial_doubts` come two: the
    brightest pixel of a vessel is below MOST_BRIGHTNESS times its mean in the first frame, and its
    largest area below MOST_PULSATION times its smallest one. compat: of all pixels of a vessel, as
    published. corrected: of the largest piece, which is what is measured. A second piece of more
    than LEAST_PIXELS is a doubt in both. Raises ValueError where the shapes differ.
    """
    if image.voxels.shape != labels.voxels.shape:
        raise ValueError(
            f"the aortic image is {image.voxels.shape} and its labels {labels.voxels.shape} "
            "(t, z, y, x), expected the same; label this image"
        )
    for tissue in AORTAE:
        every = labels.voxels == tissue
        masks = every if mode == "compat" else np.stack([largest_piece(mask) for mask in every])
        doubt = (
            _missed(masks, tissue)
            or _noise(image.voxels, masks, tissue)
            or _pieces(every, tissue)
            or _jumps(masks, tissue)
            or _pulsation(masks, tissue)
        )
        if doubt:
            return doubt
    return ""


def _missed(masks: np.ndarray, tissue: Tissue) -> str:
    absent = np.flatnonzero(~masks.any(axis=(1, 2, 3)))
    if not len(absent):
        return ""
    return (
        f"frame {absent[0] + 1} (from 1) has 0 pixels of {NAMES[tissue]}, expected some in every "
        "frame"
    )


def _pieces(masks: np.ndarray, tissue: Tissue) -> str:
    for frame, mask in enumerate(masks):
        pieces, _ = ndimage.label(mask, NEIGHBOURS)
        sizes = np.sort(np.bincount(pieces.ravel())[1:])
        if (sizes > LEAST_PIXELS).sum() > 1:
            return (
                f"frame {frame + 1} (from 1) has a second piece of {NAMES[tissue]} of {sizes[-2]} "
                f"pixels, expected at most {LEAST_PIXELS}"
            )
    return ""


def _jumps(masks: np.ndarray, tissue: Tissue) -> str:
    pixels = masks.sum(axis=(1, 2, 3))
    change = pixels / np.roll(pixels, 1)
    wrong = np.flatnonzero(~((change > LEAST_CHANGE) & (change < MOST_CHANGE)))
    if not len(wrong):
        return ""
    frame = wrong[0]
    return (
        f"frame {frame + 1} (from 1) has {pixels[frame]} pixels of {NAMES[tissue]} after "
        f"{pixels[frame - 1]} in the frame before, expected {LEAST_CHANGE:g} to {MOST_CHANGE:g} "
        "times as many"
    )


def _noise(image: np.ndarray, masks: np.ndarray, tissue: Tissue) -> str:
    """masks: with pixels in every frame."""
    mean = float(image[0][masks[0]].mean(dtype=float))
    for frame, (picture, mask) in enumerate(zip(image, masks, strict=True)):
        brightest = float(picture[mask].max())
        if not brightest < MOST_BRIGHTNESS * mean:
            return (
                f"frame {frame + 1} (from 1) has a pixel of {brightest:g} in the {NAMES[tissue]}, "
                f"expected below {MOST_BRIGHTNESS:g} times its mean of {mean:g} in the first frame"
            )
    return ""


def _pulsation(masks: np.ndarray, tissue: Tissue) -> str:
    pixels = masks.sum(axis=(1, 2, 3))
    frame = int(pixels.argmax())
    if pixels[frame] < MOST_PULSATION * pixels.min():
        return ""
    return (
        f"frame {frame + 1} (from 1) has {pixels[frame]} pixels of {NAMES[tissue]} and frame "
        f"{pixels.argmin() + 1} has {pixels.min()}, expected below {MOST_PULSATION:g} times as many"
    )
