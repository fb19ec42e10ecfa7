"""The tagged cines of a digital patient: three short-axis slices, and their true landmarks."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from cmrseg.phantom.heart import Heart, HeartParameters
from cmrseg.phantom.image_plane import Plane
from cmrseg.phantom.kaggle import (
    BREATHING_DIRECTION,
    Protocol,
    generator,
    scanner_of,
)
from cmrseg.phantom.landmarks import carried_mm, in_plane_px, ring_mm
from cmrseg.phantom.long_axis import ViewSettings
from cmrseg.phantom.plan import turned_about
from cmrseg.phantom.scanner import short_axis_planes
from cmrseg.phantom.tagged_view import acquire_tags, tag_scanner
from cmrseg.phantom.tagging import Tagging, draw_tagging
from cmrseg.phantom.ukbb import affine_of_planes

TAG = "tag"
# How far hearts lie from the middle of the picture along rows and columns, and by how much pictures
# are turned anticlockwise against those of `short_axis_planes`: mean, so that the septum faces
# spoke 0 as in the published example, and standard deviations.
OFF_CENTRE_MM, TURN_DEG, TURN_SD_DEG = 15.0, 22.0, 10.0
# Standard deviation of the logarithm of images' brightness between sites at variety 1.
GAIN_SD = 0.2
# Where the slices lie at end-diastole, over the length of the cavity from its apex: even at
# end-systole the base lies above the first one.
LEVELS = {"basal": 0.72, "mid": 0.5, "apical": 0.28}


@dataclass(frozen=True)
class Tagged:
    """The tagged cines of a patient, slices from base to apex.

    images: (t, z, y, x). points: (t, z, 168, 2) px, (y, x), the true landmarks. affine: (4, 4)
    index to RAS mm. planes: of each slice, LPS. shifts_mm: (z, 3) LPS, of the breath-holds.
    """

    images: np.ndarray
    points: np.ndarray
    affine: np.ndarray
    planes: tuple[Plane, ...]
    shifts_mm: np.ndarray


def tag_planes(
    parameters: HeartParameters,
    settings: ViewSettings,
    off_centre_mm: tuple[float, float] = (0.0, 0.0),
    turn_deg: float = 0.0,
) -> list[Plane]:
    """The planes of the slices as they are planned, base to apex, one grid for all.

    off_centre_mm: along rows and columns, as of `short_axis_planes`. turn_deg: of the picture,
    anticlockwise.
    """
    heart = Heart(parameters)
    (plane,) = short_axis_planes(
        parameters,
        rows=settings.rows,
        columns=settings.columns,
        spacing_mm=settings.spacing_mm,
        slice_distance_mm=0.0,
        thickness_mm=settings.thickness_mm,
        count=1,
        off_centre_mm=off_centre_mm,
    )
    plane = turned_about(plane, plane.normal, turn_deg)
    apex_wall = parameters.apex_wall_mm
    cavity = heart.length_mm - apex_wall
    found = []
    for level in LEVELS.values():
        below_base = heart.length_mm - (apex_wall + level * cavity)
        place = np.asarray(plane.position_mm) + below_base * heart.axis
        found.append(replace(plane, position_mm=tuple(place.tolist())))
    return found


def tagging_of(row: Mapping, protocol: Protocol, given: Mapping[str, object]) -> Tagging:
    """How the site of a subject tags; given: `tagging` of the phantom settings."""
    return draw_tagging(given, protocol.variety, generator(row, "tagging"))


def planned_tags(
    row: Mapping, parameters: HeartParameters, protocol: Protocol, settings: ViewSettings
) -> tuple[list[Plane], np.ndarray]:
    """Planes of a patient's slices, displaced and turned, and (z, 3) shifts of the heart.

    Each slice is a breath-hold.
    """
    rng = generator(row, "view", TAG)
    off_centre = tuple((rng.normal(0, 1, 2) * OFF_CENTRE_MM).tolist())
    turn_deg = TURN_DEG + TURN_SD_DEG * rng.normal()
    planes = tag_planes(parameters, settings, off_centre, turn_deg)
    shifts = rng.normal(0, 1, (len(planes), 1)) * protocol.breath_hold_shift_mm
    return planes, shifts * BREATHING_DIRECTION


def true_landmarks_mm(
    parameters: HeartParameters,
    planes: Sequence[Plane],
    shifts_mm: np.ndarray,
    phases: Sequence[float] | np.ndarray,
) -> np.ndarray:
    """Landmarks of slices (t, z, 168, 3) in LPS mm, with their motion through the planes."""
    heart = Heart(parameters)
    return np.stack(
        [
            carried_mm(heart, ring_mm(heart, plane, shift), phases, shift)
            for plane, shift in zip(planes, shifts_mm, strict=True)
        ],
        axis=1,
    )


def acquired_tags(
    row: Mapping,
    parameters: HeartParameters,
    protocol: Protocol,
    phases: Sequence[float] | np.ndarray,
    settings: ViewSettings,
    tagging: Mapping[str, object],
) -> Tagged:
    """The tagged cines of a patient at some phases, and the landmarks that are true in them.

    Landmarks are material: those that leave a slice are seen where they are, projected into it.
    """
    phases = np.asarray(phases, float)
    planes, shifts = planned_tags(row, parameters, protocol, settings)
    scanner = tag_scanner(scanner_of(row, protocol), protocol.scanner)
    louder = GAIN_SD * protocol.variety * generator(row, "gain", TAG).normal()
    scanner = replace(scanner, gain=math.exp(louder))
    tags = tagging_of(row, protocol, tagging)
    rng = generator(row, "view noise", TAG)
    images = [
        acquire_tags(parameters, plane, phases, scanner, tags, rng, tuple(shift.tolist()))
        for plane, shift in zip(planes, shifts, strict=True)
    ]
    places = true_landmarks_mm(parameters, planes, shifts, phases)
    points = [in_plane_px(places[:, z], plane) for z, plane in enumerate(planes)]
    return Tagged(
        np.stack(images, axis=1),
        np.stack(points, axis=1),
        affine_of_planes(planes),
        tuple(planes),
        shifts,
    )
