"""Points followed over a beat: known motions, images and points that cannot be followed."""

import numpy as np
import pytest

from cmrseg.cine import Cine
from cmrseg.motion.tracking import track_in_slice, track_points
from moving_texture import MIDDLE, ROWS_COLUMNS, texture

FRAMES = 8
# Over a beat, from 0 to 1 and back.
PULSE = np.sin(np.pi * np.arange(FRAMES) / FRAMES) ** 2
POINTS = MIDDLE + np.array([[10.0, 0.0], [0.0, 9.5], [-11.25, 3.0], [-4.0, -8.0], [0.0, 0.0]])
SQUARE_MM = (1.8, 1.8)


def grid(spacing_mm=SQUARE_MM) -> np.ndarray:
    """Places (y, x, 2) of pixels of this size in those of 1.8 mm, as x and y."""
    rows, columns = (
        np.arange(int((n - 1) * 1.8 / mm) + 1) * mm / 1.8
        for n, mm in zip(ROWS_COLUMNS, spacing_mm, strict=True)
    )
    return np.stack(np.meshgrid(columns, rows), axis=-1)


def shifted(spacing_mm=SQUARE_MM) -> np.ndarray:
    """A texture that goes 3 px right and 2 px up, and comes back."""
    return np.stack([texture(grid(spacing_mm) - part * np.array([3.0, -2.0])) for part in PULSE])


def contracting(most=0.15) -> np.ndarray:
    return np.stack([texture(MIDDLE + (grid() - MIDDLE) / (1 - most * part)) for part in PULSE])


def off(found, expected) -> float:
    return float(np.linalg.norm(found - expected, axis=-1).max())


def test_frames_without_motion_leave_points_where_they_are():
    frames = np.repeat(shifted()[:1], 5, axis=0)
    found = track_points(frames, SQUARE_MM, POINTS)
    np.testing.assert_allclose(found, np.repeat(POINTS[None], 5, axis=0), atol=1e-12)


def test_a_translation_is_followed_to_a_tenth_of_a_pixel():
    found = track_points(shifted(), SQUARE_MM, POINTS)
    assert off(found, POINTS + PULSE[:, None, None] * (3.0, -2.0)) < 0.1


def test_a_contraction_by_two_pixels_is_followed_to_a_seventh_of_it():
    found = track_points(contracting(), SQUARE_MM, POINTS)
    expected = MIDDLE + (1 - 0.15 * PULSE[:, None, None]) * (POINTS - MIDDLE)
    assert off(found, expected) < 0.3


def test_pixels_need_not_be_square_nor_of_one_size():
    scale = np.array([1.8 / 1.1, 1.8 / 1.5])  # px along x and y for one of 1.8 mm
    found = track_points(shifted((1.5, 1.1)), (1.5, 1.1), POINTS * scale)
    assert off(found / scale, POINTS + PULSE[:, None, None] * (3.0, -2.0)) < 0.1


def test_the_first_frame_is_as_it_was_given():
    found = track_points(shifted((1.5, 1.1)), (1.5, 1.1), POINTS)
    assert found.shape == (FRAMES, len(POINTS), 2)
    np.testing.assert_array_equal(found[0], POINTS)


def test_a_beat_backwards_gives_the_places_backwards():
    frames = contracting()
    back = [0, *range(FRAMES - 1, 0, -1)]
    found = track_points(frames, SQUARE_MM, POINTS)
    np.testing.assert_allclose(
        track_points(frames[back], SQUARE_MM, POINTS), found[back], atol=1e-9
    )


def test_a_beat_may_start_at_any_frame():
    start = 3
    expected = POINTS + PULSE[:, None, None] * (3.0, -2.0)
    frames, expected = (np.roll(array, -start, axis=0) for array in (shifted(), expected))
    assert off(track_points(frames, SQUARE_MM, expected[0]), expected) < 0.1


def test_brightness_may_have_any_unit():
    frames = contracting()
    found = track_points(frames, SQUARE_MM, POINTS)
    np.testing.assert_allclose(
        track_points(1000 * frames - 40, SQUARE_MM, POINTS), found, atol=1e-6
    )


def test_the_same_frames_give_the_same_bytes():
    frames = contracting().astype(np.float32)
    first, second = (track_points(frames, SQUARE_MM, POINTS) for _ in range(2))
    assert first.tobytes() == second.tobytes()


def test_points_on_the_border_of_the_image_are_followed_to_two_thirds_of_a_pixel():
    points = np.array([[-0.9, 30.0], [0.0, 30.0], [36.0, 63.5]])
    found = track_points(shifted(), SQUARE_MM, points)
    assert off(found, points + PULSE[:, None, None] * (3.0, -2.0)) < 0.67


