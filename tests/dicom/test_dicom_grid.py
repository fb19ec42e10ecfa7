"""The common grid of slices, and their place on it."""

import numpy as np
import pytest

from cmrseg.dicom.grid import published_affine, target_grid
from cmrseg.dicom.stack import (
    placement_of,
    placements_of,
    published_angle_deg,
    signed_angle_deg,
)
from slice_lists import AXIAL, an_audit, found, spaced, stack, turned

audit = pytest.fixture(an_audit)


def affine_of(slices, grid, audit):
    return placements_of(slices, grid, False, audit)[1]


def test_grid_takes_the_usual_matrix_and_spacing_and_scales_large_images(audit):
    slices = stack(0, 8, rows=400, columns=300, spacing_mm=(0.75, 0.75))
    slices += stack(16, rows=256, columns=192, spacing_mm=(1.5, 1.5))
    grid = target_grid(slices, AXIAL, 8.0, 256, False, audit)
    assert grid.shape == (256, 192)
    assert grid.spacing_mm == (8.0, 0.75 * 400 / 256, 0.75 * 300 / 192)
    assert found(audit) == [("image size >256", "")]
    assert target_grid(slices, AXIAL, 8.0, None, False, audit).shape == (400, 300)


def test_published_spacing_ignores_that_pixels_are_whole(audit):
    slices = stack(0, 8, rows=500, columns=333, spacing_mm=(1.0, 1.0))
    published = target_grid(slices, AXIAL, 8.0, 256, True, audit)
    exact = target_grid(slices, AXIAL, 8.0, 256, False, audit)
    assert published.shape == exact.shape == (256, 170)
    assert published.spacing_mm[2] == 1 / 0.512
    assert exact.spacing_mm[2] == 333 / 170


def test_axes_off_unit_length_are_audited(audit):
    target_grid(stack(0, 8), AXIAL * 1.02, 8.0, 256, True, audit)
    assert found(audit) == [("axis scaling", ""), ("axis scaling", "")]


def test_slice_distance_is_the_median_of_the_regular_ones(audit):
    slices = spaced(10.021, 10.018, 10.019, 6)
    assert target_grid(slices, AXIAL, 10.02, 256, False, audit).spacing_mm[0] == pytest.approx(
        10.019
    )
    assert target_grid(slices, AXIAL, 10.02, 256, True, audit).spacing_mm[0] == 10.02


def test_a_slice_with_other_pixels_is_scaled_and_audited(audit):
    slices = stack(0, 8, 16, rows=20, columns=10)
    other = stack(24, rows=18, columns=10, spacing_mm=(1.1, 1.2))[0]
    grid = target_grid(slices, AXIAL, 8.0, 256, False, audit)
    placement = placement_of(other, grid, False, audit)
    assert (placement.scale_y, placement.scale_x) == (1.1, 1.2)
    assert found(audit) == [("pixel spacing", "a"), ("image size", "a")]
    assert audit.rows[1][4] == "expected: 20 rows x 10 columns; actual: 18 rows x 10 columns"


@pytest.mark.parametrize("angle_deg", [-78.5, -10, 10, 78.5, 170])
def test_signed_angle_turns_a_slice_back_whichever_way_it_was_turned(angle_deg):
    # Rows and columns turned by +a show the object turned by -a (y downwards: clockwise).
    assert signed_angle_deg(turned(angle_deg), AXIAL) == (pytest.approx(-angle_deg), False)
    assert published_angle_deg(turned(angle_deg), AXIAL) == pytest.approx(abs(angle_deg))


def test_a_plane_seen_from_behind_is_mirrored():
    assert signed_angle_deg((-1.0, 0, 0, 0, 1, 0), AXIAL) == (pytest.approx(0), True)


def test_affine_of_a_clean_stack_is_exact(audit):
    slices = stack(5, 13, rows=12, columns=10, spacing_mm=(1.5, 1.25))
    grid = target_grid(slices, AXIAL, 8.0, 256, False, audit)
    expected = [[-1.25, 0, 0, 0], [0, -1.5, 0, 0], [0, 0, 8, 5], [0, 0, 0, 1]]
    np.testing.assert_allclose(affine_of(slices, grid, audit), expected, atol=1e-12)
    np.testing.assert_allclose(published_affine(slices[0], grid), expected, atol=1e-12)


def test_affine_keeps_the_image_centre_when_images_are_scaled(audit):
    slices = stack(0, 8, rows=400, columns=300, spacing_mm=(0.8, 0.8))
    grid = target_grid(slices, AXIAL, 8.0, 256, False, audit)
    centre = affine_of(slices, grid, audit) @ [(192 - 1) / 2, (256 - 1) / 2, 0, 1]
    np.testing.assert_allclose(centre[:3], [-0.8 * 299 / 2, -0.8 * 399 / 2, 0], atol=1e-9)


def test_affine_follows_the_odd_pixel_of_a_padded_lowest_slice(audit):
    slices = stack(0, 8, 16, rows=10, columns=10)
    small = stack(0, rows=7, columns=10)[0]
    grid = target_grid(slices, AXIAL, 8.0, 256, False, audit)
    # Three rows are added, two of them on the low side: own row 0 becomes row 2.
    np.testing.assert_allclose(
        affine_of([small], grid, audit) @ [0, 2, 0, 1], [0, 0, 0, 1], atol=1e-12
    )


def test_affine_follows_a_quarter_turn(audit):
    slices = stack(0, 8, rows=10, columns=16, spacing_mm=(2.0, 1.0))
    grid = target_grid(slices, AXIAL, 8.0, 256, False, audit)
    assert grid.turned_shape == (16, 10)
    affine = affine_of(slices, grid, audit)
    # The first pixel of the DICOM image goes to the lower left: column 0, row 15.
    np.testing.assert_allclose(affine @ [0, 15, 0, 1], [0, 0, 0, 1], atol=1e-12)
    # The last column of its first row goes to the upper left, its last row to the right.
    np.testing.assert_allclose(affine @ [0, 0, 0, 1], [-15, 0, 0, 1], atol=1e-12)
    np.testing.assert_allclose(affine @ [9, 15, 0, 1], [0, -18, 0, 1], atol=1e-12)
    assert np.linalg.det(affine) > 0
