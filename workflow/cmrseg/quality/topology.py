"""Shape of the labels of a picture: cavity inside the wall, one piece, no holes."""

import numpy as np
from scipy import ndimage

from cmrseg.labels import Tissue
from cmrseg.quality.planes import CLASSES, areas, ratio

# Neighbours share an edge within a picture.
IN_PLANE = np.zeros((3, 3, 3, 3), bool)
IN_PLANE[1, 1, 1, :] = IN_PLANE[1, 1, :, 1] = True
# An outline along pixel sides is longer than the circle of the same area by this factor.
STAIRS = 4 / np.pi


def topology(labels: np.ndarray) -> dict[str, np.ndarray]:
    """Columns by name, each (t, z); labels: (t, z, y, x), 0 to 3. nan where a tissue is absent.

    cavity_open: share of the cavity's outline that does not touch the wall. wall_apart, rv_apart:
    share of the pixels of cavity and wall, or of the right ventricle, that are not in its largest
    piece. holes: background enclosed by labels, as a share of all labelled pixels. ragged,
    rv_ragged: length of the outline of cavity and wall, or of the right ventricle, over that of a
    circle of equal area.
    """
    touching = contacts(labels)
    found = areas(labels)
    lv, my, rv = (int(t) for t in (Tissue.LV, Tissue.MYO, Tissue.RV))
    outline = touching.sum(axis=-1) - np.diagonal(touching, axis1=2, axis2=3)
    of_heart = touching[..., [lv, my], :][..., [0, rv]].sum(axis=(2, 3))
    heart = found[..., lv] + found[..., my]
    open_ = touching[..., lv, 0] + touching[..., lv, rv]
    return {
        "cavity_open": ratio(open_, outline[..., lv]),
        "wall_apart": apart((labels == lv) | (labels == my)),
        "rv_apart": apart(labels == rv),
        "holes": ratio(hole_pixels(labels == 0), found[..., 1:].sum(axis=-1)),
        "ragged": _ragged(of_heart, heart),
        "rv_ragged": _ragged(outline[..., rv], found[..., rv]),
    }


def contacts(labels: np.ndarray) -> np.ndarray:
    """Pairs of neighbouring pixels by their classes, both ways: (t, z, CLASSES, CLASSES)."""
    frames, slices = labels.shape[:2]
    size = CLASSES * CLASSES
    first = (np.arange(frames * slices, dtype=np.int64) * size)[:, None]
    total = np.zeros(frames * slices * size, np.int64)
    for a, b in neighbouring(labels):
        pairs = (a * np.uint8(CLASSES) + b).reshape(frames * slices, -1)
        total += np.bincount((pairs + first).ravel(), minlength=len(total))
    counted = total.reshape(frames, slices, CLASSES, CLASSES)
    return counted + counted.swapaxes(2, 3)


def neighbouring(values: np.ndarray) -> list[tuple[np.ndarray, np.ndarray]]:
    """Both sides of all pairs of neighbours, along y and along x."""
    return [(values[..., :-1, :], values[..., 1:, :]), (values[..., :-1], values[..., 1:])]


def apart(mask: np.ndarray) -> np.ndarray:
    """Share of a mask's pixels that are not in its largest piece, (t, z); nan without pixels."""
    whole = mask.sum(axis=(2, 3))
    pieces, count = ndimage.label(mask, IN_PLANE)
    sizes = np.bincount(pieces.ravel(), minlength=count + 1)[1:]
    image_of = _pictures(pieces, count)
    largest = np.zeros(whole.size, np.int64)
    np.maximum.at(largest, image_of, sizes)
    return ratio(whole - largest.reshape(whole.shape), whole)


def hole_pixels(background: np.ndarray) -> np.ndarray:
    """Pixels of the background that labels enclose, (t, z).

    The outermost rows and columns are taken for one piece, the outside.
    """
    padded = np.pad(background, ((0, 0), (0, 0), (1, 1), (1, 1)), constant_values=True)
    pieces, count = ndimage.label(padded, IN_PLANE)
    sizes = np.bincount(pieces.ravel(), minlength=count + 1)[1:]
    image_of = _pictures(pieces, count)
    outside = pieces[:, :, 0, 0].ravel() - 1
    enclosed = np.bincount(image_of, sizes, background.shape[0] * background.shape[1])
    enclosed -= sizes[outside]
    return enclosed.reshape(background.shape[:2])


def _pictures(pieces: np.ndarray, count: int) -> np.ndarray:
    """(count,) number of the picture, frame by frame, in which each piece lies."""
    plane = pieces.shape[2] * pieces.shape[3]
    there = np.flatnonzero(pieces)
    found = np.zeros(count + 1, np.int64)
    found[pieces.ravel()[there]] = there // plane
    return found[1:]


def _ragged(outline: np.ndarray, area: np.ndarray) -> np.ndarray:
    return ratio(outline, STAIRS * np.sqrt(4 * np.pi * area))
