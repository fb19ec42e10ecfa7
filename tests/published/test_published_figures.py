"""Figures of the published study: the same bytes, on a page, and what is missing is said."""

import matplotlib
import numpy as np
import pandas as pd
import pytest

from cmrseg.figures import (
    confidence_sets,
    data_requirements,
    dice_by_slice,
    dice_distributions,
    distributions,
    image_maps,
    manual_agreement,
    method_errors,
    observer_table,
    published_curves,
    published_names,
    style,
    volumes_by_method,
)
from published_tables import (
    BASE,
    cavity,
    curves,
    errors,
    images,
    manual_dice,
    manual_volumes,
    metadata,
    observers,
    points,
    smoothed,
)

EVERY_FIGURE = {
    "confidence_sets": lambda: confidence_sets.figure(metadata()),
    "data_requirements": lambda: data_requirements.figure(curves(), smoothed()),
    "dice_by_slice": lambda: dice_by_slice.figure(images()),
    "dice_distributions": lambda: dice_distributions.figure(images()),
    "dice_maps": lambda: image_maps.figure(images(), "lv"),
    "manual_agreement": lambda: manual_agreement.figure(manual_dice(), manual_volumes()),
    "method_errors": lambda: method_errors.figure(errors()),
    "observer_table": lambda: observer_table.figure(observers()),
    "published_curves": lambda: published_curves.figure(curves(), smoothed(), BASE),
    "volume_maps": lambda: image_maps.figure(cavity(), "difference_ml"),
    "volumes_by_method": lambda: volumes_by_method.figure(errors()),
}


@pytest.mark.parametrize("name", sorted(EVERY_FIGURE))
@pytest.mark.filterwarnings("error")
def test_same_figure_gives_same_bytes(name, tmp_path):
    written = []
    for run in ("one", "two"):
        paths = tmp_path / f"{run}.svg", tmp_path / f"{run}.png"
        style.save(EVERY_FIGURE[name](), *paths)
        written.append([path.read_bytes() for path in paths])
    assert written[0] == written[1]


@pytest.mark.parametrize("name", sorted(EVERY_FIGURE))
def test_a_figure_fits_on_a_page_and_no_text_leaves_it(name):
    figure = EVERY_FIGURE[name]()
    width_mm, height_mm = figure.get_size_inches() * style.MM_PER_INCH
    assert width_mm <= style.TWO_COLUMNS_MM + 0.01
    assert height_mm < 230
    figure.canvas.draw()
    page = figure.bbox
    # ticks beyond the limits are not drawn, but have texts
    skipped = _tick_labels(figure)
    for text in figure.findobj(matplotlib.text.Text):
        box = text.get_window_extent()
        if text.get_text() and text.get_visible() and text not in skipped and box.width > 0:
            inside = box.x0 >= page.x0 - 1 and box.x1 <= page.x1 + 1
            assert inside, text.get_text()
            assert page.y0 - 1 <= box.y0 < box.y1 <= page.y1 + 1, text.get_text()


def _tick_labels(figure) -> set:
    return {
        label
        for axes in figure.findobj(matplotlib.axes.Axes)
        for axis in (axes.xaxis, axes.yaxis)
        for tick in (*axis.get_major_ticks(), *axis.get_minor_ticks())
        for label in (tick.label1, tick.label2)
    }


