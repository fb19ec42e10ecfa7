"""Atria of the digital heart: volumes of the formulas, no point in two, a roof that stays."""

import math
from dataclasses import replace

import numpy as np
import pytest

from cmrseg.labels import Tissue
from cmrseg.phantom.atria import disc_part, place_mm, profile, upper_labels, upper_of
from cmrseg.phantom.curves import Atria, emptying
from cmrseg.phantom.geometry import Coordinates
from cmrseg.phantom.heart import Heart, HeartParameters
from cmrseg.phantom.patients import draw_patient
from cmrseg.phantom.population import DISEASES, draw_subjects

HEALTHY = HeartParameters(atria=Atria())
DILATED = HeartParameters(
    edv_ml=280,
    esv_ml=190,
    rv_edv_ml=210,
    rv_esv_ml=120,
    elongation=1.85,
    shortening=0.08,
    es_phase=0.33,
    atria=Atria(120, 95, 80, 130, 105, 90, length=1.2, flatness=0.8),
)
HEARTS = [pytest.param(HEALTHY, id="healthy"), pytest.param(DILATED, id="dilated")]


def cells(heart: Heart, phase: float, step_mm: float) -> Coordinates:
    """A point in each cube above the base plane, of all that atria can reach.

    Anywhere in it: the middles would all lie on the same side of a flat wall.
    """
    corners = [np.arange(*ends, step_mm) for ends in ((0, 68), (-45, 70), (-45, 100))]
    places = np.stack(np.meshgrid(*corners, indexing="ij"))
    z, y, x = places + np.random.default_rng(0).uniform(0, step_mm, places.shape)
    radius = np.hypot(x, y)
    height = heart.state(phase).height_mm + z
    return Coordinates(height, x, y, radius**2, x / radius, y / radius, np.arctan2(y, x))


@pytest.mark.parametrize("parameters", HEARTS)
@pytest.mark.parametrize("part", [0.0, 1.0])
def test_counted_cells_have_the_volumes_of_the_formulas(parameters, part):
    heart, phase = Heart(parameters), part * parameters.es_phase
    step_mm = 0.75
    labels = upper_labels(heart, cells(heart, phase, step_mm), phase)
    for tissue in (Tissue.LA, Tissue.RA):
        counted_ml = (labels == tissue).sum() * step_mm**3 / 1000
        assert counted_ml == pytest.approx(heart.volume_ml(tissue, phase), rel=1e-3)
    upper = upper_of(heart, phase)
    assert upper.left.volume_ml() == pytest.approx(heart.volume_ml(Tissue.LA, phase))
    assert upper.right.volume_ml() == pytest.approx(heart.volume_ml(Tissue.RA, phase))


@pytest.mark.parametrize("disease", DISEASES)
def test_no_point_is_in_two_chambers(disease):
    for row in draw_subjects(4, 3, diseases=[disease] * 4).to_dict("records"):
        parameters = draw_patient(row)
        heart = Heart(parameters)
        for phase in (0.0, parameters.es_phase, 0.7):
            at, upper = cells(heart, phase, 2.5), upper_of(heart, phase)
            above = upper.above_mm(at)
            left, right = (a.inside(at, above) for a in (upper.left, upper.right))
            assert left.any()
            assert right.any()
            assert not (left & right).any()
            assert not (left & (upper.root_depth_mm(at, above) > 0)).any()


def test_atria_are_largest_at_end_systole_and_smallest_at_end_diastole():
    heart = Heart(HEALTHY)
    volumes = {phase: heart.volume_ml(Tissue.LA, phase) for phase in np.linspace(0, 1, 401)}
    assert volumes[0.0] == volumes[1.0] == 27.0 == min(volumes.values())
    assert heart.volume_ml(Tissue.LA, HEALTHY.es_phase) == 70.0
    assert max(volumes.values()) <= 70.0
    assert heart.volume_ml(Tissue.RA, HEALTHY.es_phase) == 85.0


