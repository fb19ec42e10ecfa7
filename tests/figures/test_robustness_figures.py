"""Figures of repairs, repeatability and the spread of ensembles: what they show, by the artists."""

import numpy as np
import pandas as pd
import pytest

from cmrseg.figures import repairs, repeatability, spread


def repairs_table():
    rows = [
        ("missing_slice", 1.0, "slices", 0.05),
        ("missing_slice", 2.0, "slices", 0.10),
        ("other_pixel_spacing", 0.1, "", 0.02),
        ("wide_image", np.nan, "", 0.0),
    ]
    return pd.DataFrame(
        [
            {"labeller": "truth", "fault": f, "severity": s, "unit": u, "repair": repair}
            | {f"{name}_error_abs": e * scale for name in ("edv", "esv", "ef")}
            for f, s, u, e in rows
            for repair, scale in (("off", 1.0), ("on", 0.1))
        ]
    )


def test_repairs_have_a_row_per_fault_and_both_lines_in_percent():
    # Empty cells of a table that was read.
    table = repairs_table().replace({"unit": {"": np.nan}})
    axes = repairs.figure(table).axes
    assert len(axes) == 3 * 3
    off, on = sorted(axes[0].lines, key=lambda line: -line.get_ydata()[0])
    assert off.get_ydata().tolist() == pytest.approx([5, 10])
    assert on.get_ydata().tolist() == pytest.approx([0.5, 1])
    assert off.get_linestyle() == "--"
    assert on.get_linestyle() == "-"
    assert [t.get_text() for t in axes[0].get_xticklabels()] == ["1", "2"]
    # A share is shown in percent; a fault without severity has one place.
    assert [t.get_text() for t in axes[3].get_xticklabels()] == ["10"]
    assert [t.get_text() for t in axes[6].get_xticklabels()] == [""]
    assert axes[3].get_xlabel() == "% larger"


def test_strain_has_panels_where_it_was_measured():
    table = repairs_table().assign(ecc_error_abs=0.03, err_error_abs=np.nan)
    axes = repairs.figure(table).axes
    assert len(axes) == 3 * 5
    assert [a.get_ylabel() for a in axes[3:5]] == ["Ecc (points)", "Err (points)"]
    assert axes[3].lines[0].get_ydata().tolist() == pytest.approx([3, 3])


def pairs():
    values = {"edv_ml": [(100.0, 104.0), (150.0, 144.0), (90.0, 90.0)]}
    values |= {"esv_ml": [(40.0, 42.0), (60.0, 61.0), (30.0, 30.0)]}
    values |= {"ef": [(0.60, 0.59), (0.60, 0.58), (0.66, 0.66)]}
    return pd.DataFrame(
        [
            {"labeller": "net", "measure": m, "changed": changed, "first": "a", "second": "b"}
            | {"first_value": first, "second_value": second}
            for m, found in values.items()
            for (first, second), changed in zip(found, ["noise", "noise", "nothing"], strict=True)
        ]
    )


def test_repeatability_shows_differences_of_pairs_in_which_something_changed():
    axes = repeatability.figure(pairs(), ["net"]).axes
    differences = axes[3].lines[0]
    assert differences.get_ydata().tolist() == pytest.approx([4, -6])
    assert differences.get_xdata().tolist() == pytest.approx([102, 147])
    ef = axes[5].lines[0].get_ydata()
    assert ef.tolist() == pytest.approx([-1, -2])
    assert any("n = 2" in text.get_text() for text in axes[3].texts)


def test_repeatability_without_any_change_is_refused():
    with pytest.raises(ValueError, match="figure repeatability: the table has no rows"):
        repeatability.figure(pairs().assign(changed="nothing"))


def evaluation(dice, edv):
    return pd.DataFrame(
        {
            "subject": ["1", "2", "3"],
            "split": ["train", "test", "test"],
            "dice_lv": dice,
            "predicted_edv_ml": edv,
            "reference_edv_ml": [100.0, 100.0, 100.0],
        }
    )


def test_a_spread_shows_means_over_subjects_that_were_not_learnt_from():
    own = evaluation([0.1, 0.8, 0.9], [0.0, 104.0, 96.0])
    member = evaluation([0.1, 0.7, 0.8], [0.0, 110.0, 98.0])
    table = spread.members_table(["a", "b"], [member, own], "net", own, ["train"])
    value = table.set_index(["measure", "member"])["value"]
    assert value["dice_lv", ""] == pytest.approx(0.85)
    assert value["dice_lv", "a"] == pytest.approx(0.75)
    # Absolute errors: 4 and 4, 10 and 2.
    assert value["edv_error", "b"] == pytest.approx(4)
    assert value["edv_error", "a"] == pytest.approx(6)
    shown = [axes for axes in spread.figure(table).axes if axes.get_visible()]
    assert [axes.get_title(loc="left") for axes in shown] == [
        "Dice, LV cavity",
        "Absolute error of\nEDV (ml)",
    ]
    assert sorted(shown[0].lines[0].get_xdata()) == pytest.approx([0.75, 0.85])


@pytest.mark.parametrize("module", [repairs, repeatability, spread])
def test_a_missing_column_is_named(module):
    with pytest.raises(ValueError, match=r"figure \w+: column .* is missing"):
        module.figure(pd.DataFrame({"subject": ["1"]}))
