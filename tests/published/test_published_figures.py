"""Figures of the published study show what is in their tables, and say what is missing."""

import matplotlib
import numpy as np
import pandas as pd
import pytest
from matplotlib.colors import to_hex

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

METHODS = ("r34_p05_s256", "r34_p05_s256_extremeTfms", "UKBB")
# Mean errors of EF in percentage points: of the evaluated ids, and of the study as acquired.
ERRORS = {"r34_p05_s256": (4.0, 20.0), "r34_p05_s256_extremeTfms": (3.0, 5.0), "UKBB": (6.0, 30.0)}


def errors() -> pd.DataFrame:
    """Five studies, of which 5 has a rotated copy, by three methods."""
    rows = []
    for method, (mean, acquired) in ERRORS.items():
        for study in "12345":
            true_edv, true_esv = 100 + 10 * int(study), 40 + 5 * int(study)
            error = mean + int(study) - 3
            ids = [(study, False, error)]
            if study == "5":
                ids = [("5", False, acquired), ("5_rot90", True, error)]
            for name, rotated, value in ids:
                edv, esv = true_edv + 6, true_esv - 3
                rows.append((name, study, rotated, method, edv, esv, true_edv, true_esv, value))
    names = "id study rotated method edv_ml esv_ml true_edv_ml true_esv_ml percent"
    table = pd.DataFrame(rows, columns=pd.Index(names.split()))
    return table.assign(abs_ef_error=table["percent"] / 100)


def metadata() -> pd.DataFrame:
    rng = np.random.default_rng(2)
    table = pd.DataFrame({"bin": ["p05", "p10", "p10", "p15", "rest", "rest", "rest", "rest"]})
    table["true_ef"] = rng.uniform(0.3, 0.7, len(table))
    table["true_edv_ml"] = [100.0, 110, 120, 130, 140, 150, 399, 400]
    table["true_esv_ml"] = [50.0, 51, 52, 53, 54, 55, 56, 57]
    table["age_y"] = rng.uniform(5, 80, len(table))
    table["sex"] = list("FMMFMMMM")
    table["field_strength_t"] = [1.5, 1.5, 3.0, 1.5, 1.5, 1.5, 1.5, 3.0]
    return table


def manual_dice() -> pd.DataFrame:
    table = pd.DataFrame({"id": ["98"] * 5 + ["447"] * 5, "in_subset": [True] * 8 + [False] * 2})
    table["lv"] = [0.5, 0.9, 0.9, 0.9, 1.0, 0.8, 0.8, 0.8, 0.0, 0.0]
    return table.assign(my=table["lv"] / 2)


def manual_volumes() -> pd.DataFrame:
    # true = 10 + manual/2 at end diastole, equal at end systole
    rows = [
        ("98", "dia", 100, 60),
        ("447", "dia", 200, 110),
        ("119", "dia", 150, 85),
        ("98", "sys", 40, 40),
        ("447", "sys", 90, 90),
        ("119", "sys", 60, 60),
    ]
    return pd.DataFrame(rows, columns=["patient", "phase", "manual_ml", "true_ml"])


def images() -> pd.DataFrame:
    """7T Dice: three volunteers of the test set, one of each other set."""
    means = {"TR": 0.9, "doubleTransferLearn": 0.8, "base": 0.6}
    pairs = [("WS", method) for method in means] + [("TR", "doubleTransferLearn")]
    rows = [
        (split, volunteer, slice_, frame, *pair, means[pair[1]] + slice_ / 100 + offset)
        for pair in pairs
        for split, volunteer, offset in (
            ("test", "26", 0.0),
            ("test", "27", 0.01),
            ("test", "28", -0.01),
            ("train", "17", 0.05),
            ("val", "19", -0.05),
        )
        if split == "test" or pair[1] not in ("TR",)
        for slice_ in (-1, 0, 1)
        for frame in range(4)
    ]
    names = "set volunteer slice frame reference method lv"
    table = pd.DataFrame(rows, columns=pd.Index(names.split()))
    return table.assign(slice=table["slice"] + 1, my=table["lv"] - 0.1)


def cavity() -> pd.DataFrame:
    return images().assign(difference_ml=np.where(images()["frame"] == 0, 4.0, -2.0))


def curves() -> pd.DataFrame:
    rows = [
        (strategy, subset, 5.0 * (epoch + 1), 0.7 + 0.02 * epoch + lift, 0.6 + 0.02 * epoch + lift)
        for strategy, lift in zip(published_names.STRATEGIES, (0.0, 0.02, 0.05), strict=True)
        for subset in ("full", "v7", "r7", "v3", "r3", "v1", "r1", "esed", "r_esed")
        for epoch in range(6)
    ]
    return pd.DataFrame(rows, columns=list(published_curves.COLUMNS))


def smoothed() -> pd.DataFrame:
    return curves().rename(columns={"dice_lv": "lv", "dice_my": "my"})


def observers() -> pd.DataFrame:
    pairs = [("TR", "doubleTransferLearn"), ("WS", "TR"), ("WS", "doubleTransferLearn")]
    rows = [
        (volunteer, *pair, 4.04 + number, 6.0, 8.0, value)
        for number, pair in enumerate(pairs)
        for volunteer, value in (("26", 4.0), ("27", 8.0), ("mean", 6.0))
    ]
    return pd.DataFrame(rows, columns=list(observer_table.COLUMNS))


