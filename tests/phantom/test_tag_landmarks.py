"""Landmarks of tagged slices: where they stand, how they move, and their strain in closed form."""

import math
from dataclasses import replace

import numpy as np
import pytest

from cmrseg.phantom.heart import Heart, HeartParameters
from cmrseg.phantom.infarct import Infarct
from cmrseg.phantom.landmarks import carried_mm, in_plane_px, ring_mm
from cmrseg.phantom.long_axis import ViewSettings
from cmrseg.phantom.plan import turned_about
from cmrseg.phantom.tag_series import tag_planes, true_landmarks_mm
from cmrseg.phantom.tag_truth import true_strain
from cmrseg.ring import by_spoke

GRID = ViewSettings(rows=256, columns=256, spacing_mm=1.3671875, thickness_mm=8.0)
LAD = Infarct("LAD", angle_deg=-60.0, height=0.5, half_angle_deg=50.0, half_height=0.5)
ES = HeartParameters().es_phase
SHIFT = (0.0, -1.2, 4.0)


@pytest.fixture(params=["healthy", "infarct"], scope="module")
def parameters(request) -> HeartParameters:
    return HeartParameters(infarct=LAD if request.param == "infarct" else None)


def landmarks_px(parameters, phase, shift=SHIFT):
    """Landmarks (z, spoke, wall, 2) at end-diastole and at a phase, by projection."""
    planes = tag_planes(parameters, GRID)
    shifts = np.tile(shift, (len(planes), 1))
    places = true_landmarks_mm(parameters, planes, shifts, [0.0, phase])
    return np.stack(
        [by_spoke(in_plane_px(places[:, z], plane)) for z, plane in enumerate(planes)], axis=1
    )


def green(now, rest):
    """Green strain of lines (..., 2) from lengths in two frames."""
    return ((now**2).sum(-1) / (rest**2).sum(-1) - 1) / 2


@pytest.mark.parametrize("phase", [0.1, ES, 0.6, 0.95])
def test_strain_of_the_landmarks_is_the_closed_form_of_the_hearts_motion(parameters, phase):
    rest, now = landmarks_px(parameters, phase)
    heart = Heart(parameters)
    for z, plane in enumerate(tag_planes(parameters, GRID)):
        exact = true_strain(heart, plane, np.array(SHIFT), phase)
        radial = green(now[z, :, 6] - now[z, :, 0], rest[z, :, 6] - rest[z, :, 0])
        np.testing.assert_allclose(radial, exact.radial, atol=1e-6)
        around = green(np.roll(now[z], -1, axis=0) - now[z], np.roll(rest[z], -1, axis=0) - rest[z])
        np.testing.assert_allclose(around, exact.circumferential, atol=1e-6)


def test_strain_of_a_heart_without_bend_and_ellipse_is_what_hand_computation_gives():
    # Round, no shortening, no akinesia: endocardial radii shrink by one factor, the wall's area
    # stays. 150 to 60 ml: squared radii of the cavity become 0.4 of what they were.
    parameters = HeartParameters(
        shortening=0.0, ellipticity=0.0, akinesia=0.0, septal_excess=0.0, twist_deg=12.0
    )
    heart = Heart(parameters)
    plane = tag_planes(parameters, GRID)[1]
    strain = true_strain(heart, plane, np.zeros(3), ES)
    np.testing.assert_allclose(strain.circumferential[:, 0], (0.4 - 1) / 2, atol=1e-12)
    at = heart.coordinates(ring_mm(heart, plane))
    endo, epi = at.radius2_mm2[0], at.radius2_mm2[6]
    thicker = (math.sqrt(epi - 0.6 * endo) - math.sqrt(0.4 * endo)) / (
        math.sqrt(epi) - math.sqrt(endo)
    )
    np.testing.assert_allclose(strain.radial, (thicker**2 - 1) / 2, atol=1e-12)
    around = (1 - 0.6 * endo / epi - 1) / 2
    np.testing.assert_allclose(strain.circumferential[:, 6], around, atol=1e-12)


