"""Tagged cines of the digital heart: tags move with the muscle, fade, and leave the blood."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.ndimage import map_coordinates

from cmrseg.phantom.heart import Heart, HeartParameters
from cmrseg.phantom.landmarks import carried_mm, in_plane_px, ring_mm
from cmrseg.phantom.long_axis import ViewSettings
from cmrseg.phantom.scanner import SCANNERS
from cmrseg.phantom.sites import site_scanner
from cmrseg.phantom.tag_series import tag_planes
from cmrseg.phantom.tagged_view import NOISE, acquire_tags, tag_scanner, voxel_points_mm
from cmrseg.phantom.tagging import Tagging
from cmrseg.vectors import dot

PARAMETERS = HeartParameters(heart_rate_bpm=65.0)
ES = PARAMETERS.es_phase
PHASES = (0.0, ES / 2, ES, 0.95)
GRID = ViewSettings(rows=140, columns=140, spacing_mm=1.3671875, thickness_mm=8.0)
PLANE = tag_planes(PARAMETERS, GRID)[1]
TAGGING = Tagging("lines", spacing_mm=6.0, angle_deg=30.0)
SHIFT = (0.0, -0.9, 3.0)
RING = slice(2, None, 7)


@pytest.fixture(scope="module")
def images():
    scanner = tag_scanner(SCANNERS["1.5T"], "1.5T")
    rng = np.random.default_rng(1)
    return acquire_tags(PARAMETERS, PLANE, PHASES, scanner, TAGGING, rng, SHIFT)


def wall(number):
    """Landmarks of one wall at PHASES (t, 24, 3), and the pattern where they were tagged."""
    heart = Heart(PARAMETERS)
    ring = ring_mm(heart, PLANE, SHIFT)[number::7]
    x, y = dot(ring, PLANE.row_direction), dot(ring, PLANE.column_direction)
    return carried_mm(heart, ring, PHASES, SHIFT), TAGGING.pattern_at(x, y)


def seen(image, points_mm):
    return map_coordinates(image, in_plane_px(points_mm, PLANE).T, order=1)


def test_muscle_carries_its_tags_along(images):
    walls, patterns = zip(*(wall(number) for number in (2, 3, 4)), strict=True)
    places, pattern = np.concatenate(walls, axis=1), np.concatenate(patterns)
    moved = [np.corrcoef(seen(images[t], places[t]), pattern)[0, 1] for t in range(3)]
    stays = np.corrcoef(seen(images[2], places[0]), pattern)[0, 1]
    assert min(moved) > 0.8
    assert stays < 0.4


def test_tags_of_muscle_fade_and_are_still_there_at_end_systole(images):
    places, _ = wall(3)
    contrast = [float(np.std(seen(images[t], places[t]))) for t in range(4)]
    assert contrast[0] > contrast[1] > contrast[2] > 3 * NOISE
    assert contrast[3] < 0.45 * contrast[0]


def test_blood_has_tags_at_first_and_none_at_end_systole(images):
    heart = Heart(PARAMETERS)
    apex = heart.apex_mm + np.array(SHIFT)
    centre = apex + dot(np.asarray(PLANE.position_mm) - apex, heart.axis) * heart.axis
    y, x = in_plane_px(centre, PLANE).round().astype(int)
    cavity = images[:, y - 6 : y + 7, x - 6 : x + 7]
    assert cavity[0].std() > 0.25 * cavity[0].mean()
    assert cavity[2].std() < 0.05 * cavity[2].mean()
    assert cavity[0].mean() < cavity[2].mean()


def test_the_chest_keeps_its_tags_where_they_are(images):
    quiet = images[:, :25]
    body = quiet[3] > 0.5 * np.percentile(quiet[3], 90)
    assert body.mean() > 0.2
    assert np.corrcoef(quiet[0][body], quiet[1][body])[0, 1] > 0.9
    assert quiet[0][body].std() > 2 * quiet[3][body].std()


def test_air_is_noise_and_values_are_those_of_published_images(images):
    assert 80 < images[0].max() < 200
    assert 15 < images[3].mean() < 60
    rng = np.random.default_rng(2)
    scanner = replace(tag_scanner(SCANNERS["1.5T"], "1.5T"), noise=0.0)
    (exact,) = acquire_tags(PARAMETERS, PLANE, PHASES[:1], scanner, TAGGING, rng, SHIFT)
    bright = exact > 20
    assert (images[0] - exact)[bright].std() == pytest.approx(NOISE, rel=0.1)


def test_a_sites_contrast_and_noise_are_those_of_its_other_images():
    site = site_scanner("3T", 1.0, np.random.default_rng(5))
    usual, found = tag_scanner(SCANNERS["3T"], "3T"), tag_scanner(site, "3T")
    for name in ("blood", "myocardium", "fat"):
        ratio = getattr(site.signals, name) / getattr(SCANNERS["3T"].signals, name)
        assert getattr(found.signals, name) == pytest.approx(getattr(usual.signals, name) * ratio)
    assert found.noise == pytest.approx(NOISE * site.noise / SCANNERS["3T"].noise)
    assert usual.noise == NOISE


def test_points_of_a_voxel_have_its_centre_and_fill_a_third_each():
    points = voxel_points_mm(PLANE, slice(3, 5), slice(10, 12))
    (centre,) = PLANE.points_mm(slice(3, 5), slice(10, 12))
    np.testing.assert_allclose(points.mean(axis=0), centre, atol=1e-9)
    offset = points - centre
    for axis, size in (
        (PLANE.normal, 8.0), (PLANE.row_direction, 1.3671875),
        (PLANE.column_direction, 1.3671875),
    ):  # fmt: skip
        places = np.sort(dot(offset[:, 0, 0], np.asarray(axis)))
        np.testing.assert_allclose(places, [-size / 3, 0, size / 3], atol=1e-9)


def test_higher_resolution_of_time_shows_the_same_frames(images):
    # Each picture depends on its phase alone, but for the noise.
    scanner = replace(tag_scanner(SCANNERS["1.5T"], "1.5T"), noise=0.0)
    some = acquire_tags(PARAMETERS, PLANE, (ES,), scanner, TAGGING, np.random.default_rng(1), SHIFT)
    more = acquire_tags(
        PARAMETERS, PLANE, (0.0, 0.2, ES), scanner, TAGGING, np.random.default_rng(9), SHIFT
    )
    np.testing.assert_array_equal(some[0], more[2])
