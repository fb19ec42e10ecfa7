"""Agreement statistics, against published examples and tables."""

import math

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from cmrseg.measure.agreement import (
    bland_altman,
    ef_difference,
    good_ef_bad_volume,
    icc_agreement,
    max_volume_error,
    paired_t_test,
    pearson,
    spearman,
    summary,
)

# Peak expiratory flow (l/min) by two meters: Bland and Altman, Lancet 1986;i:307-310, table 1.
WRIGHT = [494, 395, 516, 434, 476, 557, 413, 442, 650, 433, 417, 656, 267, 478, 178, 423, 427]
MINI = [512, 430, 520, 428, 500, 600, 364, 380, 658, 445, 432, 626, 260, 477, 259, 350, 451]

# Six targets, four judges: Shrout and Fleiss 1979, table 2.
JUDGES = [[9, 2, 5, 8], [6, 1, 3, 2], [8, 4, 6, 8], [7, 1, 2, 6], [10, 5, 6, 9], [6, 2, 4, 7]]


def test_summary_worked_out_by_hand():
    found = summary([1, 2, 3, 4, math.nan, 10])
    assert found == pytest.approx(
        {
            "n": 5,
            "mean": 4,
            "sd": 12.5**0.5,
            "median": 3,
            "q25": 2,
            "q75": 4,
            "iqr": 2,
            "mad": 1.4826,
        }
    )


def test_summary_of_too_few_values_is_nan():
    assert summary([]) == pytest.approx(
        {"n": 0} | dict.fromkeys(list(summary([]))[1:], math.nan), nan_ok=True
    )
    assert math.isnan(summary([3])["sd"])
    assert summary([3])["iqr"] == 0


def test_bland_and_altmans_own_example_is_reproduced():
    found = bland_altman(WRIGHT, MINI, limits="approximate")
    assert found["n"] == 17
    assert found["bias"] == pytest.approx(-2.1, abs=0.05)
    assert found["sd"] == pytest.approx(38.8, abs=0.05)
    assert [found["bias_low"], found["bias_high"]] == pytest.approx([-22.0, 17.8], abs=0.1)
    assert found["lower"] == pytest.approx(found["bias"] - 1.96 * found["sd"], abs=0.01)
    half = 2.1199 * found["sd"] * math.sqrt(1 / 17 + 1.96**2 / 32)
    assert found["upper_high"] == pytest.approx(found["upper"] + half, abs=0.02)
    assert found["lower_low"] == pytest.approx(found["lower"] - half, abs=0.02)


@pytest.mark.parametrize("n", [2, 3, 17, 400])
def test_intervals_are_those_of_scipys_distributions_to_the_last_bit(n):
    first = np.random.default_rng(n).normal(60, 8, n)
    found = bland_altman(first, first[::-1] * 0.9)
    sd, root = found["sd"], math.sqrt(n)
    half = float(stats.t.ppf(0.975, n - 1)) * sd / root
    assert found["bias_high"] == found["bias"] + half
    _, far = stats.nct.ppf((0.025, 0.975), n - 1, 1.959963984540054 * root) * sd / root
    outer = float(far) - 1.959963984540054 * sd
    assert found["lower_low"] == found["lower"] - outer


def test_swapping_the_methods_mirrors_the_limits():
    forth, back = bland_altman(WRIGHT, MINI), bland_altman(MINI, WRIGHT)
    mirror = {
        "bias": "bias",
        "lower": "upper",
        "lower_low": "upper_high",
        "lower_high": "upper_low",
    }
    for one, other in mirror.items():
        assert forth[one] == pytest.approx(-back[other])


def test_exact_limits_cover_the_truth_as_often_as_they_say():
    # With n = 6, bias 0 and sd 1 the bounds are the factors of the sd.
    base = np.array([-1, -1, -1, 1, 1, 1]) * math.sqrt(5 / 6)
    factors = bland_altman(base, np.zeros(6))
    samples = np.random.default_rng(1).normal(size=(40000, 6))
    mean, sd = samples.mean(axis=1), samples.std(axis=1, ddof=1)
    low, high = (mean + factors[name] * sd for name in ("upper_low", "upper_high"))
    assert np.mean((low <= 1.959964) & (high >= 1.959964)) == pytest.approx(0.95, abs=0.004)


def test_exact_and_approximate_limits_agree_in_large_samples():
    x = np.random.default_rng(2).normal(size=5000)
    exact = bland_altman(x, np.zeros(5000))
    rough = bland_altman(x, np.zeros(5000), limits="approximate")
    assert exact == pytest.approx(rough, abs=2e-3)


