"""All sequences of a digital patient: planes, images and labels of each."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from cmrseg.phantom.aortic_view import acquire_aorta, aortic_plane
from cmrseg.phantom.heart import HeartParameters
from cmrseg.phantom.image_plane import Plane
from cmrseg.phantom.kaggle import (
    BREATHING_DIRECTION,
    OFF_CENTRE_MM,
    Protocol,
    acquire_slice,
    generator,
    plan_stack,
    scanner_of,
)
from cmrseg.phantom.long_axis import LONG_AXES, ViewSettings, acquire_long_axis, long_axis_planes
from cmrseg.phantom.plan import moved
from cmrseg.phantom.scanner import ScannerSettings
from cmrseg.phantom.tag_series import TAG
from cmrseg.phantom.ukbb import affine_of, affine_of_plane
from cmrseg.sequences import USUAL

# Matrix and pixels of the UK Biobank's examinations; of the tagged slices as published (Ferdian et
# al. 2020, doi:10.1148/ryct.2020190032).
UK_BIOBANK = {
    "la_2ch": ViewSettings(rows=208, columns=180, spacing_mm=1.8269),
    "la_3ch": ViewSettings(rows=180, columns=208, spacing_mm=1.8269),
    "la_4ch": ViewSettings(rows=180, columns=208, spacing_mm=1.8269),
    "ao": ViewSettings(rows=196, columns=240, spacing_mm=1.5833),
    TAG: ViewSettings(rows=256, columns=256, spacing_mm=1.3671875, thickness_mm=8.0),
}
AORTA = "ao"


@dataclass(frozen=True)
class Acquired:
    """One sequence of a patient: images and labels (t, z, y, x), and their place (RAS mm).

    planes: of each slice, LPS.
    """

    images: np.ndarray
    labels: np.ndarray
    affine: np.ndarray
    planes: tuple[Plane, ...]


def view_settings(given: Mapping[str, Mapping] | None) -> dict[str, ViewSettings]:
    """Settings of all views: those given, else those of the UK Biobank.

    given: rows, columns, spacing_mm, thickness_mm by sequence, each may be left out. Raises
    ValueError for a sequence that is none of the views.
    """
    given = given or {}
    unknown = sorted(set(given) - set(UK_BIOBANK))
    if unknown:
        raise ValueError(f"views has {unknown[0]}, expected some of {', '.join(UK_BIOBANK)}")
    return {name: replace(usual, **given.get(name, {})) for name, usual in UK_BIOBANK.items()}


def views_of(
    parameters: HeartParameters, settings: Mapping[str, ViewSettings] = UK_BIOBANK
) -> dict[str, Plane]:
    """Planes of the long axes and across the aorta, as they are planned; by sequence.

    Those of tagged slices are `tag_series.tag_planes`.

    Raises ValueError if the parameters have no atria or no aorta.
    """
    planes = long_axis_planes(parameters, settings)
    planes[AORTA] = aortic_plane(parameters, settings[AORTA])
    return planes


def acquire_view(
    parameters: HeartParameters,
    sequence: str,
    plane: Plane,
    phases: Sequence[float] | np.ndarray,
    scanner: ScannerSettings,
    rng: np.random.Generator,
    shift_mm=(0.0, 0.0, 0.0),
) -> tuple[np.ndarray, np.ndarray]:
    """Images (t, rows, columns) of a view and labels of the tissues that it shows.

    Arguments as of `scanner.acquire`. Raises ValueError for a sequence that is no view.
    """
    if sequence == AORTA:
        return acquire_aorta(parameters, plane, phases, scanner, rng, shift_mm)
    if sequence not in LONG_AXES:
        raise ValueError(f"{sequence} is no view, expected {', '.join((*LONG_AXES, AORTA))}")
    return acquire_long_axis(parameters, sequence, plane, phases, scanner, rng, shift_mm)


def planned_view(
    row: Mapping,
    parameters: HeartParameters,
    sequence: str,
    settings: Mapping[str, ViewSettings],
    breath_hold_shift_mm: float,
) -> tuple[Plane, tuple[float, float, float]]:
    """A view as it is acquired: off its middle by some mm, and the shift of its breath-hold."""
    rng = generator(row, "view", sequence)
    plane = views_of(parameters, settings)[sequence]
    along_rows, along_columns = rng.normal(0, 1, 2) * OFF_CENTRE_MM
    off = along_rows * np.asarray(plane.row_direction)
    plane = moved(plane, off + along_columns * np.asarray(plane.column_direction))
    shift = rng.normal(0, 1) * breath_hold_shift_mm * BREATHING_DIRECTION
    return plane, tuple(shift.tolist())


def acquired(
    row: Mapping,
    parameters: HeartParameters,
    protocol: Protocol,
    sequence: str,
    phases: Sequence[float] | np.ndarray,
    settings: Mapping[str, ViewSettings] = UK_BIOBANK,
) -> Acquired:
    """A sequence of a patient at some phases: the short axis as a stack, views as one slice.

    Of tagged cines see `tag_series.acquired_tags`.

    Each slice and each view is another breath-hold. A sequence does not depend on which others
    are acquired.
    """
    scanner, phases = scanner_of(row, protocol), np.asarray(phases, float)
    if sequence == USUAL:
        slices = plan_stack(row, parameters, protocol, 1).slices
        found = [acquire_slice(parameters, s, scanner, phases) for s in slices]
        images, labels = (np.stack(part, axis=1) for part in zip(*found, strict=True))
        return Acquired(images, labels, affine_of(slices), tuple(s.plane for s in slices))
    plane, shift = planned_view(row, parameters, sequence, settings, protocol.breath_hold_shift_mm)
    rng = generator(row, "view noise", sequence)
    images, labels = acquire_view(parameters, sequence, plane, phases, scanner, rng, shift)
    return Acquired(images[:, None], labels[:, None], affine_of_plane(plane), (plane,))
