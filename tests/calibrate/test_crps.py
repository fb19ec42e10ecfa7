"""The competition's score and table: values worked out by hand."""

import numpy as np
import pandas as pd
import pytest

from cmrseg.calibrate.crps import COLUMNS, VOLUMES_ML, competition_score, competition_table, crps


def step(volume_ml: float) -> np.ndarray:
    """A distribution that is sure of one volume."""
    return (volume_ml <= VOLUMES_ML).astype(float)


def test_a_certain_and_right_volume_scores_0():
    assert crps(
        np.stack([step(0), step(150.4), step(599)]), np.array([0, 150.4, 599])
    ).tolist() == [
        0,
        0,
        0,
    ]


def test_a_certain_volume_costs_one_600th_for_each_ml_that_it_is_wrong():
    # 100 to 109 and 110 to 119: ten of 600 volumes are wrong, on either side.
    assert crps(np.stack([step(100), step(120)]), np.array([110.0, 110.0])) == pytest.approx(
        10 / 600
    )


def test_knowing_nothing_costs_a_quarter_where_every_probability_is_one_half():
    assert crps(np.full((1, 600), 0.5), np.array([321.0])) == pytest.approx(0.25)


def test_a_known_volume_between_two_whole_ones_counts_from_the_next():
    # 150.4 is not reached at 150 and is at 151.
    assert crps(step(151)[None], np.array([150.4])) == pytest.approx(0)
    assert crps(step(150)[None], np.array([150.4])) == pytest.approx(1 / 600)


def test_a_ramp_scores_the_mean_of_its_squared_distances():
    # 0.25, 0.5, 0.75 at 9, 10, 11 ml, known 10: 1/16 + 1/4 + 1/16.
    ramp = np.clip((VOLUMES_ML - 8) / 4, 0, 1)
    assert crps(ramp[None], np.array([10.0])) == pytest.approx(0.375 / 600)


@pytest.mark.parametrize("odd", [np.linspace(1, 0, 600), np.linspace(0, 1.1, 600), [np.nan] * 600])
def test_what_is_no_distribution_is_refused_by_its_row(odd):
    with pytest.raises(ValueError, match="row 1 is no cumulative distribution"):
        crps(np.stack([step(3), np.asarray(odd)]), np.array([1.0, 1.0]))


def test_another_number_of_volumes_is_refused():
    with pytest.raises(ValueError, match=r"must be \(n, 600\), got shape \(1, 599\)"):
        crps(np.zeros((1, 599)), np.array([1.0]))


def test_a_distribution_without_a_known_volume_is_refused():
    with pytest.raises(ValueError, match="each of 2 distributions needs a known volume, got 1"):
        crps(np.stack([step(3), step(4)]), np.array([1.0, np.nan]))


@pytest.fixture
def table() -> pd.DataFrame:
    edv, esv = np.stack([step(100), step(200)]), np.stack([step(50), step(90)])
    return competition_table(["7", "8"], {"edv_ml": edv, "esv_ml": esv})


def test_the_competition_s_table_has_two_rows_per_case(table):
    assert table["Id"].tolist() == ["7_Diastole", "7_Systole", "8_Diastole", "8_Systole"]
    assert table.columns.tolist() == ["Id", *COLUMNS]
    assert (COLUMNS[0], COLUMNS[-1], len(COLUMNS)) == ("P0", "P599", 600)
    assert table.loc[1, ["P49", "P50"]].tolist() == [0, 1]


def test_the_competition_s_score_is_the_mean_over_rows(table):
    known = pd.DataFrame({"study": ["8", "7"], "edv_ml": [200, 100.0], "esv_ml": [90, 74.0]})
    # 24 of 600 in one row of four.
    assert competition_score(table, known) == pytest.approx(0.01)


def test_a_case_without_known_volumes_is_named(table):
    known = pd.DataFrame({"study": ["7"], "edv_ml": [100.0], "esv_ml": [50.0]})
    with pytest.raises(ValueError, match="8_Diastole, 8_Systole: every case needs one row"):
        competition_score(table, known)
