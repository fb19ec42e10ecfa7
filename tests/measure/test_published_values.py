"""Published numbers beside ours: every one of the table is measured, and is what it says."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from cmrseg.measure.published_values import (
    COLUMNS,
    MEASURES,
    PUBLISHED_COLUMNS,
    compare_values,
    read_published_values,
)
from tiny_study import ROOT

TABLE = ROOT / "resources/published_mouse.tsv"


@pytest.fixture(scope="module")
def subjects() -> pd.DataFrame:
    rng = np.random.default_rng(1)
    n = 25
    names = ["edv_ml", "esv_ml", "sv_ml", "ef", "mass_g", "es_mass_g"]
    reference = {name: rng.normal(0.07, 0.01, n) for name in names}
    table = {f"reference_{name}": values for name, values in reference.items()}
    table |= {f"predicted_{k}": v + rng.normal(0.001, 0.003, n) for k, v in reference.items()}
    for tissue in ("lv", "my", "heart"):
        for phase in ("ed", "es"):
            table[f"dice_{tissue}_{phase}"] = rng.uniform(0.85, 0.97, n)
    return pd.DataFrame({"subject": [str(i) for i in range(n)], **table})


@pytest.fixture(scope="module")
def compared(subjects) -> pd.DataFrame:
    return compare_values(read_published_values(TABLE), subjects)


def ours(table: pd.DataFrame, quantity: str, phase: str, statistic: str) -> float:
    row = table[
        (table["quantity"] == quantity)
        & (table["phase"] == phase)
        & (table["statistic"] == statistic)
    ]
    return float(row["ours"].item())


def test_every_number_of_the_table_has_ours_beside_it(compared):
    assert tuple(compared.columns) == COLUMNS
    assert compared["id"].is_unique
    assert (compared["ours"] != "").all()
    assert compared["n"].isin([25, 50]).all()


def test_published_numbers_are_as_printed():
    table = read_published_values(TABLE)
    assert len(table) == 84
    rows = table.set_index(["quantity", "phase", "statistic"])["published"]
    assert rows["edv", "ed", "reference_mean"] == "65.6"
    assert rows["mass", "es", "reference_sd"] == "15.6"
    assert rows["dice_heart", "both", "worst"] == "0.87"
    sv = float(rows["edv", "ed", "reference_mean"]) - float(rows["esv", "es", "reference_mean"])
    assert sv == pytest.approx(float(rows["sv", "", "reference_mean"]))


def test_numbers_are_those_of_the_subjects(compared, subjects):
    difference_ul = 1000 * (subjects["predicted_edv_ml"] - subjects["reference_edv_ml"])
    bias, sd = difference_ul.mean(), difference_ul.std(ddof=1)
    assert ours(compared, "edv", "ed", "bias") == pytest.approx(bias, rel=1e-3)
    assert ours(compared, "edv", "ed", "upper") == pytest.approx(bias + 1.96 * sd, rel=1e-3)
    mass_mg = 1000 * subjects["reference_es_mass_g"]
    assert ours(compared, "mass", "es", "reference_sd") == pytest.approx(mass_mg.std(), rel=1e-3)
    ef = 100 * subjects["predicted_ef"].mean()
    assert ours(compared, "ef", "", "predicted_mean") == pytest.approx(ef, rel=1e-3)
    pair = subjects["predicted_esv_ml"], subjects["reference_esv_ml"]
    assert ours(compared, "esv", "es", "r") == pytest.approx(np.corrcoef(*pair)[0, 1], rel=1e-3)
    p = stats.ttest_rel(*pair).pvalue
    assert ours(compared, "esv", "es", "p") == pytest.approx(p, rel=1e-3)
    rho = stats.spearmanr(subjects["dice_lv_ed"], difference_ul.abs()).statistic
    assert ours(compared, "edv", "ed", "rho_dice") == pytest.approx(rho, rel=1e-3)


def test_dice_of_both_phases_is_of_all_stacks(compared, subjects):
    both = pd.concat([subjects["dice_lv_ed"], subjects["dice_lv_es"]])
    assert ours(compared, "dice_lv", "both", "sd") == pytest.approx(both.std(), rel=1e-3)
    heart = pd.concat([subjects["dice_heart_ed"], subjects["dice_heart_es"]])
    assert ours(compared, "dice_heart", "both", "worst") == pytest.approx(heart.min(), rel=1e-3)
    p = stats.ttest_rel(subjects["dice_my_ed"], subjects["dice_my_es"]).pvalue
    assert ours(compared, "dice_my", "ed - es", "p") == pytest.approx(p, rel=1e-3)
    my = pd.concat([subjects["dice_my_ed"], subjects["dice_my_es"]])
    p = stats.ttest_rel(both, my).pvalue
    assert ours(compared, "dice_lv - dice_my", "both", "p") == pytest.approx(p, rel=1e-3)


def test_effects_are_those_of_an_analysis_of_variance(compared, subjects):
    """From sums of squares: (subject, tissue, phase), every effect tested by its own residual."""
    names = [[f"dice_{tissue}_{phase}" for phase in ("ed", "es")] for tissue in ("lv", "my")]
    dice = np.stack([subjects[pair].to_numpy() for pair in names], axis=1)
    n, mean = len(dice), dice.mean()
    by_tissue, by_phase = dice.mean(axis=2), dice.mean(axis=1)
    by_subject = dice.mean(axis=(1, 2))
    tissue = by_tissue.mean(axis=0) - mean
    tissue_error = by_tissue - by_subject[:, None] - tissue
    f = 2 * n * (tissue**2).sum() / (2 * (tissue_error**2).sum() / (n - 1))
    expected = stats.f.sf(f, 1, n - 1)
    found = ours(compared, "dice_lv - dice_my", "both", "p_anova")
    assert found == pytest.approx(expected, rel=1e-3)
    both = dice.mean(axis=0) - mean - tissue[:, None] - (by_phase.mean(axis=0) - mean)
    residual = dice - by_tissue[:, :, None] - by_phase[:, None] + by_subject[:, None, None] - both
    f = n * (both**2).sum() / ((residual**2).sum() / (n - 1))
    found = ours(compared, "dice_lv - dice_my", "ed - es", "p_anova")
    assert found == pytest.approx(stats.f.sf(f, 1, n - 1), rel=1e-3)


def test_ours_is_empty_where_nobody_is_measured(subjects):
    none = compare_values(read_published_values(TABLE), subjects[:0])
    assert (none["ours"] == "").all()
    assert (none["n"] == 0).all()


def test_a_number_that_nobody_measures_is_named(subjects):
    row = dict.fromkeys(PUBLISHED_COLUMNS, "") | {"id": "X1", "quantity": "edv", "phase": "es"}
    with pytest.raises(
        ValueError, match=r"published number X1: edv, phase 'es', .* is nothing that"
    ):
        compare_values(pd.DataFrame([row]), subjects)


def test_a_table_with_other_columns_is_named(tmp_path):
    (tmp_path / "a.tsv").write_text("id\tvalue\n1\t2\n")
    with pytest.raises(ValueError, match=r"a\.tsv: columns must be id, quantity, phase"):
        read_published_values(tmp_path / "a.tsv")


@pytest.mark.parametrize(
    ("quantity", "phase", "statistic", "unit"),
    [
        ("dice_lv", "ed - es", "mean", ""),
        ("dice_lv - dice_my - dice_lv", "ed", "p", ""),
        ("dice_lv - dice_my", "ed", "p_anova", ""),
        ("dice_lv", "ed - es", "p_anova", ""),
        ("edv", "ed", "bias", "mg"),
        ("mass", "ed", "bias", "ml"),
        ("dice_lv", "ed", "mean", "ml"),
        ("ef", "", "bias", "g"),
    ],
)
def test_a_row_that_means_nothing_is_named(subjects, quantity, phase, statistic, unit):
    row = dict.fromkeys(PUBLISHED_COLUMNS, "")
    row |= {"id": "X1", "quantity": quantity, "phase": phase, "statistic": statistic, "unit": unit}
    with pytest.raises(ValueError, match=r"published number X1: .* is nothing that is measured"):
        compare_values(pd.DataFrame([row]), subjects)


def test_dice_may_be_in_percent(subjects):
    row = dict.fromkeys(PUBLISHED_COLUMNS, "")
    row |= {"id": "X1", "quantity": "dice_lv", "phase": "ed", "statistic": "mean"}
    fraction, percent = (
        float(compare_values(pd.DataFrame([row | {"unit": unit}]), subjects)["ours"].item())
        for unit in ("", "%")
    )
    assert percent == pytest.approx(100 * fraction, rel=1e-3)


@pytest.mark.parametrize("measure", [*MEASURES])
def test_published_means_and_limits_fit_their_bias(measure):
    table = read_published_values(TABLE)
    own = table[(table["quantity"] == measure[0]) & (table["phase"] == measure[1])]
    values = {row.statistic: float(row.published) for row in own.itertuples()}
    # Rounding of three and of two numbers to a tenth.
    difference = values["predicted_mean"] - values["reference_mean"]
    assert difference == pytest.approx(values["bias"], abs=0.15)
    assert (values["lower"] + values["upper"]) / 2 == pytest.approx(values["bias"], abs=0.11)


@pytest.mark.parametrize("tissue", ["dice_lv", "dice_my"])
def test_published_dice_of_both_phases_is_the_mean_of_each(tissue):
    table = read_published_values(TABLE).set_index(["quantity", "phase", "statistic"])["published"]
    ed, es, both = (float(table[tissue, phase, "mean"]) for phase in ("ed", "es", "both"))
    assert both == pytest.approx((ed + es) / 2, abs=0.0101)
