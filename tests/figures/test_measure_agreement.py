"""Agreement of panels: units and words of columns, biases, who is counted."""

import numpy as np
import pandas as pd
import pytest

from cmrseg.figures.column_names import in_words, of_difference
from cmrseg.figures.measure_agreement import figure
from cmrseg.figures.panel_tables import counted, of_panels
from cmrseg.phenotypes.columns import SEGMENT_COLUMNS
from figure_data import texts
from panel_data import PANELS, phenotypes


@pytest.mark.parametrize(
    ("column", "name", "unit"),
    [
        ("edv_ml", "EDV", "ml"),
        ("edv_ml_per_m2", "EDV", "ml/m²"),
        ("rv_esv_ml", "RV ESV", "ml"),
        ("mass_g", "LV mass", "g"),
        ("es_mass_g_per_m2", "ES LV mass", "g/m²"),
        ("co_l_min", "CO", "l/min"),
        ("heart_rate_bpm", "Heart rate", "beats/min"),
        ("bsa_m2", "BSA", "m²"),
        ("lav_max_ml", "LAV max", "ml"),
        ("lav_pre_a_ml", "LAV before contraction", "ml"),
        ("lav_max_2ch_ml", "LAV max (2-chamber)", "ml"),
        ("la_active_ef", "LA active EF", "%"),
        ("aao_max_mm2", "AAo max area", "mm²"),
        ("dao_distensibility_per_1000_mmhg", "DAo distensibility", "10⁻³ mmHg⁻¹"),
        ("wt_7_mm", "Wall thickness, segment 7", "mm"),
        ("wt_max_global_mm", "Wall thickness max, global", "mm"),
        ("thickening_12_percent", "Thickening, segment 12", "%"),
        ("ecc_global_percent", "Ecc, global", "%"),
    ],
)
def test_columns_are_named_in_words_with_their_unit(column, name, unit):
    assert in_words(column)[:2] == (name, unit)


def test_fractions_become_percent_and_nothing_else_changes():
    assert in_words("la_ef").factor == 100
    assert in_words("ecc_1_percent").factor == 1
    assert (of_difference("%"), of_difference("ml")) == ("points", "ml")


def test_every_column_of_segments_has_a_unit():
    columns = [column for names in SEGMENT_COLUMNS.values() for column in names]
    # Of tagging four more, without a global one among them.
    assert len(columns) == 8 * 17 + 7 + 4 * 17
    assert {in_words(column).unit for column in columns} == {"mm", "%"}


def test_a_column_without_a_unit_is_refused():
    with pytest.raises(ValueError, match="column split: no unit is known; its name should end"):
        in_words("split")


def test_differences_are_those_from_the_first_panel():
    found = texts(figure(phenotypes(), ["lav_max_ml", "la_ef"], PANELS))
    assert "+3.0" in found
    assert "−2.0" in found
    assert {"network − truth", "truth (ml)", "network (ml)"} <= set(found.split("\n"))
    assert {"Difference (ml)", "Difference (points)"} <= set(found.split("\n"))
    assert "n = 12, r = 1.000" in found
    turned = texts(figure(phenotypes(), ["lav_max_ml"], PANELS[::-1]))
    assert "−3.0" in turned
    assert "truth − network" in turned


def test_subjects_without_a_value_of_both_are_counted():
    table = phenotypes()
    table.loc[0, "lav_max_ml"] = np.nan
    alone = table[(table["panel"] == "truth") | (table["subject"] != "07")]
    assert "n = 10 of 12, r" in texts(figure(alone, ["lav_max_ml"], PANELS))


def test_negative_strain_is_within_its_axes():
    axes = figure(phenotypes(), ["ecc_global_percent"], PANELS).axes[0]
    low, high = axes.get_xlim()
    assert low < -20
    assert high < 0


def test_panels_without_any_pair_have_empty_plots():
    table = phenotypes().assign(lav_max_ml=np.nan)
    found = texts(figure(table, ["lav_max_ml"], PANELS))
    assert "n = 0 of 12" in found
    assert "nan" not in found


def test_four_columns_are_two_by_two():
    columns = ["lav_max_ml", "la_ef", "ecc_global_percent", "dao_max_mm2"]
    titles = [a.get_title(loc="left") for a in figure(phenotypes(), columns, PANELS).axes]
    assert [t for t in titles if t and "−" not in t] == [in_words(c).name for c in columns]
    assert len(titles) == 8


def test_each_further_panel_has_its_own_differences():
    table = phenotypes()
    third = table[table["panel"] == "network"].assign(panel="third")
    shown = figure(pd.concat([table, third]), ["lav_max_ml"], [*PANELS, "third"])
    assert len(shown.axes) == 3
    assert {"third − truth", "Others (ml)"} <= set(texts(shown).split("\n"))


def test_volumes_of_mice_are_in_microlitres():
    table = phenotypes()
    table["lav_max_ml"] /= 2000
    found = texts(figure(table, ["lav_max_ml"], PANELS))
    assert "Difference (µl)" in found
    assert "+1.5" in found


def test_what_cannot_be_compared_is_refused_by_name():
    with pytest.raises(ValueError, match="figure measure_agreement: one panel, truth; expected tw"):
        figure(phenotypes(), ["lav_max_ml"], PANELS[:1])
    with pytest.raises(ValueError, match="figure measure_agreement: column rav_max_ml is missing"):
        figure(phenotypes(), ["rav_max_ml"], PANELS)


def test_tables_of_panels_are_joined_of_the_splits_that_are_shown():
    table = pd.DataFrame({"subject": ["a", "b", "b_rot90"], "split": ["train", "test", "test"]})
    joined = of_panels([table, table], PANELS)
    assert joined[["panel", "subject"]].to_numpy().tolist() == [
        [panel, subject] for panel in PANELS for subject in ("a", "b_rot90")
    ]
    assert of_panels([table], PANELS[:1], ["test"])["subject"].tolist() == ["b_rot90"]


def test_how_many_there_are_is_said_where_some_are_missing():
    assert (counted(12, 12), counted(10, 12)) == ("12", "10 of 12")