def test_first_spoke_is_at_the_lower_left_and_spokes_run_clockwise(parameters):
    ring = landmarks_px(parameters, ES)[0, 1]
    centre = (ring[:12, :] + ring[12:, :]).mean(axis=(0, 1)) / 2
    y, x = np.moveaxis(ring[:, 3] - centre, -1, 0)
    angles = np.degrees(np.unwrap(np.arctan2(y, x)))
    assert angles[0] == pytest.approx(142.5, abs=1.0)
    np.testing.assert_allclose(np.diff(angles), 15, atol=1.0)


def test_walls_are_evenly_spaced_from_the_cavity_to_the_outside_at_end_diastole(parameters):
    heart, plane = Heart(parameters), tag_planes(parameters, GRID)[0]
    ring = ring_mm(heart, plane, SHIFT)
    at = heart.coordinates(ring - SHIFT)
    surfaces = heart.surfaces(at, heart.state(0.0))
    depth = (np.sqrt(at.radius2_mm2) - np.sqrt(surfaces.endo_mm2)) / (
        np.sqrt(surfaces.epi_mm2) - np.sqrt(surfaces.endo_mm2)
    )
    np.testing.assert_allclose(depth.reshape(24, 7), [np.arange(7) / 6] * 24, atol=1e-9)


def test_landmarks_leave_their_slice_as_the_base_descends(parameters):
    heart = Heart(parameters)
    depths = []
    for plane in tag_planes(parameters, GRID):
        ring = ring_mm(heart, plane)
        now = carried_mm(heart, ring, [ES])[0]
        depths.append(float(((now - ring) @ -heart.axis).mean()))
    # h - h' = k h^2 / 2H, of heights of the slices over the apex of the wall.
    bend = heart.state(ES).bend
    cavity = heart.length_mm - parameters.apex_wall_mm
    heights = [parameters.apex_wall_mm + part * cavity for part in (0.72, 0.5, 0.28)]
    expected = [-bend * h * h / (2 * heart.length_mm) for h in heights]
    np.testing.assert_allclose(depths, expected, atol=1e-9)


def test_pixels_of_a_point_are_counted_from_the_first_pixels_centre():
    plane = tag_planes(HeartParameters(), GRID)[0]
    (points,) = plane.points_mm(slice(3, 4), slice(10, 11))
    off = points[0, 0] + 5.0 * plane.normal
    np.testing.assert_allclose(in_plane_px(off, plane), (3, 10), atol=1e-9)


def test_an_infarct_strains_less_than_the_wall_opposite():
    parameters = HeartParameters(infarct=LAD)
    strain = true_strain(Heart(parameters), tag_planes(parameters, GRID)[1], np.zeros(3), ES)
    around = strain.circumferential[:, 3]
    healthy = true_strain(
        Heart(HeartParameters()), tag_planes(HeartParameters(), GRID)[1], np.zeros(3), ES
    ).circumferential[:, 3]
    assert around.max() > 0.4 * around.min()
    assert healthy.max() < 0.7 * healthy.min()


def test_a_picture_is_turned_anticlockwise_about_its_middle():
    heart = Heart(HeartParameters())
    for plane, turned in zip(
        tag_planes(HeartParameters(), GRID), tag_planes(HeartParameters(), GRID, turn_deg=90.0),
        strict=True,
    ):  # fmt: skip
        y, x = in_plane_px(heart.apex_mm + 40 * heart.towards_rv, plane) - 127.5
        assert in_plane_px(heart.apex_mm + 40 * heart.towards_rv, turned) - 127.5 == pytest.approx(
            (-x, y)
        )


def test_a_tilted_plane_is_refused():
    plane = tag_planes(HeartParameters(), GRID)[1]
    tilted = turned_about(plane, np.asarray(plane.row_direction), 2.0)
    with pytest.raises(ValueError, match="is not across the long axis"):
        ring_mm(Heart(HeartParameters()), tilted)


def test_a_plane_beyond_the_cavity_is_refused():
    heart, plane = Heart(HeartParameters()), tag_planes(HeartParameters(), GRID)[1]
    for along in (-100.0, 100.0):
        place = np.asarray(plane.position_mm) + along * heart.axis
        with pytest.raises(ValueError, match="does not cut the cavity of a heart of"):
            ring_mm(heart, replace(plane, position_mm=tuple(place)))
