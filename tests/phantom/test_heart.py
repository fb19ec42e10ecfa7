"""The digital heart: known volumes, a wall that keeps its volume, points that stay in it."""

from dataclasses import replace

import numpy as np
import pytest

from cmrseg.labels import Tissue
from cmrseg.phantom.geometry import contraction
from cmrseg.phantom.heart import Heart, HeartParameters

DISEASED = HeartParameters(
    edv_ml=210,
    esv_ml=115,
    rv_edv_ml=180,
    rv_esv_ml=85,
    wall_mm=12,
    septal_excess=0.3,
    akinesia=0.45,
    akinesia_deg=60,
    ellipticity=0.12,
    elongation=1.9,
    es_phase=0.33,
    centre_mm=(12.0, -50.0, 20.0),
)
HEARTS = [pytest.param(HeartParameters(), id="healthy"), pytest.param(DISEASED, id="diseased")]
PHASES = (0.0, 0.15, 0.37, 0.5, 0.9)
STEP_MM = 1.7


@pytest.fixture(scope="module")
def grid_mm() -> np.ndarray:
    line = np.arange(-115, 115, STEP_MM)
    return np.stack(np.meshgrid(line, line, line, indexing="ij"), axis=-1)


def wall_points(heart: Heart, count: int = 3000) -> np.ndarray:
    """Points of the wall at end-diastole."""
    rng = np.random.default_rng(0)
    points = rng.uniform(-90, 90, (60 * count, 3)) + np.array(heart.parameters.centre_mm)
    return points[heart.tissue(points, 0.0) == Tissue.MYO][:count]


@pytest.mark.parametrize("parameters", HEARTS)
def test_counted_voxels_have_the_volumes_of_the_formulas(parameters, grid_mm):
    heart = Heart(parameters)
    points = grid_mm + np.array(parameters.centre_mm)
    for phase in (0.0, 0.2, parameters.es_phase):
        counts = np.bincount(heart.tissue(points, phase).ravel(), minlength=4)
        for tissue in (Tissue.LV, Tissue.MYO, Tissue.RV):
            counted_ml = counts[tissue] * STEP_MM**3 / 1000
            assert counted_ml == pytest.approx(heart.volume_ml(tissue, phase), rel=0.01)


@pytest.mark.parametrize("parameters", HEARTS)
def test_volumes_of_the_table_are_those_at_end_diastole_and_end_systole(parameters):
    heart = Heart(parameters)
    assert heart.volume_ml(Tissue.LV, 0.0) == parameters.edv_ml
    assert heart.volume_ml(Tissue.LV, parameters.es_phase) == pytest.approx(parameters.esv_ml)
    assert heart.volume_ml(Tissue.RV, 0.0) == parameters.rv_edv_ml
    assert heart.volume_ml(Tissue.RV, parameters.es_phase) == pytest.approx(parameters.rv_esv_ml)


def test_wall_has_the_same_volume_in_every_phase():
    heart = Heart(DISEASED)
    assert len({heart.volume_ml(Tissue.MYO, phase) for phase in PHASES}) == 1


def test_cavity_is_smallest_at_the_end_systolic_phase_and_largest_at_phase_zero():
    heart = Heart(HeartParameters(es_phase=0.4))
    phases = np.arange(100) / 100
    volumes = [heart.volume_ml(Tissue.LV, phase) for phase in phases]
    assert phases[np.argmin(volumes)] == pytest.approx(0.4)
    assert np.argmax(volumes) == 0
    assert np.all(np.diff(volumes[:41]) < 0)
    assert np.all(np.diff(volumes[40:]) > 0)


def test_volume_curve_has_no_jump_between_two_beats():
    assert contraction(1.0, 0.37) == contraction(0.0, 0.37) == 0
    assert contraction(0.9999, 0.37) < 1e-6
    assert contraction(-0.2, 0.37) == contraction(0.8, 0.37)


@pytest.mark.parametrize("parameters", HEARTS)
@pytest.mark.parametrize("phase", [0.2, 0.37, 0.7])
def test_points_of_the_wall_stay_in_the_wall(parameters, phase):
    heart = Heart(parameters)
    moved = heart.tissue(heart.move(wall_points(heart), phase), phase)
    assert np.mean(moved == Tissue.MYO) > 0.999


