"""Registration of two frames: known motions of a texture, and composition of their maps."""

import numpy as np
import pytest

from cmrseg.motion.register import moved, register
from cmrseg.motion.tracking import compensated, composed
from moving_texture import MIDDLE, ROWS_COLUMNS, texture

SHIFT = np.array([1.3, -0.6])
AWAY = slice(12, -12)  # of the border, where half of the window sees nothing


def pixels() -> np.ndarray:
    """Places (y, x, 2) of all pixels as x and y."""
    return np.moveaxis(np.indices(ROWS_COLUMNS)[::-1], 0, -1).astype(float)


def turned(points: np.ndarray, degrees: float) -> np.ndarray:
    c, s = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    return (points - MIDDLE) @ np.array([[c, s], [-s, c]]) + MIDDLE


@pytest.mark.parametrize(
    ("forth", "back", "mean_px", "most_px"),
    [
        (lambda p: p + SHIFT, lambda p: p - SHIFT, 0.03, 0.1),
        (lambda p: turned(p, 3), lambda p: turned(p, -3), 0.12, 0.3),
        (lambda p: MIDDLE + 0.95 * (p - MIDDLE), lambda p: MIDDLE + (p - MIDDLE) / 0.95, 0.08, 0.2),
    ],
    ids=["translation", "rotation", "contraction"],
)
def test_a_known_motion_is_found_to_a_fraction_of_a_pixel(forth, back, mean_px, most_px):
    target, source = texture(pixels()), texture(back(pixels()))
    error = register(target, source) - (forth(pixels()) - pixels())
    distance = np.linalg.norm(error[AWAY, AWAY], axis=-1)
    assert distance.mean() < mean_px
    assert distance.max() < most_px


def test_a_picture_lies_on_itself():
    picture = texture(pixels())
    assert not register(picture, picture).any()


def test_the_same_pictures_give_the_same_bytes():
    target, source = texture(pixels()), texture(pixels() + 0.7)
    assert register(target, source).tobytes() == register(target, source).tobytes()


@pytest.mark.parametrize("other", [np.zeros((40, 41)), np.zeros((2, 40, 40))])
def test_pictures_of_two_shapes_are_refused(other):
    with pytest.raises(ValueError, match=r"\(y, x\) of one shape, got \(40, 40\) and"):
        register(np.zeros((40, 40)), other)


@pytest.mark.parametrize("name", ["target", "source"])
def test_pictures_with_nan_are_refused_by_name(name):
    pictures = {"target": np.zeros((40, 40)), "source": np.zeros((40, 40))}
    pictures[name][3, 4] = np.nan
    with pytest.raises(ValueError, match=f"the {name} has values that are not finite"):
        register(**pictures)


def test_points_move_by_the_displacement_between_pixels():
    displacement = np.zeros((3, 4, 2))
    displacement[1, 2] = 1.0, -2.0  # at x = 2, y = 1
    points = np.array([[2.0, 1.0], [1.5, 1.0], [2.0, 1.75], [0.0, 0.0]])
    expected = [[3.0, -1.0], [2.0, 0.0], [2.25, 1.25], [0.0, 0.0]]
    np.testing.assert_allclose(moved(points, displacement), expected, atol=1e-12)


def test_points_beyond_the_border_move_as_it_does():
    displacement = np.zeros((3, 4, 2))
    displacement[:, 3] = 0.5, 0.25
    np.testing.assert_allclose(moved(np.array([[5.0, -2.0]]), displacement), [[5.5, -1.75]])


def test_maps_follow_one_another():
    right, down = np.zeros((2, 9, 9, 2))
    right[..., 0], down[..., 1] = 1.0, 2.0
    twice_as_far = np.moveaxis(np.indices((9, 9))[::-1], 0, -1).astype(float)
    places = composed(np.array([[1.0, 0.5]]), [right, down, twice_as_far])
    assert places[:, 0].tolist() == [[1.0, 0.5], [2.0, 0.5], [2.0, 2.5], [4.0, 5.0]]


def test_drift_that_is_even_is_taken_away():
    times = np.arange(4.0)[:, None, None]
    place, drift = np.array([[[5.0, 6.0]]]), np.array([[[0.4, -0.2]]])
    backward = place - (4 - times) * drift  # going back from frame 4, which is frame 0
    np.testing.assert_allclose(
        compensated(place + times * drift, backward), np.repeat(place, 4, axis=0), atol=1e-12
    )


def test_tracks_are_weighted_by_the_frames_they_have_passed():
    forward, backward = np.zeros((4, 1, 2)), np.ones((4, 1, 2))
    assert compensated(forward, backward)[:, 0, 0].tolist() == [0.0, 0.25, 0.5, 0.75]
