"""Contours to label maps and back: which pixels are inside, and which outline they have."""

import numpy as np
import pytest

from cmrseg.contours.qmass import ContourType
from cmrseg.contours.raster import (
    EDGES,
    contours_of,
    fill,
    fill_with_outline,
    outline,
    rasterise,
    signed_area,
)
from cmrseg.labels import UNLABELLED
from contour_shapes import ring, square

ENDO, EPI = ContourType


# Rasters


def test_a_pixel_is_inside_where_its_centre_is():
    mask = fill(square(1.6, 0.9, 5.4, 3.1), (5, 8))
    assert np.argwhere(mask).tolist() == [[y, x] for y in (1, 2, 3) for x in (2, 3, 4, 5)]


def test_the_area_is_that_of_the_polygon_and_its_centre_stays():
    rng = np.random.default_rng(4)
    angles = np.linspace(0, 2 * np.pi, 60, endpoint=False)
    areas, moved = [], []
    for _ in range(200):
        radius = rng.uniform(6, 24) * (1 + 0.2 * np.cos(2 * angles + rng.uniform(0, 6)))
        centre = rng.uniform(35, 45, 2)
        # As programs write points that were drawn on an image of twice the size.
        points = np.round(2 * (centre + radius[:, None] * unit(angles))) / 2
        mask = fill(points, (80, 80))
        areas.append(mask.sum() / signed_area(points))
        moved.append(np.argwhere(mask).mean(axis=0)[::-1] - centroid(points))
    assert np.mean(areas) == pytest.approx(1, abs=0.002)
    assert np.std(areas) < 0.01
    assert np.abs(np.mean(moved, axis=0)).max() < 0.02


def unit(angles):
    return np.stack([np.cos(angles), np.sin(angles)], axis=1)


def centroid(points):
    after = np.roll(points, -1, axis=0)
    parts = points[:, 0] * after[:, 1] - after[:, 0] * points[:, 1]
    return ((points + after) * parts[:, None]).sum(axis=0) / (3 * parts.sum())


def test_of_two_neighbours_one_alone_has_a_centre_on_their_common_line():
    rng = np.random.default_rng(5)
    whole = square(2, 3, 17, 15)
    for _ in range(50):
        # A line of whole and half numbers from the upper to the lower edge.
        x, y = rng.integers(8, 28, 6) / 2, np.sort(rng.integers(7, 30, 6)) / 2
        between = np.column_stack([x, y])
        top, bottom = [x[0], 3], [x[-1], 15]
        left = np.array([whole[0], top, *between, bottom, whole[3]])
        right = np.array([top, whole[1], whole[2], bottom, *between[::-1]])
        masks = [fill(polygon, (20, 20)).astype(int) for polygon in (left, right)]
        assert (sum(masks) == fill(whole, (20, 20))).all()


def test_a_contour_that_runs_over_its_beginning_has_no_hole_there():
    angles = np.linspace(0, 2 * np.pi + 1, 90)
    again = 20.3 + 9 * unit(angles) * np.linspace(1, 0.9, 90)[:, None]
    assert fill(again, (40, 40))[20, 20]
    assert fill(again, (40, 40)).sum() == pytest.approx(np.pi * 8.6**2, rel=0.05)


def test_the_number_of_points_does_not_matter():
    few = 20 + 12 * unit(np.linspace(0, 2 * np.pi, 20, endpoint=False))
    steps = np.arange(300)[:, None] / 300
    many = np.concatenate(
        [a + (b - a) * steps for a, b in zip(few, np.roll(few, -1, 0), strict=True)]
    )
    assert len(many) > EDGES
    assert (fill(many, (40, 40)) == fill(few, (40, 40))).all()


def test_direction_and_beginning_of_a_contour_do_not_matter():
    points = contours_of(ring())[EPI]
    for other in (points[::-1], np.roll(points, 7, axis=0)):
        assert (fill(other, (40, 50)) == fill(points, (40, 50))).all()


def test_what_lies_beside_the_image_is_cut_off():
    assert fill(square(-3.5, -9, 2.2, 40), (5, 8)).sum(axis=0).tolist() == [5, 5, 5, 0, 0, 0, 0, 0]
    assert not fill(square(-9, -9, -2, -2), (5, 8)).any()
    assert not fill(square(9, 9, 20, 20), (5, 8)).any()


def test_the_published_filling_has_what_the_line_touches():
    mask = fill_with_outline(square(2, 1, 5, 3), (5, 8))
    assert np.argwhere(mask).min(axis=0).tolist() == [1, 2]
    assert np.argwhere(mask).max(axis=0).tolist() == [3, 5]
    assert mask.sum() == 12


@pytest.mark.parametrize("filled", [fill, fill_with_outline])
def test_fewer_than_two_points_are_no_contour(filled):
    assert not filled(None, (5, 8)).any()
    assert not filled(np.zeros((0, 2)), (5, 8)).any()
    assert not filled(np.array([[3.0, 3.0]]), (5, 8)).any()