def test_moving_to_end_diastole_changes_nothing():
    heart = Heart(DISEASED)
    points = wall_points(heart)
    np.testing.assert_allclose(heart.move(points, 0.0), points, atol=1e-9)


def test_motion_keeps_the_volume_of_every_small_piece_of_wall():
    heart = Heart(DISEASED)
    points, step = wall_points(heart, 500), 1e-4
    gradient = np.stack(
        [
            (heart.move(points + step * unit, 0.33) - heart.move(points - step * unit, 0.33))
            / (2 * step)
            for unit in np.eye(3)
        ],
        axis=-1,
    )
    determinant = np.linalg.det(gradient)
    # The median and nearly all: at the cavity's apex two smooth pieces meet.
    assert np.mean(np.abs(determinant - 1) < 1e-4) > 0.99


def test_base_comes_down_in_systole_and_the_apex_stays():
    heart = Heart(HeartParameters(shortening=0.15))
    base, apex = heart.base_apex_mm(0.0)
    base_es, apex_es = heart.base_apex_mm(0.37)
    np.testing.assert_array_equal(apex, apex_es)
    length = np.linalg.norm(base - apex)
    assert np.linalg.norm(base_es - apex) == pytest.approx(0.85 * length)


def test_wall_gets_thicker_in_systole():
    heart = Heart(HeartParameters())
    _, apex = heart.base_apex_mm(0.0)
    across = apex - 0.6 * heart.length_mm * heart.axis
    line = across + np.linspace(0, 60, 1200)[:, None] * -heart.towards_rv
    thickness = [np.sum(heart.tissue(line, phase) == Tissue.MYO) for phase in (0.0, 0.37)]
    assert 1.2 < thickness[1] / thickness[0] < 2


def test_papillary_muscles_are_two_and_count_as_cavity():
    heart = Heart(HeartParameters())
    _, apex = heart.base_apex_mm(0.0)
    middle = apex - 0.42 * heart.length_mm * heart.axis
    y, x = np.mgrid[-40:40:0.5, -40:40:0.5][..., None]
    points = middle + x * heart.towards_rv + y * heart.towards_inferior
    muscle = heart.papillary(points, 0.0)
    assert set(heart.tissue(points, 0.0)[muscle]) == {Tissue.LV}
    # Anterolateral and posteromedial: one on each side of the long axis, away from the septum.
    rows, columns = np.nonzero(muscle)
    assert np.mean(rows < 80) == pytest.approx(0.5, abs=0.25)
    assert columns.mean() < 80


def test_heart_moves_with_its_centre(grid_mm):
    points, offset = grid_mm[::4, ::4, ::4], np.array([10.0, -5.0, 3.0])
    here = Heart(HeartParameters(centre_mm=(0.0, 0.0, 0.0))).tissue(points, 0.3)
    there = Heart(HeartParameters(centre_mm=tuple(offset))).tissue(points + offset, 0.3)
    np.testing.assert_array_equal(here, there)


def test_septum_lies_between_the_ventricles():
    heart = Heart(HeartParameters())
    base, _ = heart.base_apex_mm(0.0)
    line = base + 20 * heart.axis + np.linspace(0, 90, 400)[:, None] * heart.towards_rv
    labels = heart.tissue(line, 0.0)
    order = [int(labels[0]), *labels[1:][np.diff(labels.astype(int)) != 0].tolist()]
    assert order == [Tissue.LV, Tissue.MYO, Tissue.RV, Tissue.BACKGROUND]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"esv_ml": 160.0}, "LV volumes must be 0 < end-systolic < end-diastolic ml, got 160"),
        ({"esv_ml": 0.0}, "LV volumes must be"),
        ({"rv_esv_ml": 200.0}, "RV volumes must be"),
        ({"es_phase": 1.2}, "es_phase must be between 0 and 1, got 1.2"),
        (
            {"akinesia": 0.95, "esv_ml": 40.0},
            "akinesia 0.95 .* leaves a wall that crosses the axis; lower it",
        ),
    ],
)
def test_parameters_that_describe_no_heart_are_refused(change, message):
    with pytest.raises(ValueError, match=message):
        Heart(replace(HeartParameters(), **change))


def test_volume_of_the_background_is_refused():
    with pytest.raises(ValueError, match="volumes are known of LV, MYO and RV"):
        Heart(HeartParameters()).volume_ml(Tissue.BACKGROUND, 0.0)
