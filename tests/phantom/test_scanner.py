"""The scanner: labels that are the truth, pictures that look and fail like real ones."""

from dataclasses import replace

import numpy as np
import pytest

from cmrseg.figures.phantom_sheet import figure
from cmrseg.labels import Tissue
from cmrseg.phantom import scanner
from cmrseg.phantom.heart import Heart, HeartParameters
from cmrseg.phantom.scanner import SCANNERS, acquire, short_axis_planes

PARAMETERS = HeartParameters(seed=7)
SPACING_MM, DISTANCE_MM = 3.0, 10.0
ES = PARAMETERS.es_phase
QUIET = replace(SCANNERS["1.5T"], noise=0.0)


@pytest.fixture(scope="module")
def planes():
    return short_axis_planes(PARAMETERS, 80, 96, SPACING_MM, DISTANCE_MM, 8.0)


def picture(plane, phases=(0.0,), settings=QUIET, **options):
    return acquire(PARAMETERS, plane, phases, settings, np.random.default_rng(0), **options)


def centre_px(labels, tissue):
    return np.argwhere(labels == tissue).mean(axis=0)


def tilted(plane, degrees=25.0):
    """The plane turned around its row direction, about its own middle."""
    angle = np.radians(degrees)
    column, normal = np.array(plane.column_direction), plane.normal
    turned = np.cos(angle) * column + np.sin(angle) * normal
    half = (plane.rows - 1) / 2 * plane.row_spacing_mm
    position = np.array(plane.position_mm) + half * (column - turned)
    return replace(plane, position_mm=tuple(position), column_direction=tuple(turned))


def test_labels_are_the_heart_at_the_pixel_centres_in_any_plane(planes):
    heart = Heart(PARAMETERS)
    for plane in (planes[5], tilted(planes[5]), tilted(planes[4], 90)):
        _, labels = picture(plane, (0.0, ES))
        points = plane.points_mm(slice(0, plane.rows), slice(0, plane.columns))[0]
        for label, phase in zip(labels, (0.0, ES), strict=True):
            np.testing.assert_array_equal(label, heart.tissue(points, phase))
            assert (label == Tissue.MYO).any()


def test_beating_parts_lie_in_the_box_that_is_drawn_again(planes, monkeypatch):
    cases = [*planes[:6:2], tilted(planes[5]), tilted(planes[4], 90)]
    boxed = [picture(plane, (0.1, ES)) for plane in cases]
    whole = slice(0, 80), slice(0, 96)
    monkeypatch.setattr(scanner, "heart_box", lambda *_: whole)
    for plane, (images, labels) in zip(cases, boxed, strict=True):
        images_whole, labels_whole = picture(plane, (0.1, ES))
        np.testing.assert_array_equal(labels, labels_whole)
        np.testing.assert_allclose(images, images_whole, atol=1.0)


def test_breath_hold_shift_moves_the_heart(planes):
    plane = planes[5]
    across = 4 * SPACING_MM * np.array(plane.row_direction)
    _, labels = picture(plane)
    _, shifted = picture(plane, shift_mm=tuple(across))
    np.testing.assert_array_equal(shifted[..., 4:], labels[..., :-4])
    along = DISTANCE_MM * Heart(PARAMETERS).axis
    np.testing.assert_array_equal(picture(planes[6], shift_mm=tuple(along))[1], labels)


def test_right_ventricle_is_left_and_a_little_lower_in_the_picture(planes):
    labels = picture(planes[4])[1][0]
    lv, rv = centre_px(labels, Tissue.LV), centre_px(labels, Tissue.RV)
    assert rv[1] < lv[1] - 5
    assert lv[0] < rv[0] < lv[0] + 12
    np.testing.assert_allclose((lv + rv) / 2, (39.5, 47.5), atol=8)


def test_head_is_on_top_and_the_normal_points_to_the_base(planes):
    assert planes[0].column_direction[2] < -0.5
    np.testing.assert_allclose(planes[0].normal, -Heart(PARAMETERS).axis, atol=1e-9)


def test_stack_goes_from_base_to_apex_with_a_slice_beyond_each(planes):
    areas = [np.sum(picture(plane)[1] == Tissue.MYO) for plane in planes]
    assert areas[0] == 0
    assert areas[-1] == 0
    assert all(area > 0 for area in areas[1:-2])
    steps = np.diff([plane.position_mm for plane in planes], axis=0)
    np.testing.assert_allclose(
        steps, np.tile(DISTANCE_MM * Heart(PARAMETERS).axis, (len(steps), 1))
    )


def test_stack_can_be_given_its_count_and_centre():
    planes = short_axis_planes(PARAMETERS, 10, 10, 2, 8, 8, count=3, centre_mm=(0, 0, 0))
    assert len(planes) == 3
    middle = planes[0].points_mm(slice(0, 10), slice(0, 10))[0].mean(axis=(0, 1))
    np.testing.assert_allclose(np.cross(middle, planes[0].normal), 0, atol=1e-9)


