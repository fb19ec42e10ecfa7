"""Bull's eyes: which segment lies where, which means they show, and of how many subjects."""

import numpy as np
import pytest
from matplotlib.patches import Wedge

from cmrseg.figures import bulls_eye
from cmrseg.phenotypes.columns import SEGMENTAL
from figure_data import texts
from panel_data import PANELS, thickness

WT = [SEGMENTAL["wt"]]


def eye(figure, number: int = 0) -> dict[int, tuple[Wedge, str, tuple[float, float]]]:
    """Of each segment of an eye its wedge, its value as written, and where its number stands."""
    axes = [a for a in figure.axes if any(isinstance(p, Wedge) for p in a.patches)][number]
    pairs = zip(axes.texts[:32:2], axes.texts[1:32:2], axes.patches, strict=True)
    return {
        int(n.get_text()): (wedge, value.get_text(), n.get_position()) for value, n, wedge in pairs
    }


def test_segments_lie_as_the_american_heart_association_has_them():
    found = eye(bulls_eye.figure(thickness(), WT, ["truth"]))
    starts = {n: round(wedge.theta1) % 360 for n, (wedge, _, _) in found.items()}
    widths = {n: round(wedge.theta2 - wedge.theta1) for n, (wedge, _, _) in found.items()}
    six = [60, 120, 180, 240, 300, 0]
    assert [starts[n] for n in range(1, 17)] == [*six, *six, 45, 135, 225, 315]
    assert [widths[n] for n in range(1, 17)] == [60] * 12 + [90] * 4
    # Basal segments are outside, apical ones in the middle.
    assert [found[n][0].r for n in (1, 7, 13)] == sorted(found[n][0].r for n in (1, 7, 13))[::-1]
    assert found[13][0].width == found[13][0].r


def test_the_anterior_wall_is_above_and_the_septum_on_the_left():
    figure = bulls_eye.figure(thickness(), WT, ["truth"])
    places = {n: place for n, (_, _, place) in eye(figure).items()}
    assert all(places[n][1] > 0.2 for n in (1, 7, 13))
    assert all(places[n][0] < -0.2 for n in (2, 3, 8, 9, 14))
    walls = {t.get_text(): t.get_position() for t in figure.axes[0].texts}
    assert walls["Anterior"][1] > 1
    assert walls["Septal"][0] < -1
    assert walls["Inferior"][1] < -1
    assert walls["Lateral"][0] > 1


def test_marks_show_where_the_right_ventricle_meets_the_left():
    lines = bulls_eye.figure(thickness(), WT, ["truth"]).axes[0].lines
    ends = [np.rad2deg(np.arctan2(line.get_ydata()[1], line.get_xdata()[1])) for line in lines]
    assert ends == [pytest.approx(120), pytest.approx(-120)]


def test_values_are_means_of_subjects_that_both_panels_know():
    figure = bulls_eye.figure(thickness(), WT, PANELS)
    # (n + n + 2) / 2 in subjects a and b; the network does not know c.
    assert eye(figure)[5][1] == "6.0"
    assert eye(figure, 1)[5][1] == "7.0"
    assert eye(figure, 2)[5][1] == "+1.0"
    found = texts(figure)
    assert "Global 9.0 mm, n = 2 of 3" in found
    assert "Global +1.0 mm, n = 2 of 3" in found
    assert "network − truth" in found


def test_one_panel_shows_all_of_its_subjects():
    figure = bulls_eye.figure(thickness(), WT, ["truth"])
    assert eye(figure)[1][1] == f"{(1 + 3 + 51) / 3:.1f}"
    assert "n = 3" in texts(figure)
    assert len([a for a in figure.axes if a.texts]) == 1


def test_a_segment_without_values_is_empty():
    table = thickness().assign(wt_16_mm=np.nan)
    figure = bulls_eye.figure(table, WT, PANELS)
    wedge, value, _ = eye(figure)[16]
    assert value == "–"
    assert wedge.get_facecolor()[:3] == (1, 1, 1)
    assert "n = 0 to 2 of 3" in texts(figure)
    nothing = table.assign(**dict.fromkeys(WT[0].columns.values(), np.nan), wt_global_mm=np.nan)
    assert {value for _, value, _ in eye(bulls_eye.figure(nothing, WT, PANELS), 2).values()} == {
        "–"
    }


def test_a_difference_of_0_is_white_and_opposite_ones_are_as_far_from_it():
    table = thickness()
    network = table["panel"] == "network"
    truth = table[~network].set_index("subject")["wt_1_mm"]
    for n, change in ((1, 0.0), (2, 0.5), (3, -0.5)):
        values = table.loc[~network, f"wt_{n}_mm"].to_numpy() + change
        table.loc[network, f"wt_{n}_mm"] = np.where(truth.index == "c", np.nan, values)
    found = eye(bulls_eye.figure(table, WT, PANELS), 2)
    colours = {n: np.array(found[n][0].get_facecolor()[:3]) for n in (1, 2, 3)}
    assert min(colours[1]) > 0.95
    assert colours[2][0] > colours[2][2]
    assert colours[3][0] < colours[3][2]


def test_strong_circumferential_strain_is_bright_though_it_is_low():
    quantity = SEGMENTAL["ecc"]
    table = thickness().rename(
        columns=lambda c: c.replace("wt_", "ecc_").replace("_mm", "_percent")
    )
    values = [c for c in table if c.startswith("ecc")]
    table[values] = -table[values]
    figure = bulls_eye.figure(table, [quantity], PANELS)
    found = eye(figure)
    assert sum(found[16][0].get_facecolor()) > sum(found[1][0].get_facecolor())
    assert "Difference (points)" in texts(figure)
    assert found[1][1] == "−2.0"


def test_three_panels_have_no_difference():
    table = thickness()
    third = table[table["panel"] == "truth"].assign(panel="third")
    figure = bulls_eye.figure(
        table.__class__(np.concatenate([table, third]), columns=table.columns),
        WT,
        [*PANELS, "third"],
    )
    assert len(eye(figure, 2)) == 16
    assert "−" not in texts(figure)


def test_missing_columns_and_rows_are_refused_by_name():
    with pytest.raises(ValueError, match="figure bulls_eye: column wt_7_mm is missing"):
        bulls_eye.figure(thickness().drop(columns="wt_7_mm"), WT, PANELS)
    with pytest.raises(ValueError, match="figure bulls_eye: the table has no rows"):
        bulls_eye.figure(thickness().iloc[:0], WT, PANELS)
