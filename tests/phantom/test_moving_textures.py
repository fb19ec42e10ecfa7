"""Textures of digital patients: carried by the tissue, and as before where they lie still."""

from dataclasses import replace

import numpy as np
import pytest

from cmrseg.labels import Tissue
from cmrseg.phantom.heart import Heart, HeartParameters
from cmrseg.phantom.material import origins_mm
from cmrseg.phantom.patients import draw_patient
from cmrseg.phantom.population import draw_parameters, draw_subjects
from cmrseg.phantom.scanner import SCANNERS, acquire, short_axis_planes

STILL = HeartParameters(seed=7)
MOVING = replace(STILL, moving_textures=True)
QUIET = replace(SCANNERS["1.5T"], noise=0.0, ghosting=0.0)
PHASES = (0.0, 0.15, STILL.es_phase, 0.7)


def points_in(heart: Heart, tissue: Tissue, count=2000) -> np.ndarray:
    rng = np.random.default_rng(0)
    points = rng.uniform(-70, 70, (40 * count, 3)) + np.array(heart.parameters.centre_mm)
    return points[heart.tissue(points, 0.0) == tissue][:count]


@pytest.mark.parametrize("tissue", [Tissue.MYO, Tissue.LV])
@pytest.mark.parametrize("phase", PHASES)
def test_origins_are_where_material_came_from(tissue, phase):
    heart = Heart(STILL)
    points = points_in(heart, tissue)
    moved = heart.move(points, phase)
    found = origins_mm(heart, heart.coordinates(moved), heart.state(phase))
    np.testing.assert_allclose(found, points, atol=1e-9)


def test_the_free_wall_of_the_right_ventricle_takes_its_texture_along():
    heart = Heart(STILL)
    angles = np.radians([-40.0, 0.0, 30.0])
    level = heart.apex_mm - 0.6 * heart.length_mm * heart.axis
    outwards = np.cos(angles)[:, None] * heart.towards_rv
    outwards = outwards + np.sin(angles)[:, None] * heart.towards_inferior
    at_rest, at_end = (heart.state(phase) for phase in (0.0, STILL.es_phase))
    at = heart.coordinates(level + outwards)
    wall_mm = np.sqrt(heart.surfaces(at, at_end).rv_mm2)
    origins = origins_mm(
        heart, heart.coordinates(level + 0.999 * wall_mm[:, None] * outwards), at_end
    )
    origin_at = heart.coordinates(origins)
    free_wall = np.sqrt(heart.surfaces(origin_at, at_rest).rv_mm2)
    np.testing.assert_allclose(np.sqrt(origin_at.radius2_mm2), free_wall, rtol=0.03)


def likeness(parameters, phase) -> float:
    """Correlation of brightness in the middle of the wall with that of the same material later."""
    heart = Heart(parameters)
    plane = short_axis_planes(parameters, 120, 120, 1.2, 10.0, 1.0)[5]
    settings = replace(QUIET, through_plane_samples=1, shading=0.0, fold_over=0.0)
    # A heart that twists and thickens but keeps its length shows the same material in a plane.
    images, labels = acquire(parameters, plane, (0.0, phase), settings, np.random.default_rng(0))
    points = plane.points_mm(slice(0, 120), slice(0, 120))[0]
    inner = labels[0] == Tissue.MYO
    at, state = heart.coordinates(points), heart.state(0.0)
    surfaces = heart.surfaces(at, state)
    depth = np.sqrt(at.radius2_mm2) - np.sqrt(surfaces.endo_mm2)
    thick = np.sqrt(surfaces.epi_mm2) - np.sqrt(surfaces.endo_mm2)
    inner &= (depth > 0.4 * thick) & (depth < 0.6 * thick)
    moved = heart.move(points[inner], phase) - plane.position_mm
    places = [
        np.rint(moved @ np.asarray(direction) / 1.2).astype(int)
        for direction in (plane.column_direction, plane.row_direction)
    ]
    return np.corrcoef(images[0][inner], images[1][tuple(places)])[0, 1]


def test_the_texture_of_muscle_is_where_its_material_is():
    twisting = replace(STILL, shortening=0.0, twist_deg=20.0)
    still, moving = (
        likeness(replace(twisting, moving_textures=each), STILL.es_phase) for each in (False, True)
    )
    assert moving > 0.8
    assert still < 0.5


def test_labels_and_end_diastole_are_the_same_with_textures_that_move():
    plane = short_axis_planes(STILL, 80, 80, 3.0, 10.0, 8.0)[5]
    (still, labels), (moving, moving_labels) = (
        acquire(p, plane, (0.0, STILL.es_phase), QUIET, np.random.default_rng(0))
        for p in (STILL, MOVING)
    )
    np.testing.assert_array_equal(labels, moving_labels)
    np.testing.assert_allclose(still[0], moving[0], atol=0.5)
    assert np.abs(still[1] - moving[1]).max() > 20


def test_digital_patients_have_textures_that_move_and_other_hearts_have_not():
    row = draw_subjects(1, seed=3).iloc[0]
    assert draw_patient(row).moving_textures
    assert not draw_parameters(row).moving_textures