def test_an_atrium_rests_between_its_passive_and_its_active_emptying():
    # Diastole is from 0.4 to 1: it empties passively in its first 45 %, contracts in the last 28 %.
    for time in (0.45, 0.6, 0.72):
        assert emptying(70, 46, 27, 0.4 + 0.6 * time, 0.4) == pytest.approx(46)
    assert emptying(70, 46, 27, 0.4 + 0.6 * 0.225, 0.4) == pytest.approx((70 + 46) / 2)
    assert emptying(70, 46, 27, 0.4 + 0.6 * 0.86, 0.4) == pytest.approx((46 + 27) / 2)
    assert emptying(70, 46, 27, 0.2, 0.4) == pytest.approx((70 + 27) / 2)


def test_the_base_comes_down_and_the_roof_stays():
    heart = Heart(HEALTHY)
    uppers = [upper_of(heart, phase) for phase in (0.0, 0.2, HEALTHY.es_phase, 0.8)]
    roofs = [upper.base_mm + upper.left.length_mm for upper in uppers]
    np.testing.assert_allclose(roofs, roofs[0])
    assert uppers[2].base_mm < uppers[0].base_mm - 10
    # The valve's ring keeps its width within some mm while the atrium fills.
    rings = [2 * u.left.x_mm * math.sqrt(1 - u.left.along(np.array(0.0)) ** 2) for u in uppers]
    assert np.ptp(rings) < 8


def test_atria_begin_at_the_base_plane_and_the_short_axis_does_not_know_them():
    heart = Heart(HEALTHY)
    upper = upper_of(heart, 0.0)
    inside = place_mm(heart, upper.left.centre_mm, upper.base_mm + 0.01)
    below = place_mm(heart, upper.left.centre_mm, upper.base_mm - 0.01)
    assert upper_labels(heart, heart.coordinates(inside), 0.0) == Tissue.LA
    assert upper_labels(heart, heart.coordinates(below), 0.0) == Tissue.BACKGROUND
    assert heart.tissue(inside, 0.0) == Tissue.BACKGROUND
    assert heart.tissue(below, 0.0) == Tissue.LV


def test_parts_of_a_disc_and_of_an_ellipsoid_have_the_values_of_geometry():
    assert disc_part(()) == pytest.approx(math.pi)
    assert disc_part(((1.0, 0.0, 0.0),)) == pytest.approx(math.pi / 2)
    # Cuts at a right angle through the middle leave a quarter; opposite ones at 0.5 a band.
    assert disc_part(((1.0, 0.0, 0.0), (0.0, -1.0, 0.0))) == pytest.approx(math.pi / 4)
    band = 2 * (math.pi / 6 + math.sqrt(3) / 4)
    assert disc_part(((1.0, 0.0, 0.5), (-1.0, 0.0, 0.5))) == pytest.approx(band)
    # Half an ellipsoid and a whole one fill 2/3 of the cylinder around them.
    assert profile(0.0) == profile(0.5) == pytest.approx(2 / 3)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"lav_min_ml": 50.0}, r"LA volumes must be 0 < min < pre_a < max ml, got 50\.0, 46\.0"),
        ({"rav_max_ml": 60.0}, r"RA volumes must be .* got 38\.0, 60\.0 and 60\.0; correct"),
    ],
)
def test_impossible_volumes_are_refused(changes, message):
    with pytest.raises(ValueError, match=message):
        replace(Atria(), **changes)


def test_a_heart_without_atria_has_no_volumes_of_them():
    heart = Heart(HeartParameters())
    with pytest.raises(ValueError, match="has no atria of known volume; give HeartParameters"):
        upper_of(heart, 0.0)
    with pytest.raises(ValueError, match="volumes are known of LV, MYO and RV, not of"):
        heart.volume_ml(Tissue.LA, 0.0)


def test_an_atrium_shorter_than_the_way_of_the_base_is_refused():
    tiny = Atria(lav_max_ml=1.0, lav_pre_a_ml=0.7, lav_min_ml=0.4)
    with pytest.raises(ValueError, match=r"an atrium of 1\.0 ml would be 12 mm long, less than"):
        upper_of(Heart(replace(HEALTHY, atria=tiny)), 0.0)