def test_volume_of_the_stack_is_near_the_volume_of_the_heart(planes):
    labels = np.stack([picture(plane, (0.0, ES))[1] for plane in planes], axis=1)
    ml = (labels == Tissue.LV).sum(axis=(1, 2, 3)) * SPACING_MM**2 * DISTANCE_MM / 1000
    assert ml == pytest.approx([PARAMETERS.edv_ml, PARAMETERS.esv_ml], rel=0.12)


@pytest.mark.parametrize("field", SCANNERS)
def test_blood_is_bright_and_liver_is_as_grey_as_muscle(planes, field):
    images, labels = picture(planes[4], settings=SCANNERS[field])
    mean = {tissue: images[labels == tissue].mean() for tissue in Tissue}
    assert min(mean[Tissue.LV], mean[Tissue.RV]) > 1.4 * mean[Tissue.MYO]
    signals = SCANNERS[field].signals
    assert signals.liver == pytest.approx(signals.myocardium, rel=0.1)
    assert images.max() < 2000


def test_the_same_generator_state_gives_the_same_picture(planes):
    first, second = (picture(planes[4], settings=SCANNERS["7T"])[0] for _ in range(2))
    assert first.tobytes() == second.tobytes()
    assert first.dtype == np.float32


def test_noise_in_air_is_that_of_a_magnitude_image(planes):
    settings = replace(SCANNERS["1.5T"], noise=10.0, fold_over=0.0)
    # Rayleigh: the mean is sigma times the root of pi / 2.
    air = picture(planes[4], settings=settings)[0][0, :10, :6]
    assert air.mean() == pytest.approx(10 * np.sqrt(np.pi / 2), rel=0.15)


def test_nothing_but_the_heart_moves(planes):
    images, _ = picture(planes[5], (0.0, ES))
    moved = np.ptp(images, axis=0) > 0
    assert moved[25:55, 30:60].any()
    assert not moved[:8].any()
    assert not moved[:, -8:].any()


def test_a_beat_ends_where_it_began(planes):
    images, _ = picture(planes[3], (0.0, 1.0))
    np.testing.assert_allclose(images[0], images[1], atol=1e-2)


def test_thick_slices_have_softer_edges(planes):
    low = planes[7]  # near the apex the wall is slanted
    fine = replace(QUIET, through_plane_samples=9)
    thin, _ = picture(replace(low, thickness_mm=1.0), settings=fine)
    thick, labels = picture(replace(low, thickness_mm=16.0), settings=fine)
    near = labels[0] > 0
    edges = [np.hypot(*np.gradient(image[0]))[near].max() for image in (thin, thick)]
    assert edges[1] < edges[0]


def test_a_body_wider_than_the_picture_folds_over():
    plane = short_axis_planes(PARAMETERS, 40, 60, SPACING_MM, DISTANCE_MM, 8.0)[4]
    plain, _ = picture(plane, settings=replace(QUIET, fold_over=0.0))
    folded, _ = picture(plane, settings=replace(QUIET, fold_over=0.5))
    assert (folded - plain).max() > 50
    assert (folded - plain).min() > -1
    turned = short_axis_planes(PARAMETERS, 60, 40, SPACING_MM, DISTANCE_MM, 8.0)[4]
    plain, _ = picture(turned, settings=replace(QUIET, fold_over=0.0))
    folded, _ = picture(turned, settings=replace(QUIET, fold_over=0.5))
    assert (folded - plain).max() > 50


def test_high_field_is_shaded_more(planes):
    plain = replace(SCANNERS["7T"], noise=0.0, bands=0.0)
    bands, _ = picture(planes[4], settings=replace(plain, bands=0.65))
    ratio = bands / np.maximum(picture(planes[4], settings=plain)[0], 1e-3)
    assert 0.3 < ratio[ratio > 0].min() < 0.6


def test_gain_scales_the_picture(planes):
    plain, _ = picture(planes[4])
    loud, _ = picture(planes[4], settings=replace(QUIET, gain=2.5))
    np.testing.assert_allclose(loud, 2.5 * plain, rtol=1e-5)


def test_papillary_muscles_are_dark_in_pictures_and_cavity_in_labels(planes):
    plane = replace(planes[5], thickness_mm=2.0)
    flat = replace(QUIET, flow=0.0, trabeculae=0.0)
    dark, labels = picture(plane, settings=flat)
    plain, _ = picture(plane, settings=replace(flat, papillary=0.0))
    muscle = plain - dark > 100
    assert muscle.sum() > 5
    assert np.mean(labels[muscle] == Tissue.LV) > 0.8


def test_plane_far_from_the_heart_is_empty_of_it(planes):
    away = np.array(planes[-1].position_mm) + 200 * Heart(PARAMETERS).axis
    _, labels = picture(replace(planes[-1], position_mm=tuple(away)))
    assert not labels.any()


def test_an_even_number_of_samples_is_refused(planes):
    with pytest.raises(ValueError, match="through_plane_samples must be odd and positive, got 2"):
        picture(planes[0], settings=replace(QUIET, through_plane_samples=2))


def test_sheet_shows_two_scanners_three_levels_and_two_phases():
    titles = [panel.get_title() for panel in figure(PARAMETERS).axes]
    assert len(titles) == 12
    assert titles[0] == "1.5T, base, ED"
    assert titles[-1] == "7T, apex, ES"
