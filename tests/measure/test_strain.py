"""Strain of lines: closed forms, and the original's tables."""

import numpy as np
import pandas as pd
import pytest

from annular_heart import CENTRE, Reference, annulus
from cmrseg.measure.aha import aha_axes, strain_slices
from cmrseg.measure.long_axis_lines import long_axis_lines
from cmrseg.measure.strain import lines_strain, peak_strain
from cmrseg.measure.strain_lines import Direction, MaterialLines, Surface, short_axis_lines

ROWS = [*(str(number) for number in range(1, 17)), "global"]


def wide(strain: pd.DataFrame, direction: str) -> np.ndarray:
    """(segments, t) per cent, in the order of the table's rows."""
    rows = strain[strain["direction"] == direction]
    return rows["strain_percent"].to_numpy().reshape(-1, rows["frame"].nunique())


@pytest.mark.parametrize("subject", ["1", "2"])
def test_strain_of_moved_points_is_that_of_the_original(data, subject):
    reference = Reference.of(data)
    labels = reference.short_axis(subject)
    axes = aha_axes(labels, "compat")
    short = short_axis_lines(labels, axes, strain_slices(labels))
    strain = lines_strain(reference.arrays[f"sastrain_{subject}_moved"], short)
    long = long_axis_lines(reference.long_axis(subject), labels.affine, axes, "compat")
    strain = pd.concat([strain, lines_strain(reference.arrays[f"lastrain_{subject}_moved"], long)])
    for direction, name in (
        ("radial", f"sastrain_{subject}_radial"),
        ("circumferential", f"sastrain_{subject}_circum"),
        ("longitudinal", f"lastrain_{subject}_longit"),
    ):
        expected = reference.arrays[name]
        found = wide(strain, direction)
        # The original reads its points back from a text of 6 digits.
        np.testing.assert_allclose(found, expected, atol=1e-3, equal_nan=True)
        largest = direction == "radial"
        peaks = peak_strain(strain).query("direction == @direction")["peak_percent"]
        extreme = expected.max(axis=1) if largest else expected.min(axis=1)
        np.testing.assert_allclose(peaks, extreme, atol=1e-3, equal_nan=True)


@pytest.fixture(scope="module")
def ring() -> MaterialLines:
    labels = annulus(12, 18)
    return short_axis_lines(labels, aha_axes(labels), strain_slices(labels))


def test_a_heart_that_shrinks_by_a_tenth_has_strain_of_minus_ten_per_cent(ring):
    factors = np.array([1, 0.9, 0.8, 0.95])
    strain = lines_strain(ring.points_mm * factors[:, None, None], ring)
    for direction in ("radial", "circumferential"):
        expected = np.tile([0, -10, -20, -5], (17, 1))
        np.testing.assert_allclose(wide(strain, direction), expected, atol=1e-9)
    assert strain["segment"].tolist()[::4] == ROWS * 2


def test_a_heart_that_is_turned_and_moved_has_no_strain(ring):
    turn = np.deg2rad(25)
    rotation = np.array(
        [[np.cos(turn), -np.sin(turn), 0], [np.sin(turn), np.cos(turn), 0], [0, 0, 1]]
    )
    moved = np.stack([ring.points_mm, ring.points_mm @ rotation.T + [5, -3, 9]])
    assert lines_strain(moved, ring)["strain_percent"].to_numpy() == pytest.approx(0, abs=1e-9)


def circles(endo_mm: float, epi_mm: float) -> np.ndarray:
    """36 points of the epicardium, then 36 of the endocardium, from 0 degrees on."""
    angles = np.deg2rad(np.arange(0, 360, 10))
    around = np.column_stack([np.cos(angles), np.sin(angles), 0 * angles])
    return np.concatenate([epi_mm * around, endo_mm * around])


