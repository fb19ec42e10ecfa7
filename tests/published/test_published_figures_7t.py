"""Figures of the published study at 7T show what is in their tables."""

import pandas as pd
import pytest

from cmrseg.figures import (
    data_requirements,
    dice_by_slice,
    dice_distributions,
    image_maps,
    observer_table,
    published_curves,
)
from published_tables import BASE, cavity, curves, images, observers, points, smoothed, texts


def test_distributions_show_test_images_against_the_first_observer_best_first():
    figure = dice_distributions.figure(images())
    above, below = figure.axes[0], figure.axes[2]
    names = [label.get_text() for label in above.get_yticklabels()]
    assert names == ["Second expert", "TL2 (Kaggle start)", "Kaggle model (base)"]
    assert [text.get_text() for text in above.texts][:3] == ["0.900", "0.800", "0.600"]
    assert above.get_title(loc="left") == "LV cavity, 36 test images"
    triangles = points(below, "#ffffff", "^")
    assert triangles.tolist() == [[pytest.approx(0.85), 1], [pytest.approx(0.65), 2]]


def test_slices_show_the_mean_of_their_frames():
    figure = dice_by_slice.figure(images())
    line = figure.axes[1].lines[0]  # volunteer 27, the second expert
    assert line.get_xdata().tolist() == [1, 2, 3]
    assert line.get_ydata().tolist() == pytest.approx([0.90, 0.91, 0.92])
    assert [axes.get_title(loc="left") for axes in figure.axes[:3]] == [
        "Volunteer 26",
        "Volunteer 27",
        "Volunteer 28",
    ]


def test_maps_have_a_pixel_per_image_and_their_mean():
    figure = image_maps.figure(cavity(), "difference_ml")
    shown = figure.axes[0].collections[0].get_array()
    assert shown.shape == (3, 4)
    assert shown[:, 0].tolist() == [4, 4, 4]
    # slice 1 is at the bottom
    assert figure.axes[0].get_ylim() == (0, 3)
    assert [label.get_text() for label in figure.axes[0].get_yticklabels()] == ["1", "2", "3"]
    assert "mean −0.50 ml" in texts(figure)
    dice = image_maps.figure(images(), "lv")
    assert dice.axes[8].collections[0].get_array()[2, 3] == pytest.approx(0.80)
    assert "mean 0.900" in texts(dice)


def test_a_map_without_its_pair_is_refused():
    table = images()
    with pytest.raises(ValueError, match="no test images of TR against WS"):
        image_maps.figure(table[table["method"] != "TR"], "lv")


def test_a_figure_without_test_images_is_refused():
    table = images()
    for draw in (dice_by_slice.figure, dice_distributions.figure):
        with pytest.raises(ValueError, match="the table has no rows"):
            draw(table[table["set"] != "test"])


def test_the_base_line_is_the_mean_over_all_sets():
    assert published_curves.base_dice(images()) == pytest.approx({"lv": 0.6, "my": 0.5})
    with pytest.raises(ValueError, match="no Dice of base against WS"):
        published_curves.base_dice(images().assign(method="TR"))


def test_learning_curves_mark_the_peak_of_the_smoothed_curve_of_the_full_set():
    table, smooth = curves(), smoothed()
    smooth.loc[(smooth["subset"] == "full") & (smooth["images_thousand"] == 20), "lv"] = 0.95
    smooth.loc[smooth["subset"] == "v1", "lv"] = 0.99
    figure = published_curves.figure(table, smooth, BASE)
    assert points(figure.axes[0], "#ffffff", "s").tolist() == [[20, 0.95]]
    assert {"R 0.950", "TL 0.950", "TL2 0.950"} <= set(texts(figure))
    assert {"R 0.700", "TL 0.720", "TL2 0.750"} <= set(texts(figure))
    assert "base, no 7T training (LV 0.750, MY 0.650)" in texts(figure)
    assert figure.axes[0].get_xlabel() == "Images seen (thousands)"


def test_learning_curves_need_the_full_set():
    table = curves()
    with pytest.raises(ValueError, match="figure published_curves: the table has no rows"):
        published_curves.figure(table[table["subset"] != "full"], smoothed(), BASE)


def test_data_requirements_draw_each_subset_raw_and_smoothed_in_its_panel():
    table, smooth = curves(), smoothed()
    for number, subset in enumerate(("v3", "r3")):
        smooth.loc[smooth["subset"] == subset, "my"] = 0.8 + number / 100
        table.loc[table["subset"] == subset, "dice_my"] = 0.6 + number / 100
    figure = data_requirements.figure(table, smooth)
    assert len(figure.axes) == 10
    titles = [axes.get_title(loc="left") for axes in figure.axes[:5]]
    assert titles[2] == "3 volunteers"
    panel = figure.axes[7]
    strong = [line for line in panel.lines if line.get_linewidth() == 1.3]
    pale = [line for line in panel.lines if line.get_linewidth() == 0.5]
    assert [(line.get_linestyle(), line.get_ydata()[0]) for line in strong] == (
        [("--", 0.81)] * 3 + [("-", 0.8)] * 3
    )
    assert [line.get_ydata()[0] for line in pale] == [0.61] * 3 + [0.6] * 3
    # all images need no random ones beside them
    drawn = [line for line in figure.axes[0].lines if len(line.get_xdata())]
    assert len(drawn) == 6


def test_the_observer_table_has_blocks_of_rounded_numbers_people_first():
    shown = texts(observer_table.figure(observers()))
    pairs = [text for text in shown if text.endswith("–")]
    assert pairs == ["First expert –", "First expert –", "Second expert –"]
    assert [shown.count(number) for number in ("4.0", "5.0", "6.0")] == [6, 3, 15]


def test_a_pair_without_its_mean_is_refused():
    table = observers()
    with pytest.raises(ValueError, match="WS and TR have 0 rows"):
        observer_table.figure(table[table["volunteer"] != "mean"])
    with pytest.raises(ValueError, match="have 2 rows of the volunteer mean"):
        observer_table.figure(pd.concat([table, table.iloc[[2]]]))