@pytest.mark.parametrize(("published", "pixels"), [(False, [9, 27]), (True, [16, 33])])
def test_the_label_is_cavity_inside_and_muscle_between(published, pixels):
    labels, outside = rasterise(
        square(4.2, 4.2, 7.2, 7.2), square(2.2, 2.2, 8.2, 8.2), (11, 11), published
    )
    assert [(labels == k).sum() for k in (1, 2)] == pixels
    assert outside == (0, 0, 0)


def test_cavity_outside_the_epicardium_stays_cavity_and_is_counted():
    labels, outside = rasterise(square(0.6, 3.6, 4.4, 6.4), square(1.6, 1.6, 8.4, 8.4), (11, 11))
    assert outside == pytest.approx((3, 3 / 12, 0.5))
    assert not outside.apart
    assert (labels[4:7, 1:5] == 1).all()


@pytest.mark.parametrize("published", [False, True])
def test_of_one_contour_alone_the_other_tissue_is_not_labelled(published):
    inner, _ = rasterise(square(3.6, 3.6, 6.4, 6.4), None, (11, 11), published)
    assert np.unique(inner).tolist() == [1, UNLABELLED]
    outer, _ = rasterise(None, square(3.6, 3.6, 6.4, 6.4), (11, 11), published)
    assert np.unique(outer).tolist() == [0, UNLABELLED]
    assert outer[5, 5] == UNLABELLED
    assert ((inner == 1) == (outer == UNLABELLED)).all()


@pytest.mark.parametrize(
    ("beside_px", "radius", "wall", "apart"),
    [
        (4, 20, 7, False),
        (9, 20, 7, False),  # sticks out by two pixels
        (12, 20, 7, True),
        (20, 20, 7, True),
        (12, 10, 9, True),
        (2, 2, 1, False),
        (12, 4, 7, True),
    ],
)
def test_an_epicardium_beside_its_cavity_is_told_from_a_hand_that_slipped(
    beside_px, radius, wall, apart
):
    circle = unit(np.linspace(0, 2 * np.pi, 80, endpoint=False))
    inner, outer = 60 + radius * circle, 60 + (radius + wall) * circle + [beside_px, 0]
    _, outside = rasterise(inner, outer, (120, 120))
    assert outside.apart == apart
    assert outside.furthest_px == pytest.approx(max(beside_px - wall, 0), abs=1.1)


def test_a_spike_of_the_endocardium_through_the_wall_is_cavity():
    circle = unit(np.linspace(0, 2 * np.pi, 80, endpoint=False))
    inner = 60 + 20 * circle
    inner[3] = [95, 66]
    _, outside = rasterise(inner, 60 + 27 * circle, (120, 120))
    assert outside.furthest_px > 5
    assert not outside.apart


# Outlines


def test_outline_of_a_plus_runs_half_way_to_its_neighbours():
    plus = np.array([[0, 1, 0], [1, 1, 1], [0, 1, 0]], bool)
    points = outline(plus)
    expected = {(1, -0.5), (1.5, 0), (2, 0.5), (2.5, 1), (2, 1.5), (1.5, 2)}
    expected |= {(1, 2.5), (0.5, 2), (0, 1.5), (-0.5, 1), (0, 0.5), (0.5, 0)}
    assert set(map(tuple, points.tolist())) == expected
    assert len(points) == 12


def test_outline_of_one_pixel_goes_around_it_and_fills_it():
    one = np.zeros((4, 5), bool)
    one[2, 3] = True
    assert sorted(outline(one).tolist()) == [[2.5, 2], [3, 1.5], [3, 2.5], [3.5, 2]]
    assert (fill(outline(one), one.shape) == one).all()


def test_pixels_that_touch_at_a_corner_have_one_outline():
    pair = np.array([[1, 0], [0, 1]], bool)
    assert (fill(outline(pair), pair.shape) == pair).all()


def test_an_empty_region_has_no_outline():
    with pytest.raises(ValueError, match="the region is empty, so it has no contour"):
        outline(np.zeros((3, 3), bool))


def test_filling_an_outline_gives_the_region_back():
    ndimage = pytest.importorskip("scipy.ndimage")
    rng = np.random.default_rng(0)
    for _ in range(50):
        noise = ndimage.gaussian_filter(rng.normal(size=(40, 50)), 3) > 0.05
        parts, _ = ndimage.label(noise, np.ones((3, 3)))
        largest = parts == 1 + np.bincount(parts.ravel())[1:].argmax()
        region = ndimage.binary_fill_holes(largest)
        assert (fill(outline(region), region.shape) == region).all()


def test_label_maps_come_back_from_their_contours():
    labels = ring()
    contours = contours_of(labels)
    again, outside = rasterise(contours[ENDO], contours[EPI], labels.shape)
    assert (again == labels).all()
    assert outside.pixels == 0


def test_tissues_that_are_absent_have_no_contour():
    assert contours_of(np.zeros((9, 9), np.uint8)) == {}
    assert list(contours_of(np.where(ring() == 1, 1, 0))) == [ENDO]


def test_islands_are_not_part_of_a_contour():
    labels = ring()
    labels[0, 0] = 1
    assert (contours_of(labels)[ENDO] == contours_of(ring())[ENDO]).all()
