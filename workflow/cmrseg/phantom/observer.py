"""What observers draw: contours around true label maps, and a second observer's disagreement."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from cmrseg.contours.raster import outline
from cmrseg.labels import Tissue

# (slice, frame) -> endocardial and epicardial polygon, each (n, 2): x (column), y (row) in
# pixels, whole numbers at pixel centres. Slices count from the base.
Drawing = Mapping[tuple[int, int], tuple[np.ndarray, np.ndarray]]

# Points of a drawn contour.
POINTS = 80
# Highest order of the Fourier series of a drawn contour: the eye smooths pixel steps away.
SMOOTH_ORDER = 10


@dataclass(frozen=True)
class Habits:
    """Deviations of a second observer from the first; lengths are radial, in mm.

    endo_bias_mm, epi_bias_mm: systematic, positive outside. endo_sd_mm, epi_sd_mm: standard
    deviation of the smooth deviation. orders: of its Fourier series, 0 is the size, 1 the
    place. frame_correlation: of the deviations in neighbouring frames. slice_share: part of
    the variance that is the same in all frames of a slice. end_threshold: in standard
    deviations, beyond which a basal or apical slice is judged otherwise (one slice more or
    less is drawn). wall_mm: thinnest wall that is drawn.
    """

    endo_bias_mm: float = 0.1
    epi_bias_mm: float = 0.4
    endo_sd_mm: float = 1.7
    epi_sd_mm: float = 2.5
    orders: int = 5
    frame_correlation: float = 0.7
    slice_share: float = 0.5
    end_threshold: float = 2.0
    wall_mm: float = 2.0


def smooth_outline(mask: np.ndarray) -> np.ndarray | None:
    """The outline of a mask (rows, columns), sub-pixel and smooth: (POINTS, 2) as x, y.

    None where the mask is empty. The border of its pixels, then a Fourier series of the
    points by arc length up to SMOOTH_ORDER.
    """
    if not mask.any():
        return None
    border = outline(mask)
    steps = np.hypot(*np.diff(border, axis=0, append=border[:1]).T)
    arc = np.concatenate([[0.0], np.cumsum(steps)])
    even = np.linspace(0, arc[-1], 4 * POINTS, endpoint=False)
    closed = np.concatenate([border, border[:1]])
    points = np.interp(even, arc, closed[:, 0]) + 1j * np.interp(even, arc, closed[:, 1])
    spectrum = np.fft.fft(points)
    spectrum[np.abs(np.fft.fftfreq(len(points), 1 / len(points))) > SMOOTH_ORDER] = 0
    smooth = np.fft.ifft(spectrum)[::4]
    return np.stack([smooth.real, smooth.imag], axis=1)


def draw_contours(labels: np.ndarray) -> Drawing:
    """Contours of a careful observer who sees the truth.

    labels: (t, z, y, x) of `Tissue`, z from the base. Slices without cavity or without a wall
    around it have no contours.
    """
    contours = {}
    for frame, volume in enumerate(labels):
        for number, image in enumerate(volume):
            endo = smooth_outline(image == Tissue.LV)
            epi = smooth_outline((image == Tissue.LV) | (image == Tissue.MYO))
            if endo is not None and epi is not None and (image == Tissue.MYO).any():
                contours[number, frame] = (endo, epi)
    return contours


def _deviations(habits: Habits, slices: int, frames: int, rng: np.random.Generator) -> np.ndarray:
    """Fourier coefficients of unit variance: (slices, frames, 1 + orders, 2)."""
    shape = (1 + habits.orders, 2)
    # Lower orders are larger: people disagree on size and place more than on shape.
    weight = 1 / (1 + np.arange(1 + habits.orders))
    weight = weight / np.sqrt((weight[0] ** 2) + (weight[1:] ** 2).sum())
    same = rng.normal(size=(slices, 1, *shape))
    moving = _correlated(habits.frame_correlation, (slices, frames, *shape), rng)
    share = habits.slice_share
    return (np.sqrt(share) * same + np.sqrt(1 - share) * moving) * weight[:, None]


def _correlated(correlation: float, shape: tuple[int, ...], rng: np.random.Generator) -> np.ndarray:
    """Normal numbers of unit variance, first-order autoregressive along axis 1."""
    values = rng.normal(size=shape)
    for frame in range(1, shape[1]):
        fresh = np.sqrt(1 - correlation**2) * values[:, frame]
        values[:, frame] = correlation * values[:, frame - 1] + fresh
    return values


def _polar(points: np.ndarray, centre: np.ndarray, angles: np.ndarray) -> np.ndarray:
    """Distance from the centre at given angles, of a contour that is star-shaped around it."""
    relative = points - centre
    angle = np.arctan2(relative[:, 1], relative[:, 0])
    order = np.argsort(angle, kind="stable")
    return np.interp(angles, angle[order], np.hypot(*relative[order].T), period=2 * np.pi)


def _redrawn(
    pair: tuple[np.ndarray, np.ndarray],
    coefficients: tuple[np.ndarray, np.ndarray],
    habits: Habits,
    spacing_mm: float,
) -> tuple[np.ndarray, np.ndarray]:
    angles = np.linspace(-np.pi, np.pi, POINTS, endpoint=False)
    orders = np.arange(1 + habits.orders)[:, None]
    waves = np.stack([np.cos(orders * angles), np.sin(orders * angles)], axis=1)
    centre = pair[0].mean(axis=0)
    radii = []
    for points, coefficient, bias, sd in zip(
        pair,
        coefficients,
        (habits.endo_bias_mm, habits.epi_bias_mm),
        (habits.endo_sd_mm, habits.epi_sd_mm),
        strict=True,
    ):
        radius_mm = _polar(points, centre, angles) * spacing_mm
        deviation_mm = bias + sd * np.einsum("oc,oca->a", coefficient, waves)
        # Small cavities are drawn with smaller errors, as they fill less of the eye's field.
        size = min(1.0, radius_mm.mean() / 15.0)
        radii.append(np.maximum(radius_mm + size * deviation_mm, 0.2 * radius_mm))
    endo_mm, epi_mm = radii[0], np.maximum(radii[1], radii[0] + habits.wall_mm)
    around = np.stack([np.cos(angles), np.sin(angles)], axis=1) / spacing_mm
    return centre + endo_mm[:, None] * around, centre + epi_mm[:, None] * around


def second_observer(
    contours: Drawing,
    slices: int,
    frames: int,
    spacing_mm: float,
    rng: np.random.Generator,
    habits: Habits | None = None,
) -> Drawing:
    """Contours of another observer on the same images.

    contours: of the first observer. spacing_mm: of the pixels. The result depends on the
    arguments and the generator alone. The defaults of `Habits` give Dice coefficients between
    the observers near the published 0.94 (cavity) and 0.81 (wall), means over images
    (Ankenbrand et al. 2021, doi:10.1002/mrm.28822).
    """
    habits = habits or Habits()
    endo = _deviations(habits, slices, frames, rng)
    # The two borders are judged apart, but by the same eye.
    epi = 0.4 * endo + np.sqrt(1 - 0.4**2) * _deviations(habits, slices, frames, rng)
    ends = _correlated(habits.frame_correlation, (2, frames), rng)
    drawn = {}
    for frame in range(frames):
        present = sorted(s for s, f in contours if f == frame)
        if not present:
            continue
        source = {s: s for s in present}
        for end, outwards, judgement in ((present[0], -1, ends[0]), (present[-1], 1, ends[1])):
            if judgement[frame] < -habits.end_threshold and len(source) > 1:
                del source[end]
            beyond = end + outwards
            if judgement[frame] > habits.end_threshold and 0 <= beyond < slices:
                source[beyond] = end
        for number, like in source.items():
            coefficients = endo[number, frame], epi[number, frame]
            drawn[number, frame] = _redrawn(contours[like, frame], coefficients, habits, spacing_mm)
    return drawn
