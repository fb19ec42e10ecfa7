"""Points carried along by the motion that a cine shows.

Frames are registered to their neighbours, once forward and once backward through the beat, and the
two are weighted so that the beat closes (Bai et al. 2018, doi:10.1186/s12968-018-0471-x).

Contours of cavity and wall are followed well. Two motions are hardly seen: tissue that moves
through the plane is replaced by other tissue, and tissue that slides along a contour leaves the
picture as it is. Global strain is therefore surer than that of segments.
"""

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from scipy.ndimage import gaussian_filter, map_coordinates

from cmrseg.cine import Cine, check_right_angles
from cmrseg.motion.register import BRIGHTEST, DARKEST, PIXEL_MM, blur_px, moved, register

# Half the side of the window of the registration. Smaller windows follow the trabeculae, which are
# pressed together in systole, more than the endocardium, and give too much radial strain; larger
# ones mix endocardium and epicardium and lose some of it.
WINDOW_PX = 6
# Around the points, so that they stay in the picture and windows have something to look at.
MARGIN_MM = 22.0
# Contours that were smoothed may leave the image by less than this.
OUTSIDE_PX = 1.0
# Contrast over brightness that is rounding alone.
FLAT = 1e-9


def track_points(
    frames: np.ndarray, spacing_mm: tuple[float, float], points_px: np.ndarray
) -> np.ndarray:
    """Places (t, n, 2) of points in each frame of one slice over a beat, in px as x and y.

    frames: (t, y, x), frame 0 follows the last one. spacing_mm: of pixels along y and x. points_px:
    (n, 2) as x and y in frame 0, 0 at the centre of the first pixel; they are returned unchanged
    for frame 0. Give all points of a slice together: the region that is registered, and the scale
    of its brightness, are those around all of them. Raises ValueError for fewer than 2 frames,
    frames that are not finite or of one brightness, and points that are not finite or not in the
    image.
    """
    frames, points_px = np.asarray(frames), np.asarray(points_px, np.float64)
    _check(frames, spacing_mm, points_px)
    pixel_mm = np.array(spacing_mm[::-1])  # along x and y
    scale = PIXEL_MM / pixel_mm
    start_px = np.floor(points_px.min(axis=0) - MARGIN_MM / pixel_mm)
    pictures = _around(frames, points_px, start_px, scale)
    tracked = track((points_px - start_px) / scale, pictures)
    tracked = tracked * scale + start_px
    tracked[0] = points_px
    return tracked


def track(points_px: np.ndarray, pictures: np.ndarray) -> np.ndarray:
    """Places (t, n, 2) of points (n, 2) of frame 0 in pictures (t, y, x) that `register` takes."""
    last = len(pictures) - 1
    ahead, back = [*range(last + 1)], [0, *range(last, 0, -1)]
    forward, backward = (
        composed(
            points_px, [register(pictures[a], pictures[b], WINDOW_PX) for a, b in pairwise(order)]
        )
        for order in (ahead, back)
    )
    return compensated(forward, backward[back])  # `back` is its own inverse


def composed(points_px: np.ndarray, displacements_px: Sequence[np.ndarray]) -> np.ndarray:
    """Places (m + 1, n, 2) of points before and after each of m maps, one after the other."""
    places = [np.asarray(points_px, np.float64)]
    for displacement_px in displacements_px:
        places.append(moved(places[-1], displacement_px))
    return np.stack(places)


def compensated(forward: np.ndarray, backward: np.ndarray) -> np.ndarray:
    """Weighted mean of two tracks (t, n, 2) of a beat, which closes it.

    Frame t is T - t parts of the forward track and t parts of the backward one, as each drifts with
    every frame that it passes. Both are in the order of the frames.
    """
    frames = len(forward)
    part = (np.arange(frames) / frames)[:, None, None]
    return (1 - part) * forward + part * backward


