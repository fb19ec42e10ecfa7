"""How a bright vessel's area changes over a heartbeat, from its edge in the images.

A vessel's area changes by a tenth over a beat, its radius by less than half a pixel. Counted pixels
of labels are too coarse for that. So labels say where the vessel is and how large it is on average;
the image says how its edge moves.
"""

import math

import numpy as np
from scipy.ndimage import gaussian_filter, gaussian_filter1d, map_coordinates, median_filter

RAYS = 72
STEP_MM = 0.1
# The edge is looked for at most this far from that of the labels: a pixel of UK Biobank's cines.
REACH_MM = 1.6
# Least fall of brightness per mm at an edge, as a part of the brightness inside. That of a wall
# between bright blood and bright fat is about 0.2.
LEAST_FALL = 0.05
# Standard deviations of the blur of a mask, in px, and of slopes along rays.
MASK_BLUR_PX, SLOPE_BLUR_MM = 0.7, 0.5
# Around a mask: the farthest that an edge is looked for, and some pixels for the splines.
MARGIN_MM = 12.0
# The edge is looked for again around the one that was found, which then depends little on the mask.
PASSES = 2
# Waves around the vessel that the edge of a mask has, and that in the image: its place, its size,
# and an ellipse.
MASK_WAVES, EDGE_WAVES = 4, 2
# Rays next to each other of which the one in the middle counts.
NEIGHBOURS = 5
# Least part of the rays, and of the frames, in which an edge must be found.
LEAST_RAYS, LEAST_FRAMES = 0.5, 0.5
# Of the harmonics of a heartbeat the first ones are kept, and others that are so many times as
# strong as noise, which is what the last third of them has: without these the largest and the
# smallest area would be those of noise, without those the peak would be flat.
FIRST_HARMONICS, LEAST_POWER, NOISE_FROM = 3, 3.0, 2 / 3


def edge_areas_mm2(
    pictures: np.ndarray, masks: np.ndarray, spacing_mm: tuple[float, float]
) -> np.ndarray:
    """Areas (t,) of a vessel over a heartbeat, whose mean is that of the masks in the same frames.

    pictures: (t, y, x); frame 0 follows the last one. masks: (t, y, x) boolean, of the vessel in
    one piece. spacing_mm: of pixels along y and x. nan where a mask is empty, or too little of an
    edge is found; all nan if that is so in more than half of the frames. Raises ValueError where
    pictures and masks have other shapes.
    """
    if pictures.ndim != 3 or pictures.shape != masks.shape:
        raise ValueError(
            f"pictures and masks must be (t, y, x) of one shape, got {pictures.shape} and "
            f"{masks.shape}"
        )
    counted = masks.sum(axis=(1, 2)) * math.prod(spacing_mm)
    areas = np.array(
        [
            edge_area_mm2(picture, mask, spacing_mm) if mask.any() else math.nan
            for picture, mask in zip(pictures, masks, strict=True)
        ]
    )
    known = np.isfinite(areas)
    if known.sum() < max(LEAST_FRAMES * len(areas), 2):
        return np.full(len(areas), math.nan)
    frames = np.arange(len(areas))
    areas = _without_noise(np.interp(frames, frames[known], areas[known], period=len(areas)))
    scaled = areas * (counted[known].mean() / areas[known].mean())
    return np.where(known, scaled, math.nan)


def edge_area_mm2(picture: np.ndarray, mask: np.ndarray, spacing_mm: tuple[float, float]) -> float:
    """Area within the steepest fall of brightness around a vessel; nan with too little of it.

    The fall is looked for on rays from the middle of the mask, within REACH_MM of its edge, then of
    the edge that was found. That is smoothed around the vessel; rays without a fall get the
    distance of their neighbours. A wall that is thin between bright tissues makes the area a few
    per cent too small, in all frames alike.
    """
    around = _around(mask, spacing_mm)
    picture, mask = picture[around], mask[around]
    spacing = np.asarray(spacing_mm, float)[:, None]
    middle_mm = np.argwhere(mask).mean(axis=0)[:, None] * spacing
    angles = np.arange(RAYS) / RAYS * 2 * np.pi
    directions = np.stack([np.sin(angles), np.cos(angles)])
    inside_mm = np.argwhere(mask).T * spacing - middle_mm
    farthest = float(np.hypot(*inside_mm).max()) + 2 * REACH_MM
    radii = np.arange(0, farthest, STEP_MM)
    places = (middle_mm[..., None] + directions[:, None] * radii[:, None]) / spacing[..., None]

    filled = gaussian_filter(mask.astype(float), MASK_BLUR_PX)
    within = map_coordinates(filled, places, order=1) > 0.5
    # The first place outside; a ray that never leaves the mask ends at the last one.
    border = radii[np.where(within.all(axis=0), len(radii) - 1, within.argmin(axis=0))]
    border = _waves(border, MASK_WAVES)

    profile = map_coordinates(np.asarray(picture, float), places, order=3, mode="nearest")
    slope = np.gradient(profile, STEP_MM, axis=0)
    fall = gaussian_filter1d(-slope, SLOPE_BLUR_MM / STEP_MM, axis=0)
    least = LEAST_FALL * float(np.abs(picture[mask]).mean())
    for _ in range(PASSES):
        near = np.abs(radii[:, None] - border) <= REACH_MM
        falls = np.where(near, fall, -np.inf)
        edge = radii[falls.argmax(axis=0)]
        # The steepest place on the limit of what is looked at is no edge.
        inside = np.abs(edge - border) < REACH_MM - STEP_MM
        found = (falls.max(axis=0) > least) & inside
        if found.mean() < LEAST_RAYS:
            return math.nan
        offset = np.interp(angles, angles[found], (edge - border)[found], period=2 * np.pi)
        border = _waves(border + median_filter(offset, NEIGHBOURS, mode="wrap"), EDGE_WAVES)
    return float(np.mean(border**2) * math.pi)


def _around(mask: np.ndarray, spacing_mm: tuple[float, float]) -> tuple[slice, ...]:
    """The part of a picture that the rays of a mask cross, with a margin."""
    return tuple(
        slice(max(int(places.min() - MARGIN_MM / mm), 0), int(places.max() + MARGIN_MM / mm) + 2)
        for places, mm in zip(np.nonzero(mask), spacing_mm, strict=True)
    )


def _waves(around: np.ndarray, waves: int) -> np.ndarray:
    """Values around a circle without their shorter waves."""
    spectrum = np.fft.rfft(around)
    spectrum[waves + 1 :] = 0
    return np.fft.irfft(spectrum, len(around))


def _without_noise(curve: np.ndarray) -> np.ndarray:
    """A curve over a heartbeat without harmonics that are hardly stronger than noise."""
    spectrum = np.fft.rfft(curve)
    power = np.abs(spectrum) ** 2
    noise = power[math.ceil(NOISE_FROM * (len(spectrum) - 1)) :].mean()
    weak = power < LEAST_POWER * noise
    weak[: FIRST_HARMONICS + 1] = False
    spectrum[weak] = 0
    return np.fft.irfft(spectrum, len(curve))
