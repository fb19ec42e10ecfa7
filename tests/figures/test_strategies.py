"""Strategies by training subset: where means, cases, observers and members of ensembles are."""

import numpy as np
import pandas as pd
import pytest

from cmrseg.figures import strategies
from figure_data import texts, transfer


def test_strategies_show_means_without_undefined_dice():
    table = transfer()
    table.loc[(table["strategy"] == "plain") & (table["subject"] == "v2"), "dice_lv"] = np.nan
    assert "0.89" in texts(strategies.figure(table)).split("\n")


def test_a_strategy_s_mean_is_drawn_where_its_number_and_its_cases_are():
    table = transfer()
    table.loc[table["subset"] == "v1", "dice_lv"] -= 0.2
    axes = strategies.figure(table).axes[0]
    bars = [line.get_xydata() for line in axes.lines if line.get_marker() == "_"]
    means = sorted(map(tuple, np.concatenate(bars).round(6).tolist()))
    assert means == [(-0.2, 0.88), (0.2, 0.88), (0.8, 0.68), (1.2, 0.68)]
    numbers = sorted((round(text.xy[0], 6), text.get_text()) for text in axes.texts[1:])
    assert numbers == [(-0.2, "0.88"), (0.2, "0.88"), (0.8, "0.68"), (1.2, "0.68")]
    drawn = np.concatenate([np.ma.getdata(points.get_offsets()) for points in axes.collections])
    assert sorted(drawn[:, 1].round(6)) == sorted(table["dice_lv"].round(6))
    assert np.abs(drawn[:, 0] - np.round(drawn[:, 0])).max() < 0.4


def test_strategies_of_several_networks_are_at_their_strategy_s_place():
    table = transfer().replace({"strategy": {"plain": "plain unet"}})
    other = table[table["strategy"] == "plain unet"].assign(strategy="plain fcn")
    shown = strategies.figure(pd.concat([table, other])).legends[0]
    found = [text.get_text() for text in shown.get_texts()]
    assert found == ["plain fcn", "plain unet", "double"]


def test_strategies_have_a_line_at_the_mean_between_observers():
    people = pd.DataFrame({"dice_lv": [0.9, 0.94], "dice_my": [0.8, 0.84]})
    figure = strategies.figure(transfer(), observers=people)
    lines = [line for axes in figure.axes for line in axes.lines if line.get_linestyle() == "--"]
    assert [line.get_ydata()[0] for line in lines] == pytest.approx([0.92, 0.82])
    assert "mean between observers" in texts(figure)
    assert "1 volunteer" in texts(figure)
    assert "observers" not in texts(strategies.figure(transfer(), observers=people.iloc[:0]))


def test_members_of_a_strategy_have_a_bar_of_their_means_beside_it():
    table = transfer()
    own = table[(table["strategy"] == "double") & (table["subset"] == "v1")]
    members = pd.concat(own.assign(member=f"s{n}", dice_lv=0.8 + n / 50) for n in range(3))
    figure = strategies.figure(table, members=members)
    (bar,) = figure.axes[0].containers
    (segment,) = bar.lines[2][0].get_segments()
    # The ensemble is at 1.2; means of the members are 0.80, 0.82 and 0.84.
    assert segment[:, 0] == pytest.approx([1.2 + 0.36 * 0.4] * 2)
    assert segment[:, 1] == pytest.approx([0.80, 0.84])
    assert "mean ± SD over members" in texts(figure)
    assert "members" not in texts(strategies.figure(table, members=members.iloc[:0]))