def track_in_slice(image: Cine, slice_index: int, points_mm: np.ndarray) -> np.ndarray:
    """Places (t, n, 3) in RAS mm of points of frame 0 of one slice, in each frame of a cine.

    points_mm: (n, 3) RAS, no further than half a slice from its middle; they keep their distance
    from it. Raises ValueError as `track_points`, for a slice that is not there, and for points of
    another slice.
    """
    slices = image.voxels.shape[1]
    if not 0 <= slice_index < slices:
        raise ValueError(f"slice {slice_index} of a cine with slices 0 to {slices - 1}")
    check_right_angles(image.affine)
    points_mm = np.asarray(points_mm, np.float64)
    if points_mm.ndim != 2 or points_mm.shape[1] != 3:
        raise ValueError(f"points must be (n, 3), got shape {points_mm.shape}")
    voxels = np.linalg.solve(image.affine[:3, :3], (points_mm - image.affine[:3, 3]).T).T
    off = np.abs(voxels[:, 2] - slice_index)
    if (off > 0.5).any():
        raise ValueError(
            f"point {int(off.argmax())} is {off.max():.2f} slices from slice {slice_index}, "
            "expected at most 0.5; give points of this slice"
        )
    _, row_mm, column_mm = image.spacing_mm
    start_px = voxels[:, :2]
    tracked_px = track_points(image.voxels[:, slice_index], (row_mm, column_mm), start_px)
    return points_mm + (tracked_px - start_px) @ image.affine[:3, :2].T


def _around(
    frames: np.ndarray, points_px: np.ndarray, start_px: np.ndarray, scale: np.ndarray
) -> np.ndarray:
    """Pictures (t, y, x) of PIXEL_MM and brightness 0...1 around points, from `start_px` (x, y) on.

    Beyond the image's border is what is on it. Finer images are averaged first.
    """
    margin_px = MARGIN_MM / PIXEL_MM
    columns, rows = np.ceil((points_px.max(axis=0) - start_px) / scale + margin_px).astype(int) + 1
    x, y = (
        start + step * np.arange(length)
        for start, step, length in zip(start_px, scale, (columns, rows), strict=True)
    )
    blur = blur_px(scale[::-1])
    grid = np.meshgrid(y, x, indexing="ij")
    pictures = np.stack(
        [
            map_coordinates(gaussian_filter(frame, blur), grid, order=3, mode="nearest")
            for frame in frames.astype(np.float64)
        ]
    )
    dark, bright = np.percentile(pictures, (DARKEST, BRIGHTEST))
    least = FLAT * np.abs(pictures).max()
    flat = np.ptp(pictures, axis=(1, 2)) <= least
    if flat.any() or bright - dark <= least:
        where = f"frame {int(flat.argmax())} has" if flat.any() else "most of the pixels have"
        raise ValueError(
            f"{where} one brightness around the points, so that no motion can be seen; repair the "
            "images or leave this slice out"
        )
    return np.clip((pictures - dark) / (bright - dark), 0, 1)


def _check(frames: np.ndarray, spacing_mm: tuple[float, float], points_px: np.ndarray) -> None:
    if frames.ndim != 3 or len(frames) < 2:
        raise ValueError(f"frames must be (t, y, x) with 2 or more, got shape {frames.shape}")
    unreadable = ~np.isfinite(frames).all(axis=(1, 2))
    if unreadable.any():
        raise ValueError(
            f"frame {int(unreadable.argmax())} has values that are not finite; repair the images"
        )
    if len(spacing_mm) != 2 or not min(spacing_mm) > 0:
        raise ValueError(f"spacing_mm must be two positive numbers, got {spacing_mm}")
    if points_px.ndim != 2 or points_px.shape[1] != 2 or not len(points_px):
        raise ValueError(f"points must be (n, 2) with 1 or more, got shape {points_px.shape}")
    far = np.array(frames.shape[:0:-1]) - 1 + OUTSIDE_PX
    outside = ~((points_px >= -OUTSIDE_PX) & (points_px <= far)).all(axis=1)
    if outside.any():
        number = int(outside.argmax())
        raise ValueError(
            f"point {number} is at {points_px[number].tolist()} px (x, y), expected within "
            f"{OUTSIDE_PX:g} px of an image of {frames.shape[2]} x {frames.shape[1]}; correct the "
            "points"
        )