@pytest.mark.parametrize(
    ("shape", "said"), [((1, 64, 72), r"\(1, 64, 72\)"), ((64, 72), r"\(64, 72\)")]
)
def test_fewer_than_two_frames_are_refused(shape, said):
    with pytest.raises(ValueError, match=r"\(t, y, x\) with 2 or more, got shape " + said):
        track_points(np.zeros(shape), SQUARE_MM, POINTS)


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_frames_with_values_that_are_no_numbers_are_refused_by_number(value):
    frames = shifted()
    frames[4, 5, 6] = value
    with pytest.raises(ValueError, match="frame 4 has values that are not finite"):
        track_points(frames, SQUARE_MM, POINTS)


@pytest.mark.parametrize("value", [0.0, 0.1])
def test_a_frame_without_contrast_is_refused_by_number(value):
    frames = shifted()
    frames[6] = value
    with pytest.raises(ValueError, match="frame 6 has one brightness around the points"):
        track_points(frames, SQUARE_MM, POINTS)


def test_frames_with_one_bright_pixel_are_refused():
    frames = np.zeros((3, 64, 72))
    frames[:, 30, 30] = 1.0
    with pytest.raises(ValueError, match="most of the pixels have one brightness"):
        track_points(frames, SQUARE_MM, POINTS)


@pytest.mark.parametrize("spacing_mm", [(0.0, 1.8), (1.8, -1.0), (1.8,), (np.nan, 1.8)])
def test_impossible_pixels_are_refused(spacing_mm):
    with pytest.raises(ValueError, match="spacing_mm must be two positive numbers, got"):
        track_points(shifted(), spacing_mm, POINTS)


@pytest.mark.parametrize("shape", [(0, 2), (4, 3), (4,)])
def test_points_of_another_shape_are_refused(shape):
    with pytest.raises(ValueError, match=r"points must be \(n, 2\) with 1 or more, got shape"):
        track_points(shifted(), SQUARE_MM, np.ones(shape))


@pytest.mark.parametrize("point", [(-1.1, 5.0), (5.0, 64.1), (np.nan, 5.0)])
def test_points_outside_the_image_are_refused_by_number(point):
    points = np.vstack([POINTS, [point]])
    with pytest.raises(ValueError, match=r"point 5 is at \[.+\] px \(x, y\), expected within 1 px"):
        track_points(shifted(), SQUARE_MM, points)


# -- in a cine -------------------------------------------------------------------------------

# Rows and columns of 1.8 mm in an oblique plane; slices 10 mm apart, the first at (5, -20, 30).
X = np.array([0.6, 0.8, 0.0])
Y = np.array([0.0, 0.0, -1.0])
Z = np.array([-0.8, 0.6, 0.0])
AFFINE = np.eye(4)
AFFINE[:3] = np.stack([1.8 * X, 1.8 * Y, 10 * Z, [5.0, -20.0, 30.0]], axis=1)


def cine() -> Cine:
    """The second of three slices moves, the others are empty."""
    voxels = np.zeros((FRAMES, 3, *ROWS_COLUMNS))
    voxels[:, 1] = shifted()
    return Cine(voxels, AFFINE)


def in_patient(points_px, slice_index) -> np.ndarray:
    rows = np.column_stack(
        [points_px, np.full(len(points_px), slice_index), np.ones(len(points_px))]
    )
    return rows @ AFFINE[:3].T


def test_points_of_a_slice_are_followed_in_the_patient():
    start = in_patient(POINTS, 1.0)
    found = track_in_slice(cine(), 1, start)
    expected = start + PULSE[:, None, None] * (1.8 * 3.0 * X - 1.8 * 2.0 * Y)
    assert found.shape == (FRAMES, len(POINTS), 3)
    assert off(found, expected) < 0.18
    np.testing.assert_allclose(found[0], start, atol=1e-12)


def test_points_beside_the_middle_of_a_slice_stay_as_far_from_it():
    found = track_in_slice(cine(), 1, in_patient(POINTS, 1.4))
    np.testing.assert_allclose((found - AFFINE[:3, 3]) @ Z, 14.0, atol=1e-9)


def test_points_of_another_slice_are_refused():
    points = np.vstack([in_patient(POINTS, 1.0), in_patient(POINTS[:1], 1.75)])
    with pytest.raises(ValueError, match=r"point 5 is 0\.75 slices from slice 1, expected at most"):
        track_in_slice(cine(), 1, points)


@pytest.mark.parametrize("slice_index", [-1, 3])
def test_a_slice_that_is_not_there_is_refused(slice_index):
    with pytest.raises(ValueError, match=f"slice {slice_index} of a cine with slices 0 to 2"):
        track_in_slice(cine(), slice_index, in_patient(POINTS, slice_index))


def test_points_in_two_dimensions_are_refused_in_a_patient():
    with pytest.raises(ValueError, match=r"points must be \(n, 3\), got shape \(5, 2\)"):
        track_in_slice(cine(), 1, POINTS)


def test_pictures_with_oblique_angles_are_refused():
    skewed = AFFINE.copy()
    skewed[:3, 0] += 0.3 * Y
    with pytest.raises(ValueError, match="rows and columns of the pictures meet at"):
        track_in_slice(Cine(cine().voxels, skewed), 1, in_patient(POINTS, 1.0))
