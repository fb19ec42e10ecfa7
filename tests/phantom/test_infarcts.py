"""Infarcts of the digital heart: in the wall's material, of known size, and moving less."""

from dataclasses import replace

import numpy as np
import pytest

from cmrseg.labels import Tissue
from cmrseg.phantom.geometry import classify
from cmrseg.phantom.heart import Heart, HeartParameters
from cmrseg.phantom.infarct import Infarct
from cmrseg.phantom.infarct_truth import _of_thickness, infarct_truth
from cmrseg.phantom.infarcts import HALF_ANGLE_DEG, KINDS, SIZE_PERCENT, kind_of, with_infarct
from cmrseg.phantom.injury import injured_at, wall_places
from cmrseg.phantom.population import draw_parameters, draw_subjects

# Of the inferior wall, with a dark core.
INFARCT = Infarct(
    territory="RCA",
    angle_deg=80,
    height=0.6,
    half_angle_deg=48,
    half_height=0.4,
    outline=((0.1, 1.0), (0.05, -2.0)),
    transmurality=0.9,
    obstruction=0.6,
    akinesia=0.9,
)
INFARCTED = HeartParameters(edv_ml=170, esv_ml=90, infarct=INFARCT)
ES = INFARCTED.es_phase
STEP_MM = 1.5
ROW = {"subject": "1", "study": "1", "edv_ml": 180.0, "esv_ml": 100.0, "disease": "infarct"}
ROW |= {"sex": "M", "heart_rate_bpm": 65.0, "seed": 11}


@pytest.fixture(scope="module")
def grid_mm() -> np.ndarray:
    line = np.arange(-70, 70, STEP_MM)
    grid = np.stack(np.meshgrid(line, line, line, indexing="ij"), axis=-1)
    return grid + np.array(INFARCTED.centre_mm)


@pytest.fixture(scope="module")
def labels(grid_mm) -> np.ndarray:
    heart = Heart(INFARCTED)
    return injured_at(heart, heart.coordinates(grid_mm), 0.0)


def counted_ml(mask: np.ndarray) -> float:
    return float(mask.sum()) * STEP_MM**3 / 1000


def subjects(count: int) -> list[dict]:
    return draw_subjects(count, 5, diseases=["infarct"] * count).to_dict("records")


def test_counted_voxels_have_the_volumes_of_scar_and_oedema(labels):
    truth = infarct_truth(Heart(INFARCTED))
    assert truth["scar_ml"] > 10
    assert counted_ml(labels == Tissue.SCAR) == pytest.approx(truth["scar_ml"], rel=0.02)
    assert counted_ml(labels == Tissue.EDEMA) == pytest.approx(truth["edema_ml"], rel=0.02)
    wall = np.isin(labels, (Tissue.MYO, Tissue.EDEMA, Tissue.SCAR))
    assert counted_ml(wall) == pytest.approx(truth["wall_ml"], rel=0.01)


def test_grey_zone_and_dark_core_have_the_volumes_that_voxels_have(grid_mm, labels):
    heart = Heart(INFARCTED)
    at, state = heart.coordinates(grid_mm), heart.state(0.0)
    depth, distance = wall_places(heart, at, heart.surfaces(at, state), state)
    scar, truth = labels == Tissue.SCAR, infarct_truth(heart)
    dark = scar & (depth < INFARCT.obstruction_depth(distance))
    grey = scar & (depth > INFARCT.core_depth(distance))
    assert truth["mvo_ml"] > 1
    assert counted_ml(dark) == pytest.approx(truth["mvo_ml"], rel=0.05)
    assert counted_ml(grey) == pytest.approx(truth["grey_zone_ml"], rel=0.05)
    assert not (dark & grey).any()


def test_scar_of_half_the_depth_has_half_the_volume():
    heart = Heart(INFARCTED)
    whole, half = infarct_truth(heart), infarct_truth(heart, replace(INFARCT, transmurality=0.45))
    assert half["scar_ml"] == pytest.approx(whole["scar_ml"] / 2)
    assert half["wall_ml"] == whole["wall_ml"] == heart.volume_ml(Tissue.MYO, 0.0)


def test_segment_in_the_middle_of_a_broad_transmural_infarct_is_all_scar():
    broad = replace(INFARCT, transmurality=2.0, half_angle_deg=180, half_height=2.0, outline=())
    truth = infarct_truth(Heart(INFARCTED), broad)
    assert truth["transmurality_4_percent"] == truth["transmurality_10_percent"] == 100
    assert truth["transmurality_7_percent"] == 0