@pytest.fixture
def drawn() -> MaterialLines:
    """Two circles of one slice, with lines around, and across at every point."""
    here = np.arange(36)
    following = (here + 1) % 36
    lines = np.concatenate(
        [
            np.column_stack([here, following]),
            np.column_stack([here, following]) + 36,
            np.column_stack([here + 36, here]),
        ]
    )
    segment = np.tile(7 + here // 6, 2)
    return MaterialLines(
        points_mm=circles(25, 35),
        surface=np.repeat([Surface.EPI, Surface.ENDO], 36),
        segment=segment,
        slice_index=np.zeros(72, int),
        lines=lines,
        line_segment=segment[lines[:, 0]],
        line_direction=np.repeat([2, 2, 1], 36),
    )


def test_an_annulus_that_keeps_its_area_has_the_strains_of_the_formula(drawn):
    # 35² - 25² = 600 = 30² - 300: the cavity shrinks to sqrt(300) where the outside does to 30.
    endo_mm = 300**0.5
    strain = lines_strain(np.stack([drawn.points_mm, circles(endo_mm, 30)]), drawn)
    around, across = (wide(strain, name)[:, 1] for name in ("circumferential", "radial"))
    # Chords are shortened like their radii: the mean of endocardium and epicardium.
    expected = 100 * ((endo_mm / 25 - 1) + (30 / 35 - 1)) / 2
    assert expected == pytest.approx(-22.502, abs=1e-3)
    assert around[6:12] == pytest.approx(expected)
    assert around[16] == pytest.approx(expected)
    # The wall is 10 mm thick, then 30 - 17.32.
    assert across[6:12] == pytest.approx(100 * (30 - endo_mm - 10) / 10)
    assert across[16] == pytest.approx(26.795, abs=1e-3)


def test_an_annulus_in_pixels_has_nearly_the_strains_of_the_formula(ring):
    # Every point at radius r goes to sqrt(r² - 60), as in a wall that keeps its area.
    away = ring.points_mm - [CENTRE, CENTRE, 0]
    radius = np.hypot(away[:, 0], away[:, 1])
    moved = ring.points_mm.copy()
    factor = np.sqrt(radius**2 - 60) / radius
    moved[:, :2] = CENTRE + away[:, :2] * factor[:, None]
    strain = lines_strain(np.stack([ring.points_mm, moved]), ring)
    # The borders' pixels lie half a pixel inside cavity and wall.
    endo, epi = 11.5, 17.5
    after = np.sqrt(np.array([endo, epi]) ** 2 - 60)
    points = np.bincount(ring.surface)[1:]
    around = 100 * ((after / [endo, epi] - 1) * points).sum() / points.sum()
    across = 100 * ((after[1] - after[0]) / (epi - endo) - 1)
    assert wide(strain, "circumferential")[16, 1] == pytest.approx(around, abs=0.7)
    assert wide(strain, "radial")[16, 1] == pytest.approx(across, abs=3)


def test_a_segment_s_strain_is_the_mean_over_its_own_lines(drawn):
    moved = drawn.points_mm.copy()
    # Only the part of the outer circle in segment 9 moves out, by 2 mm of 10.
    at = np.flatnonzero((drawn.segment == 9) & (drawn.surface == Surface.EPI))
    moved[at] *= 37 / 35
    strain = lines_strain(np.stack([drawn.points_mm, moved]), drawn)
    across = wide(strain, "radial")[:, 1]
    assert across[8] == pytest.approx(20)
    assert across[[6, 7, 9, 10, 11]] == pytest.approx(0)
    # One sixth of all lines.
    assert across[16] == pytest.approx(20 / 6)


def test_a_segment_without_lines_and_a_lost_point_are_unknown(drawn):
    moved = np.stack([drawn.points_mm, 0.9 * drawn.points_mm])
    moved[1, 36 + 14] = np.nan  # of segment 9
    strain = lines_strain(moved, drawn)
    across = wide(strain, "radial")
    assert np.isnan(across[[0, 5, 12, 15]]).all()
    assert across[[7, 9], 1] == pytest.approx(-10)
    assert np.isnan(across[[8, 16], 1]).all()
    lines = strain[strain["frame"] == 0].set_index(["direction", "segment"])["lines"]
    assert lines["radial", "1"] == 0
    assert lines["radial", "9"] == 6
    assert lines["circumferential", "9"] == 12
    assert lines["circumferential", "global"] == 72


def test_the_peak_is_the_shortest_around_and_the_longest_across(drawn):
    places = [(25, 35), (20, 33), (18, 32), (19, 32.5), (25, 36)]
    peaks = peak_strain(lines_strain(np.stack([circles(*p) for p in places]), drawn))
    peaks = peaks.set_index(["direction", "segment"])
    shortest = 100 * ((18 / 25 - 1) + (32 / 35 - 1)) / 2
    assert peaks.loc[("circumferential", "8")].tolist() == [pytest.approx(shortest), 2]
    assert peaks.loc[("radial", "global")].tolist() == [pytest.approx(40), 2]
    assert peaks.loc[("radial", "1")].isna().all()


def test_a_peak_is_unknown_where_a_frame_is(drawn):
    moved = np.stack([drawn.points_mm, 0.9 * drawn.points_mm, 0.95 * drawn.points_mm])
    moved[2, 36] = np.nan
    peaks = peak_strain(lines_strain(moved, drawn)).set_index(["direction", "segment"])
    assert np.isnan(peaks.loc[("circumferential", "7"), "peak_percent"])
    assert peaks.loc[("circumferential", "9"), "peak_percent"] == pytest.approx(-10)


def test_long_axis_lines_have_six_segments_and_their_peak_is_the_shortest(drawn):
    longitudinal = MaterialLines(
        **{
            **vars(drawn),
            "line_direction": np.full(len(drawn.lines), Direction.LONGITUDINAL),
            "line_segment": np.ones(len(drawn.lines), int),
        }
    )
    strain = lines_strain(np.stack([drawn.points_mm * f for f in (1, 0.8, 1.1)]), longitudinal)
    assert strain["segment"].unique().tolist() == ["1", "2", "3", "4", "5", "6", "global"]
    peaks = peak_strain(strain).set_index("segment")
    assert peaks.loc["1", ["peak_percent", "frame"]].tolist() == [pytest.approx(-20), 1]
    assert np.isnan(peaks.loc["2", "peak_percent"])


def test_places_that_are_not_those_of_the_lines_are_refused(drawn):
    with pytest.raises(ValueError, match=r"places have shape \(72, 3\), expected \(t, 72, 3\)"):
        lines_strain(drawn.points_mm, drawn)
    moved = np.stack([drawn.points_mm, drawn.points_mm])
    moved[0, 1] = moved[0, 0]
    with pytest.raises(ValueError, match="the line from point 0 to point 1 has no length"):
        lines_strain(moved, drawn)
