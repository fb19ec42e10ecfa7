"""Figures of the published study on the competition show what is in their tables."""

import numpy as np
import pytest
from matplotlib.colors import to_hex

from cmrseg.figures import (
    confidence_sets,
    manual_agreement,
    method_errors,
    volumes_by_method,
)
from published_tables import errors, manual_dice, manual_volumes, metadata, points, texts


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
