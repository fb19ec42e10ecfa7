"""Strain of a digital heart, whose motion is known, from its images."""

import numpy as np
import pytest

from cmrseg.motion.tracking import track_points
from cmrseg.phantom.heart import HeartParameters
from wall_lines import View, four_chamber, short_axis, strains

FRAMES, PIXEL_MM, FIELD_MM = 25, 1.8, 200.0
PARAMETERS = HeartParameters(seed=7, moving_textures=True)


@pytest.fixture(scope="module")
def middle() -> View:
    return short_axis(PARAMETERS, 0.5, FRAMES, PIXEL_MM, FIELD_MM, "1.5T")


def curves(points: np.ndarray, closed: bool) -> tuple[np.ndarray, np.ndarray]:
    along, across = strains(points, closed)
    return along.mean(axis=1), across.mean(axis=1)


def test_strain_in_the_short_axis_is_that_of_the_heart(middle):
    true = curves(middle.true_px, closed=True)
    tracked = track_points(middle.frames, (PIXEL_MM, PIXEL_MM), middle.true_px[0])
    ecc, err = curves(tracked, closed=True)
    assert true[0].min() < -15
    assert true[1].max() > 30
    assert abs(ecc - true[0]).max() < 3
    assert abs(err - true[1]).max() < 10
    assert ecc.argmin() == pytest.approx(PARAMETERS.es_phase * FRAMES, abs=1.5)


def test_strain_in_the_long_axis_is_that_of_the_heart():
    view = four_chamber(PARAMETERS, FRAMES, PIXEL_MM, FIELD_MM, "1.5T")
    ell, _ = curves(track_points(view.frames, (PIXEL_MM, PIXEL_MM), view.true_px[0]), closed=False)
    true, _ = curves(view.true_px, closed=False)
    assert true.min() < -12
    assert abs(ell - true).max() < 3


def test_the_wall_is_followed_to_a_pixel(middle):
    tracked = track_points(middle.frames, (PIXEL_MM, PIXEL_MM), middle.true_px[0])
    assert np.linalg.norm(tracked - middle.true_px, axis=-1).mean() < 1.0