def test_mass_and_percent_follow_from_the_volume():
    truth = infarct_truth(Heart(INFARCTED))
    assert truth["scar_g"] == pytest.approx(1.05 * truth["scar_ml"])
    assert truth["scar_percent"] == pytest.approx(100 * truth["scar_ml"] / truth["wall_ml"])
    assert truth["scar_edema_ml"] == pytest.approx(truth["scar_ml"] + truth["edema_ml"])


def test_inferior_infarct_is_in_the_inferior_segments():
    truth = infarct_truth(Heart(INFARCTED))
    part = {n: truth[f"transmurality_{n}_percent"] for n in range(1, 17)}
    assert max(part, key=part.get) in (4, 10)
    assert part[10] > 50
    assert part[1] == part[7] == part[6] == part[12] == 0


@pytest.mark.parametrize(("angle_deg", "segment"), [(-90, 7), (-30, 8), (30, 9), (150, 11)])
def test_segments_lie_where_the_association_puts_them(angle_deg, segment):
    narrow = replace(INFARCT, angle_deg=angle_deg, height=0.55, half_angle_deg=8, half_height=0.08)
    truth = infarct_truth(Heart(INFARCTED), narrow)
    hit = [n for n in range(1, 17) if truth[f"transmurality_{n}_percent"] > 0]
    assert hit == [segment]


def test_half_of_the_wall_s_volume_is_more_than_half_of_its_thickness():
    endo, epi = np.array([9.0, 9.0, 9.0]), np.array([25.0, 25.0, 25.0])
    # Half of the volume between radii 3 and 5 ends at the square root of 17.
    found = _of_thickness(np.array([0.0, 0.5, 1.0]), endo, epi)
    np.testing.assert_allclose(found, [0, (17**0.5 - 3) / 2, 1])


def test_parts_of_segments_add_up_to_the_whole_wall_s():
    heart = Heart(INFARCTED)
    truth = infarct_truth(heart)
    parts = [truth[f"scar_{n}_percent"] for n in range(1, 17)]
    assert min(parts) < truth["scar_global_percent"] < max(parts)
    # All but the tip of the apex, which has no scar here.
    assert truth["scar_global_percent"] > truth["scar_percent"]
    assert truth["transmurality_10_percent"] > truth["scar_10_percent"]


def test_heart_without_infarct_has_no_scar():
    truth = infarct_truth(Heart(HeartParameters()))
    parts = [value for key, value in truth.items() if not key.startswith("wall")]
    assert set(parts) == {0.0}


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_deeper_lies_within_what_is_wider(kind):
    for row in subjects(4):
        infarct = with_infarct(row | {"infarct": kind}, draw_parameters(row), False).infarct
        distance = np.linspace(0, 2.5, 400)
        scar, edema = infarct.scar_depth(distance), infarct.edema_depth(distance)
        core, dark = infarct.core_depth(distance), infarct.obstruction_depth(distance)
        assert np.all(core[core > 0] <= scar[core > 0])
        assert np.all(dark[dark > 0] <= core[dark > 0])
        if infarct.edema:
            assert np.all(scar[scar > 0] <= edema[scar > 0])


def test_infarct_moves_with_the_wall(grid_mm, labels):
    heart = Heart(INFARCTED)
    for tissue in (Tissue.SCAR, Tissue.EDEMA, Tissue.MYO):
        moved = heart.move(grid_mm[labels == tissue], ES)
        assert np.mean(injured_at(heart, heart.coordinates(moved), ES) == tissue) > 0.999


def test_cavity_and_wall_keep_their_known_volumes(grid_mm):
    heart = Heart(INFARCTED)
    at, state = heart.coordinates(grid_mm), heart.state(ES)
    found = classify(at, heart.surfaces(at, state), state)
    assert counted_ml(found == Tissue.LV) == pytest.approx(90, rel=0.01)
    assert counted_ml(found == Tissue.MYO) == pytest.approx(heart.volume_ml(2, 0.0), rel=0.01)


def test_motion_keeps_the_volume_of_every_small_piece_of_wall(grid_mm, labels):
    heart, step = Heart(INFARCTED), 1e-4
    points = grid_mm[labels == Tissue.SCAR][::20]
    gradient = np.stack(
        [
            (heart.move(points + step * unit, ES) - heart.move(points - step * unit, ES))
            / (2 * step)
            for unit in np.eye(3)
        ],
        axis=-1,
    )
    assert np.mean(np.abs(np.linalg.det(gradient) - 1) < 1e-4) > 0.99