def test_equal_measurements_agree_perfectly():
    found = bland_altman(WRIGHT, WRIGHT)
    assert {value for name, value in found.items() if name != "n"} == {0}
    line = pearson(WRIGHT, WRIGHT)
    assert (line["r"], line["t"], line["r_low"], line["r_high"]) == (1, math.inf, 1, 1)
    assert icc_agreement(np.array([WRIGHT, WRIGHT]).T)["icc"] == 1


def test_pairs_with_a_nan_are_left_out():
    found = bland_altman([1, 2, math.nan, 4], [1, 1, 1, math.nan])
    assert (found["n"], found["bias"]) == (2, 0.5)
    assert pearson([1, 2, 3, math.nan], [1, 2, 4, 1])["n"] == 3


def test_too_few_pairs_leave_the_rest_undefined():
    assert math.isnan(bland_altman([], [])["bias"])
    one = bland_altman([2], [1])
    assert one["bias"] == 1
    assert math.isnan(one["upper"])
    assert math.isnan(pearson([1], [1])["r"])
    assert math.isnan(pearson([1, 2, 3], [1, 3, 3])["r_low"])
    assert math.isnan(icc_agreement([[1, 2]])["icc"])


def test_constant_values_have_no_correlation():
    assert math.isnan(pearson([1, 1, 1], [1, 2, 3])["r"])
    assert math.isnan(icc_agreement([[1, 1], [1, 1]])["icc"])
    apart = icc_agreement([[1, 2], [1, 2]])
    assert apart["icc"] == 0
    assert math.isnan(apart["icc_low"])


def test_correlation_worked_out_by_hand():
    found = pearson([1, 2, 3, 4], [1, 3, 2, 4])
    assert found["r"] == pytest.approx(0.8)
    assert found["t"] == pytest.approx(0.8 * math.sqrt(2 / 0.36))
    assert found["r_high"] == pytest.approx(math.tanh(math.atanh(0.8) + 1.959964))
    assert pearson([1, 2], [2, 1])["r"] == -1


def test_shrout_and_fleiss_own_example_is_reproduced():
    found = icc_agreement(np.array(JUDGES))
    assert found["icc"] == pytest.approx(0.29, abs=0.005)
    assert found["icc_low"] == pytest.approx(0.019, abs=0.001)
    assert found["icc_high"] == pytest.approx(0.761, abs=0.001)


def test_a_constant_offset_lowers_agreement_but_not_correlation():
    x = np.array(WRIGHT, float)
    assert pearson(x, x + 50)["r"] == pytest.approx(1)
    assert icc_agreement(np.stack([x, x + 50], axis=1))["icc"] < 0.95


def test_ef_errors_worked_out_by_hand():
    difference = ef_difference([100, 100], [40, 40], [100, 0], [50, 0])
    assert difference[0] == pytest.approx(0.1)
    assert math.isnan(difference[1])
    assert ef_difference([100], [40], [0], [0], undefined="one").tolist() == [1]


def test_signed_and_absolute_volume_errors_differ_where_volumes_are_too_small():
    args = ([100, 100], [50, 50], [70, 110], [47.5, 60])
    assert max_volume_error(*args, kind="signed") == pytest.approx([-0.05, 0.2])
    assert max_volume_error(*args) == pytest.approx([0.30, 0.2])
    assert np.isnan(max_volume_error([100], [0], [90], [10])).all()


def test_right_ef_of_wrong_volumes_is_found():
    truth = [100.0] * 4, [40.0] * 4
    found = good_ef_bad_volume(*truth, [130, 110, 130, 0], [52, 44, 90, 0])
    assert found.tolist() == [True, False, False, False]


def test_unknown_choices_are_refused():
    with pytest.raises(ValueError, match="limits must be 'approximate' or 'exact'"):
        bland_altman([1], [1], limits="wide")
    with pytest.raises(ValueError, match="undefined must be 'nan' or 'one'"):
        ef_difference([1], [1], [1], [1], undefined="zero")
    with pytest.raises(ValueError, match="kind must be 'signed' or 'absolute'"):
        max_volume_error([1], [1], [1], [1], kind="both")


def test_measurements_that_are_no_pairs_are_refused():
    with pytest.raises(ValueError, match="measurements must come in pairs"):
        pearson([1, 2], [1, 2, 3])
    with pytest.raises(ValueError, match=r"ratings must be \(subjects, two or more raters\)"):
        icc_agreement([1, 2, 3])