BASE = {"lv": 0.75, "my": 0.65}
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


def texts(figure) -> list[str]:
    found = figure.findobj(matplotlib.text.Text)
    return [text.get_text() for text in found if text.get_text()]


def points(axes, colour: str, marker: str = "o") -> np.ndarray:
    """(n, 2) of all points of a panel that are drawn as lines of a colour and a marker."""
    chosen = [
        line.get_xydata()
        for line in axes.lines
        if line.get_marker() == marker and to_hex(line.get_markerfacecolor()) == colour.lower()
    ]
    return np.concatenate(chosen) if chosen else np.empty((0, 2))


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


# -- Kaggle ------------------------------------------------------------------------------------


def test_methods_stand_by_their_mean_error_of_each_study_once():
    figure = method_errors.figure(errors())
    left, right = figure.axes
    names = [label.get_text() for label in left.get_yticklabels()]
    assert names == ["ResNet-34, extreme", "ResNet-34", "UK Biobank FCN"]
    # the study as acquired would make it 7, 3.4 and 10.8
    means = points(left, "#ffffff", "D")
    assert means[np.argsort(means[:, 1])].tolist() == [
        [pytest.approx(3.0), 0],
        [pytest.approx(4.0), 1],
        [pytest.approx(6.0), 2],
    ]
    assert left.get_title(loc="left") == "All studies (n = 5)"
    assert right.get_title(loc="left") == "Rotated studies (n = 1)"


def test_rotated_studies_are_shown_as_copy_and_as_acquired():
    right = method_errors.figure(errors()).axes[1]
    means = points(right, "#ffffff", "D")
    # each method's copy is above what was acquired
    assert means[np.argsort(means[:, 1]), 0].tolist() == pytest.approx([5, 5, 6, 20, 8, 30])
    shown = [text.get_text() for text in right.texts]
    assert {"5.0", "6.0", "20.0", "8.0", "30.0"} <= set(shown)


def test_errors_too_large_to_show_are_counted():
    table = errors()
    table.loc[(table["method"] == "UKBB") & (table["id"] == "1"), "abs_ef_error"] = 1.0
    columns = [text.get_text() for text in method_errors.figure(table).axes[0].texts]
    assert columns[6:9] == ["25.2", "7.0", "1"]


def test_volumes_show_bias_and_every_study_once():
    figure = volumes_by_method.figure(errors())
    panels = [axes for axes in figure.axes if axes.get_title(loc="left")]
    assert [axes.get_title(loc="left") for axes in panels] == [
        "ResNet-34, extreme",
        "ResNet-34",
        "UK Biobank FCN",
    ]
    assert "EDV +6.0 ml, r = 1.000\nESV −3.0 ml, r = 1.000" in texts(figure)
    assert points(panels[0], "#332288").tolist() == [
        [100 + n, 106 + n] for n in (10, 20, 30, 40, 50)
    ]
    assert "5 studies each" in texts(figure)


def test_bins_show_their_studies_and_shares_are_percent():
    figure = confidence_sets.figure(metadata())
    assert [label.get_text() for label in figure.axes[0].get_xticklabels()] == [
        "≤ 5\nn = 1",
        "5–10\nn = 2",
        "10–15\nn = 1",
        "> 15\nn = 4",
    ]
    sex = figure.axes[4]
    heights = [[bar.get_height() for bar in bars] for bars in sex.containers]
    assert heights == [[0, 100, 0, 100], [100, 0, 100, 0]]
    assert [text.get_text() for text in sex.get_legend().get_texts()] == ["M", "F"]
    field = [text.get_text() for text in figure.axes[5].get_legend().get_texts()]
    assert field == ["1.5 T", "3 T"]


def test_volumes_from_400_ml_are_left_out_and_counted():
    edv, esv = confidence_sets.figure(metadata()).axes[1:3]
    drawn = edv.collections[3]
    assert drawn.get_offsets()[:, 1].tolist() == [140, 150, 399]
    assert to_hex(drawn.get_facecolor()[0]) == confidence_sets.BIN_COLOURS[3].lower()
    assert "not shown: 1 ≥ 400 ml" in texts(edv)
    assert not [text for text in texts(esv) if text.startswith("not shown")]


def test_an_unknown_bin_is_refused_by_name():
    with pytest.raises(ValueError, match="bin p20 is unknown"):
        confidence_sets.figure(metadata().assign(bin="p20"))


def test_manual_labels_show_the_subset_and_the_fit_of_the_truth():
    figure = manual_agreement.figure(manual_dice(), manual_volumes())
    lv, my = figure.subfigs[0].axes
    assert "8 images, median 0.850" in texts(lv)
    assert "8 images, median 0.425" in texts(my)
    assert [label.get_text() for label in lv.get_xticklabels()] == ["98", "447"]
    diastole, systole = figure.subfigs[1].axes
    assert "fit: true =\n10.0 + 0.50 · manual" in texts(diastole)
    fit = next(line for line in diastole.lines if line.get_linestyle() == "--")
    assert fit.get_xydata().tolist() == [pytest.approx([60, 100]), pytest.approx([110, 200])]
    assert "n = 3, r = 1.000" in texts(systole)


# -- 7T ----------------------------------------------------------------------------------------


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
