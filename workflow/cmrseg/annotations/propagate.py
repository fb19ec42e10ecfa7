"""Labels of some frames of a cine, carried to all its frames by the motion of the images."""

from collections.abc import Callable, Iterator

import numpy as np
from scipy import ndimage

from cmrseg.labels import UNLABELLED, Tissue

# Where each pixel of a target image is in a source image, both (y, x): (2, y, x), y and x in px.
Motion = Callable[[np.ndarray, np.ndarray], np.ndarray]

# Every so many frames one is registered to that so many before it, which limits drift.
LONG_STEP = 5
# What is registered: the box around all labels of a slice and this border.
BORDER_PX = 10


def propagate(labels: np.ndarray, images: np.ndarray, motion: Motion) -> np.ndarray:
    """Label all frames of the slices that have labels in some frames.

    labels: (t, z, y, x) integers; a frame without any is UNLABELLED. images: (t, z, y, x), one
    heartbeat: the first frame follows the last one. motion: registration of two images. Returns
    (t, z, y, x) uint8: frames with labels as they are; others with the labels of the cyclically
    nearest one, the earlier of two, moved frame by frame from there. Places are composed and labels
    taken once, from the nearest pixel, so that motion of less than a pixel between frames is not
    lost. Slices without any label stay UNLABELLED. As Bai et al. 2018,
    doi:10.1007/978-3-030-00937-3_67. Raises ValueError where shapes differ, nothing is labelled or
    motion gives no places.
    """
    if labels.ndim != 4 or labels.shape != images.shape:
        raise ValueError(
            f"labels {labels.shape} and images {images.shape}, expected the same (t, z, y, x); "
            "give labels on the grid of the cine"
        )
    told = (labels != UNLABELLED).any(axis=(2, 3))
    if not told.any():
        raise ValueError(f"no label in {len(labels)} frames; label one frame at least")
    result = labels.astype(np.uint8)
    for z in np.flatnonzero(told.any(axis=0)):
        box = _box(labels[told[:, z], z])
        for labelled, frames in walks(told[:, z]):
            result[frames, z] = labels[labelled, z]
            if box is None:
                continue
            part = (z, *box)
            cine = np.asarray(images[(slice(None), *part)], np.float32)
            for frame, places in _followed(cine, labelled, frames, motion):
                result[(frame, *part)] = ndimage.map_coordinates(
                    result[(labelled, *part)], places, order=0, mode="nearest"
                )
    return result


def walks(told: np.ndarray) -> list[tuple[int, list[int]]]:
    """Each labelled frame with the frames that take its labels, in either direction of time.

    told: (t,) bool, frames with labels, one at least. The frames of a walk are in the order of the
    steps away from the labelled one.
    """
    frames, labelled = np.arange(len(told)), np.flatnonzero(told)
    after = (frames[:, None] - labelled) % len(told)
    before = (labelled - frames[:, None]) % len(told)
    forwards = after.min(axis=1) <= before.min(axis=1)
    found = []
    for number, start in enumerate(labelled.tolist()):
        for distance, own in ((after, forwards), (before, ~forwards)):
            nearest = own & ~told & (distance.argmin(axis=1) == number)
            steps = np.flatnonzero(nearest)
            ordered = steps[np.argsort(distance[steps, number])]
            if len(ordered):
                found.append((start, ordered.tolist()))
    return found


def _box(labels: np.ndarray) -> tuple[slice, slice] | None:
    """The box around all tissue in planes (n, y, x), with a border; None where there is none."""
    tissue = ((labels != Tissue.BACKGROUND) & (labels != UNLABELLED)).any(axis=0)
    if not tissue.any():
        return None
    y, x = (
        slice(max(int(found.min()) - BORDER_PX, 0), int(found.max()) + BORDER_PX + 1)
        for found in np.nonzero(tissue)
    )
    return y, x


def _followed(
    cine: np.ndarray, labelled: int, frames: list[int], motion: Motion
) -> Iterator[tuple[int, np.ndarray]]:
    """Each frame of a walk, and the places (2, y, x) of its pixels in the labelled one."""
    pixels = np.indices(cine.shape[1:], np.float64)
    walk, moved = [labelled, *frames], [np.zeros_like(pixels)]
    for step, frame in enumerate(frames, 1):
        before = step - (1 if step % LONG_STEP else LONG_STEP)
        places = np.asarray(motion(cine[frame], cine[walk[before]]), np.float64)
        if places.shape != pixels.shape or not np.isfinite(places).all():
            raise ValueError(
                f"motion from frame {frame + 1} to {walk[before] + 1}: places of shape "
                f"{places.shape}, expected finite ones of {pixels.shape}; look at the registration"
            )
        # The shift beyond the border is that of its last pixel.
        shift = [
            ndimage.map_coordinates(axis, places, order=1, mode="nearest") for axis in moved[before]
        ]
        places = places + np.stack(shift)
        moved.append(places - pixels)
        yield frame, places