@pytest.fixture(scope="module")
def published(data):
    """True and predicted volumes of 11 methods: true_edv, true_esv, edv, esv by method."""
    folder = data / "published" / "analysis" / "kaggle" / "predictions"
    tables = []
    for phase, name in (("diastole", "edv"), ("systole", "esv")):
        table = pd.read_csv(folder / f"prediction_vs_gt_{phase}.tsv", sep="\t", dtype={"Id": str})
        table = table.rename(columns={"GroundTruth": f"true_{name}", "prediction": name})
        tables.append(table.set_index(["method", "Id"])[[f"true_{name}", name]])
    return pd.concat(tables, axis=1)


def volumes_of(published, method):
    table = published.loc[method]
    return [table[name].to_numpy() for name in ("true_edv", "true_esv", "edv", "esv")]


def percent(values):
    """Statistics as published: fractions rounded to four decimals, shown in percent."""
    found = summary(values)
    return [round(100 * found[name], 2) for name in ("mean", "sd", "median", "iqr", "mad")]


@pytest.mark.parametrize(
    ("method", "expected"),
    [
        ("r34_p05_s256", [3.64, 3.38, 2.87, 3.72, 2.66]),
        ("r34_p05_s128", [3.90, 4.26, 3.05, 3.86, 2.70]),
        ("v16_p05_s256", [4.06, 4.94, 3.02, 3.87, 2.66]),
        ("UKBB", [5.42, 8.83, 3.72, 4.34, 3.13]),
    ],
)
def test_published_ef_errors_are_reproduced(published, method, expected):
    difference = ef_difference(*volumes_of(published, method), undefined="one")
    assert len(difference) == 1149
    assert percent(np.abs(difference)) == expected


@pytest.mark.parametrize(
    ("method", "expected"),
    [
        ("v16_p05_s256", [10.58, 14.44, 6.92, 9.24, 6.16]),
        ("r34_p05_s256_extremeTfms", [10.92, 13.83, 7.45, 9.68, 6.69]),
        ("UKBB", [13.24, 17.02, 8.43, 11.58, 7.70]),
    ],
)
def test_published_volume_errors_are_reproduced(published, method, expected):
    error = max_volume_error(*volumes_of(published, method), kind="signed")
    assert percent(np.abs(error)) == expected


@pytest.mark.parametrize(
    ("method", "share"),
    [("r34_p05_s128", 6.1), ("r34_p05_s256_dice", 9.2), ("r50_p05_s256", 7.0), ("UKBB", 6.3)],
)
def test_published_shares_of_good_ef_with_bad_volumes_are_reproduced(published, method, share):
    found = good_ef_bad_volume(*volumes_of(published, method), kind="signed")
    assert round(100 * float(found.mean()), 1) == share


def test_published_correlation_of_volume_and_ef_errors_is_reproduced(published):
    methods = sorted(set(published.index.get_level_values("method")) - {"r34_p05_s256_fastai2"})
    volume, relative = [], []
    for method in methods:
        volumes = volumes_of(published, method)
        true_edv, true_esv = volumes[:2]
        volume.append(max_volume_error(*volumes, kind="signed"))
        error = ef_difference(*volumes) / ((true_edv - true_esv) / true_edv)
        relative.append(np.where(np.isnan(error), 1.0, error))
    found = pearson(np.concatenate(volume), np.concatenate(relative))
    assert found["n"] == 11490
    assert found["r"] == pytest.approx(0.3899931, abs=5e-8)
    assert found["t"] == pytest.approx(45.395, abs=5e-4)
    assert [found["r_low"], found["r_high"]] == pytest.approx([0.3743777, 0.4053873], abs=5e-8)


def test_rank_correlation_is_that_of_ranks_with_ties():
    x, y = [1.0, 2.0, 2.0, 9.0, np.nan], [1.0, 4.0, 5.0, 6.0, 3.0]
    assert spearman(x, y)["rho"] == pytest.approx(stats.spearmanr(x[:4], y[:4]).statistic)
    assert spearman([1, 2, 3], [10, 100, 1000]) == {"n": 3, "rho": 1.0}
    assert math.isnan(spearman([1, 1], [1, 2])["rho"])
    assert math.isnan(spearman([], [])["rho"])


def test_a_paired_t_test_is_that_of_the_differences():
    x, y = [66.0, 70.0, 58.5, 71.0], [65.0, 70.5, 57.0, 69.0]
    assert paired_t_test(x, y) == {"n": 4, "p": pytest.approx(stats.ttest_rel(x, y).pvalue)}
    assert math.isnan(paired_t_test([1, 2], [1, 2])["p"])
    assert math.isnan(paired_t_test([1], [2])["p"])
    assert paired_t_test([2, 3, 4], [1, 2, 3])["p"] == 0
