"""Points in a table and back, and the ring of landmarks."""

import numpy as np
import pytest

from cmrseg.cine import Cine
from cmrseg.files import read_table, write_table
from cmrseg.points import read_points, save_points
from cmrseg.ring import EPICARDIUM, LANDMARKS, WALLS, by_spoke

AFFINE = np.array([[-1.5, 0, 0, 40], [0, -1.5, 0, 30], [0, 0, 8, -20], [0, 0, 0, 1.0]])


@pytest.fixture
def cine():
    return Cine(np.zeros((2, 3, 20, 24), np.float32), AFFINE)


@pytest.fixture
def points():
    found = np.random.default_rng(0).uniform(0, 19, (2, 3, 5, 2))
    found[1, 2, 3] = np.nan
    return found


def test_points_come_back_from_a_table(tmp_path, cine, points):
    save_points(points, cine, tmp_path / "tag.points.tsv.gz")
    np.testing.assert_allclose(read_points(tmp_path / "tag.points.tsv.gz", cine), points)


def test_points_outside_the_image_are_not_valid(tmp_path, cine, points):
    points[0, 0, 0] = (5, 24.1)
    save_points(points, cine, tmp_path / "points.tsv")
    assert np.isnan(read_points(tmp_path / "points.tsv", cine)[0, 0, 0]).all()


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (lambda t: t.drop(columns="y_px"), "no column y_px"),
        (lambda t: t.assign(frame=t["frame"] + 1), "frame 1 to 2, but the image has 2"),
        (lambda t: t.assign(slice=0), "two rows of {'frame': 0, 'slice': 0, 'point': 0}"),
        (lambda t: t.assign(x_mm=t["x_mm"] + 1), "points lie 1.00 mm from the pixels"),
    ],
)
def test_points_of_another_image_are_refused(tmp_path, cine, points, change, sentence):
    path = tmp_path / "points.tsv"
    save_points(points, cine, path)
    write_table(change(read_table(path)), path)
    with pytest.raises(ValueError, match=sentence) as told:
        read_points(path, cine)
    assert str(path) in str(told.value)


def test_landmarks_are_spoke_after_spoke_from_endocardium_to_epicardium():
    numbers = np.arange(LANDMARKS)
    points = np.stack([numbers, -numbers], axis=-1)
    assert by_spoke(points)[3, EPICARDIUM].tolist() == [3 * WALLS + 6, -(3 * WALLS + 6)]
    with pytest.raises(ValueError, match=r"expected \(..., 168, 2\): 24 spokes of 7 walls"):
        by_spoke(points[:-1])