def thickness_mm(parameters: HeartParameters, angle_deg: float, phase: float) -> float:
    """Of the wall at the height and angle of some material, at a phase."""
    heart = Heart(parameters)
    angle = np.deg2rad(angle_deg)
    out = np.cos(angle) * heart.towards_rv + np.sin(angle) * heart.towards_inferior
    line = (
        heart.apex_mm - 0.6 * heart.length_mm * heart.axis + np.linspace(5, 70, 4000)[:, None] * out
    )
    wall = line[heart.tissue(line, 0.0) == Tissue.MYO]
    ends = heart.move(np.stack([wall[0], wall[-1]]), phase)
    across = ends[1] - ends[0]
    return float(np.linalg.norm(across - (across @ heart.axis) * heart.axis))


def test_wall_of_the_infarct_hardly_thickens_and_the_rest_does():
    def thickening(angle_deg):
        ed, es = (thickness_mm(INFARCTED, angle_deg, phase) for phase in (0.0, ES))
        return es / ed - 1

    assert thickening(80) < 0.25
    assert thickening(-100) > 0.4


def test_infarct_changes_no_thickness_at_end_diastole():
    for angle_deg in (80, -100):
        without = thickness_mm(replace(INFARCTED, infarct=None), angle_deg, 0.0)
        assert thickness_mm(INFARCTED, angle_deg, 0.0) == pytest.approx(without)


def test_sizes_are_those_of_real_infarcts():
    for row in subjects(12):
        parameters = with_infarct(row, draw_parameters(row), True)
        truth, infarct = infarct_truth(Heart(parameters)), parameters.infarct
        size = truth["scar_percent"] if infarct.transmurality else truth["edema_percent"]
        assert size <= 1.02 * SIZE_PERCENT[1]
        assert size >= 0.98 * SIZE_PERCENT[0] or infarct.half_angle_deg > 0.99 * HALF_ANGLE_DEG[1]
        assert truth["scar_edema_percent"] < 50
        assert Heart(parameters).volume_ml(Tissue.LV, parameters.es_phase) == pytest.approx(
            row["esv_ml"]
        )


def test_kind_is_the_cell_else_drawn_for_the_infarcted():
    assert kind_of(ROW | {"infarct": "chronic"}, drawn=False) == "chronic"
    assert kind_of(ROW, drawn=False) == "none"
    assert kind_of(ROW, drawn=True) in KINDS
    assert kind_of(ROW | {"infarct": float("nan")}, drawn=True) == kind_of(ROW, drawn=True)
    assert kind_of(ROW | {"disease": "healthy"}, drawn=True) == "none"
    drawn = {kind_of(ROW | {"seed": seed}, drawn=True) for seed in range(60)}
    assert drawn == set(KINDS)


def test_kinds_have_what_they_are_named_for():
    truths = {}
    for kind in KINDS:
        parameters = with_infarct(ROW | {"infarct": kind}, draw_parameters(ROW), False)
        truths[kind] = infarct_truth(Heart(parameters))
    assert {kind for kind, t in truths.items() if t["scar_ml"] == 0} == {"edema"}
    assert {kind for kind, t in truths.items() if t["edema_ml"] == 0} == {"chronic"}
    assert {kind for kind, t in truths.items() if t["mvo_ml"] > 0} == {"mvo"}


def test_row_without_infarct_has_the_heart_that_it_had():
    parameters = draw_parameters(ROW)
    assert with_infarct(ROW, parameters, drawn=False) is parameters
    assert with_infarct(ROW | {"infarct": "none"}, parameters, drawn=True) is parameters


def test_unknown_kind_is_refused():
    with pytest.raises(ValueError, match="subject 1: infarct is old, expected none, edema"):
        kind_of(ROW | {"infarct": "old"}, drawn=True)


def test_impossible_infarcts_are_refused():
    with pytest.raises(ValueError, match="transmurality of an infarct is 3, expected 0 to 2"):
        replace(INFARCT, transmurality=3)
    still = replace(INFARCT, half_angle_deg=100, half_height=1.5, akinesia=1.0)
    with pytest.raises(ValueError, match=r"leave no cavity beside an infarct with akinesia 1\.0"):
        Heart(replace(INFARCTED, esv_ml=40, infarct=still))