@pytest.mark.parametrize(
    ("module", "draw", "table", "columns"),
    [
        (confidence_sets, confidence_sets.figure, metadata, confidence_sets.COLUMNS),
        (dice_by_slice, dice_by_slice.figure, images, dice_by_slice.COLUMNS),
        (dice_distributions, dice_distributions.figure, images, dice_distributions.COLUMNS),
        (image_maps, lambda t: image_maps.figure(t, "lv"), images, (*image_maps.COLUMNS, "lv")),
        (method_errors, method_errors.figure, errors, method_errors.COLUMNS),
        (observer_table, observer_table.figure, observers, observer_table.COLUMNS),
        (volumes_by_method, volumes_by_method.figure, errors, volumes_by_method.COLUMNS),
        (
            manual_agreement,
            lambda t: manual_agreement.figure(t, manual_volumes()),
            manual_dice,
            manual_agreement.DICE_COLUMNS,
        ),
        (
            manual_agreement,
            lambda t: manual_agreement.figure(manual_dice(), t),
            manual_volumes,
            manual_agreement.VOLUME_COLUMNS,
        ),
        (
            data_requirements,
            lambda t: data_requirements.figure(t, smoothed()),
            curves,
            data_requirements.COLUMNS,
        ),
        (
            data_requirements,
            lambda t: data_requirements.figure(curves(), t),
            smoothed,
            data_requirements.SMOOTH_COLUMNS,
        ),
        (
            published_curves,
            lambda t: published_curves.figure(t, smoothed(), BASE),
            curves,
            published_curves.COLUMNS,
        ),
        (
            published_curves,
            lambda t: published_curves.figure(curves(), t, BASE),
            smoothed,
            published_curves.SMOOTH_COLUMNS,
        ),
        (published_curves, published_curves.base_dice, images, published_curves.DICE_COLUMNS),
    ],
)
def test_missing_column_and_empty_table_are_refused_by_name(module, draw, table, columns):
    name = module.__name__.rpartition(".")[2]
    for column in columns:
        with pytest.raises(ValueError, match=f"figure {name}: column {column} is missing"):
            draw(table().drop(columns=column))
    with pytest.raises(ValueError, match=f"figure {name}: the table has no rows"):
        draw(table().iloc[:0])


# -- boxes and names ---------------------------------------------------------------------------


def grouped(values: list[float], name: str = "a") -> pd.DataFrame:
    return pd.DataFrame({"group": name, "value": values})


def test_a_box_has_the_median_the_mean_and_the_outliers_of_its_values():
    axes = style.figure_mm(50, 50).add_subplot()
    table = grouped([1, 2, 3, 4, np.nan, 50])
    place = (axes, table, "value", "group", ["b", "a"])
    distributions.boxes(*place, "#332288", showmeans=True, showfliers=True)
    medians = [line.get_xdata() for line in axes.lines if line.get_linewidth() == 1.6]
    assert [value for line in medians for value in line] == [3, 3]
    assert points(axes, "#ffffff", "D").tolist() == [[12, 1]]
    assert points(axes, "#332288").tolist() == [[50, 1]]


def test_a_box_of_no_values_is_not_drawn():
    axes = style.figure_mm(50, 50).add_subplot()
    distributions.boxes(axes, grouped([np.nan]), "value", "group", ["a"], "#332288")
    assert not axes.lines


@pytest.mark.parametrize("horizontal", [True, False])
def test_every_value_is_a_point_within_the_width_of_its_group(horizontal):
    axes = style.figure_mm(50, 50).add_subplot()
    table = pd.concat([grouped([3.0, np.nan, 1.0]), grouped([5.0], "b")])
    place = (axes, table, "value", "group", ["b", "a"])
    distributions.points(*place, 0.4, horizontal, color="#332288")
    one, other = (np.ma.getdata(drawn.get_offsets()) for drawn in axes.collections)
    assert one[:, 1 - horizontal].tolist() == [5]
    assert other[:, 1 - horizontal].tolist() == [1, 3]
    assert (np.abs(other[:, int(horizontal)] - 1) <= 0.2).all()
    assert np.ptp(other[:, int(horizontal)]) > 0


def test_many_points_are_pixels_in_the_svg_with_the_same_bytes_each_time(tmp_path):
    written = []
    for run in ("one", "two"):
        figure = style.figure_mm(50, 50)
        table = grouped(np.arange(101.0))
        place = (figure.add_subplot(), table, "value", "group", ["a"])
        distributions.points(*place, 0.4, color="#332288")
        style.save(figure, tmp_path / f"{run}.svg", tmp_path / f"{run}.png")
        written.append((tmp_path / f"{run}.svg").read_bytes())
    assert written[0] == written[1]
    assert written[0].count(b"<image") == 1


def test_a_method_without_a_name_is_refused():
    with pytest.raises(ValueError, match="method r18 has no name, expected r34_p05_s256"):
        method_errors.figure(errors().assign(method="r18"))
    with pytest.raises(ValueError, match="method r18 has no name, expected TR"):
        dice_distributions.figure(images().assign(method="r18"))


def test_every_segmenter_has_a_look_of_its_own_and_no_tissue_has_it():
    looks = published_names.SEGMENTER_LOOKS
    assert set(looks) == set(published_names.SEGMENTERS)
    assert len({look.colour for look in looks.values()}) == len(looks)
    assert len({look.marker for look in looks.values()}) >= len(looks) - 1
