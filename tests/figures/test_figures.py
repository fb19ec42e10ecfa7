"""Figures are functions of tables: they say what they show, and never the same thing twice."""

import re
from dataclasses import replace

import matplotlib
import numpy as np
import pandas as pd
import pytest
from matplotlib.colors import to_hex

from cmrseg.dicom import audit as audit_kinds
from cmrseg.figures import (
    cleaning,
    confidence,
    ef_error,
    learning_curves,
    observers,
    overlays,
    picture,
    strategies,
    style,
    volume_agreement,
)
from cmrseg.labels import COLOURS, UNLABELLED, Tissue
from figure_data import (
    case,
    every_figure,
    history,
    observer_tables,
    scores,
    stacks,
    texts,
    transfer,
    volumes,
)


@pytest.mark.parametrize("name", sorted(every_figure()))
@pytest.mark.filterwarnings("error")
def test_same_figure_gives_same_bytes(name, tmp_path):
    written = []
    for run in ("one", "two"):
        paths = tmp_path / f"{run}.svg", tmp_path / f"{run}.png"
        style.save(every_figure()[name](), *paths)
        written.append([path.read_bytes() for path in paths])
    assert written[0] == written[1]
    assert b"<dc:date>" not in written[0][0]
    assert b"Software" not in written[0][1]


def test_clip_paths_are_named_by_their_order():
    one = '<g clip-path="url(#pb7)"/><g clip-path="url(#pa1)"/><clipPath id="pa1"/>"pa1"'
    two = one.replace("pb7", "pc9").replace("pa1", "pb7")
    expected = '<g clip-path="url(#clip1)"/><g clip-path="url(#clip2)"/><clipPath id="clip2"/>'
    assert style.steady_names(one) == expected + '"pa1"'
    assert style.steady_names(two) == expected + '"pb7"'


def test_every_clip_path_that_is_used_is_there_under_its_name(tmp_path):
    style.save(ef_error.figure(volumes()), tmp_path / "a.svg", tmp_path / "a.png")
    svg = (tmp_path / "a.svg").read_text("utf-8")
    there = re.findall(r'<clipPath id="(.+?)"', svg)
    assert there == list(dict.fromkeys(there))
    assert set(re.findall(r"url\(#(.+?)\)", svg)) == set(there)
    assert "clip1" in there


def test_figures_do_not_depend_on_or_change_the_settings_of_matplotlib(tmp_path):
    style.save(ef_error.figure(volumes()), tmp_path / "a.svg", tmp_path / "a.png")
    with matplotlib.rc_context({"font.size": 30, "axes.grid": True, "savefig.dpi": 20}):
        before = dict(matplotlib.rcParams)
        style.save(ef_error.figure(volumes()), tmp_path / "b.svg", tmp_path / "b.png")
        assert dict(matplotlib.rcParams) == before
    assert (tmp_path / "a.svg").read_bytes() == (tmp_path / "b.svg").read_bytes()


@pytest.mark.parametrize(
    ("module", "table"),
    [
        (confidence, scores()),
        (ef_error, volumes()),
        (learning_curves, history()),
        (strategies, transfer()),
        (volume_agreement, volumes()),
    ],
    ids=lambda value: getattr(value, "__name__", "").rpartition(".")[2] or None,
)
def test_missing_column_and_empty_table_are_refused_by_name(module, table):
    name = module.__name__.rpartition(".")[2]
    column = module.COLUMNS[-1]
    with pytest.raises(ValueError, match=f"figure {name}: column {column} is missing"):
        module.figure(table.drop(columns=column))
    with pytest.raises(ValueError, match=f"figure {name}: the table has no rows"):
        module.figure(table.iloc[:0])


def test_name_has_the_same_look_whichever_others_are_shown():
    order = ["ukbb", "plain_all", "double_all", "truth"]
    everyone = style.looks(order, order)
    assert style.looks(["double_all"], order)["double_all"] == everyone["double_all"]
    assert len({look.colour for look in everyone.values()}) == 4
    assert style.looks(["truth"])["truth"] == style.KNOWN_LOOKS["truth"]
    assert list(style.looks(["double_all", "ukbb"], order)) == ["ukbb", "double_all"]


def test_no_name_takes_the_fixed_colour_of_another():
    looks = style.looks(["teacher", "plain", "c15", "soft", "imagenet"])
    assert looks["plain"] == style.KNOWN_LOOKS["plain"]
    assert len({look.colour for look in looks.values()}) == 5


def test_no_look_has_the_colour_of_a_tissue():
    looks = style.looks([f"model{i}" for i in range(10)]) | style.KNOWN_LOOKS
    assert not {look.colour for look in looks.values()} & set(COLOURS.values())


def test_jitter_keeps_points_apart_within_its_width():
    offsets = style.jitter(20, 0.4)
    assert np.abs(offsets).max() <= 0.2
    assert np.diff(np.sort(offsets)).min() > 0.4 / 60
    assert offsets.tolist() == style.jitter(20, 0.4).tolist()


def test_errors_of_ef_are_medians_in_percentage_points_and_subjects_without_ef_are_counted():
    table = pd.DataFrame({"labeller": "net", "subject": list("abcd"), "good_ef_bad_volume": False})
    table["abs_ef_error"] = [0.01, 0.03, 0.05, np.nan]
    assert "3.0   (n = 3, 1 without EF)" in texts(ef_error.figure(table))


def test_a_good_ef_of_bad_volumes_is_drawn_hollow():
    table = pd.DataFrame({"labeller": "net", "subject": list("abc"), "abs_ef_error": 0.02})
    table["good_ef_bad_volume"] = [False, True, True]
    points = ef_error.figure(table).axes[0].collections
    found = {to_hex(drawn.get_facecolor()[0]): len(drawn.get_offsets()) for drawn in points}
    assert found.pop("#ffffff") == 2
    assert list(found.values()) == [1]


def test_confidence_of_unlabelled_data_has_no_dice_panel():
    assert len(confidence.figure(scores()).axes) == 3
    figure = confidence.figure(scores(dice=False))
    assert len(figure.axes) == 2
    assert "2 (33 %)" in texts(figure)


def test_the_dice_to_expect_never_rises_with_the_score_and_is_the_mean_where_it_would():
    percent = pd.Series([4.0, 1, 8, 4, np.nan, 20, 30])
    dice = pd.Series([0.8, 0.9, 0.7, 0.6, 0.1, 0.8, np.nan])
    # at 4 the mean is 0.7; 0.7 at 8 and 0.8 at 20 become their mean with it
    scores, expected = confidence.expected_dice(percent, dice)
    assert scores.tolist() == [1, 4, 20]
    assert expected == pytest.approx([0.9, 0.725, 0.725])
    assert [part.tolist() for part in confidence.expected_dice(percent, dice * np.nan)] == [[], []]


def test_confidence_draws_the_dice_to_expect_over_the_score():
    panel = confidence.figure(scores()).axes[2]
    colours = [COLOURS[1], COLOURS[2]]
    drawn = [line for line in panel.lines if line.get_color() in colours]
    lines = [line for line in drawn if line.get_linestyle() == "-"]
    points = [line for line in drawn if line.get_linestyle() == "None"]
    assert max(line.get_zorder() for line in lines) < min(line.get_zorder() for line in points)
    assert [line.get_color() for line in lines] == colours
    assert lines[0].get_xdata().tolist() == [1, 4, 8, 12, 30, 60]
    assert lines[0].get_ydata() == pytest.approx(scores()["dice_lv"])


def test_confidence_draws_broken_labels_in_the_last_bin():
    bars = confidence.figure(scores(dice=False)).axes[0].patches
    assert sum(bar.get_height() for bar in bars) == 6


def test_learning_curves_show_oedema_and_scar_where_they_are_learnt():
    found = texts(learning_curves.figure(history().assign(dice_edema=0.5, dice_scar=0.6)))
    assert {"Oedema", "Scar"} <= set(found.split("\n"))
    assert "LV cavity" not in found


def test_learning_curves_over_images_seen_need_their_column():
    with pytest.raises(ValueError, match="column images is missing"):
        learning_curves.figure(history(), x="images")
    table = history().assign(images=100)
    assert "Training images seen" in texts(learning_curves.figure(table, x="images"))


def test_learning_curves_join_the_epochs_that_were_validated():
    table = history()
    table.loc[table["epoch"] % 2 == 0, ["valid_loss", "dice_lv"]] = np.nan
    drawn = learning_curves.figure(table).axes[1].lines[0].get_xydata()
    first = table[table["model"] == table["model"].iloc[0]].dropna(subset="dice_lv")
    assert len(first) > 1
    assert drawn.tolist() == first[["epoch", "dice_lv"]].to_numpy().tolist()


def test_observers_have_a_row_and_models_one_each_with_volunteers_and_means():
    table, dice = observer_tables()
    second = table["method"] == "expert2"
    table.loc[second, "edv"] = [1.0, 2.0, 6.0]
    figure = observers.figure(table, dice)
    axes = figure.axes[0]
    assert [tick.get_text() for tick in axes.get_yticklabels()] == [
        "expert1 – expert2",
        "double_all",
    ]
    between = [line.get_xdata().tolist() for line in axes.lines if set(line.get_ydata()) == {0}]
    assert between == [[1, 2, 6], [3]]
    # Of the model a line of points for each observer, above and below the middle of its row.
    points = [line for line in axes.lines if line.get_ydata()[0] not in (0, 1)]
    assert {round(line.get_ydata()[0], 1) for line in points} == {0.8, 1.2}
    dashed = [line.get_xdata()[0] for line in axes.lines if line.get_linestyle() == "--"]
    assert dashed == [3]
    assert "volunteer, against expert1 (n = 3)" in texts(figure)


def test_observers_need_a_pair_of_people():
    table, dice = observer_tables()
    with pytest.raises(ValueError, match="no Dice between two of expert1, expert3"):
        observers.figure(table, dice, observers=("expert1", "expert3"))


def test_orientation_marks_of_an_axial_image_in_radiological_view():
    # columns run to the patient's left, rows to the back
    affine = np.diag([-1.5, -1.5, 8, 1.0])
    assert picture.orientation_marks(affine) == ("R", "L", "A", "P")


def test_orientation_marks_of_a_coronal_image():
    affine = np.array([[-1, 0, 0, 0], [0, 0, 1, 0], [0, -1, 0, 0], [0, 0, 0, 1.0]])
    assert picture.orientation_marks(affine) == ("R", "L", "H", "F")


def test_orientation_marks_of_an_oblique_image_have_two_letters_main_direction_first():
    affine = np.eye(4)
    affine[:3, 0] = [-0.8, -0.6, 0]
    affine[:3, 1] = [0, 0.1, -0.99]
    assert picture.orientation_marks(affine) == ("RA", "LP", "H", "F")


def test_opposite_sides_have_opposite_marks():
    rng = np.random.default_rng(3)
    opposite = str.maketrans("LRAPHF", "RLPAFH")
    for _ in range(50):
        affine = np.eye(4)
        affine[:3, :3] = np.linalg.qr(rng.normal(size=(3, 3)))[0] * [1.2, 2.0, 8]
        left, right, top, bottom = picture.orientation_marks(affine)
        assert (left.translate(opposite), top.translate(opposite)) == (right, bottom)


def test_overlay_names_subject_slice_frame_and_undefined_dice():
    found = texts(overlays.figure([case()], "plain_all", "expert1"))
    assert "7_a, slice 4, frame 1\nDice LV 1.00, MY –" in found
    assert {"HL", "20 mm", "plain_all", "expert1", "LV cavity"} - {"HL"} <= set(found.split("\n"))


def test_overlay_of_different_shapes_is_refused_by_name():
    wrong = case()
    wrong = overlays.Case(**{**vars(wrong), "reference": np.zeros((3, 3), np.uint8)})
    with pytest.raises(ValueError, match=r"subject 7_a: image .* must have one shape"):
        overlays.figure([wrong])
    with pytest.raises(ValueError, match="no cases"):
        overlays.figure([])


def long_axis(size: int = 60) -> np.ndarray:
    """A cavity of 20 pixels that is open below; the wall on three sides of it is 4 pixels wide."""
    labels = np.zeros((size, size), np.uint8)
    labels[10:34, 16:44] = Tissue.MYO
    labels[14:34, 20:40] = Tissue.LV
    labels[34:50, 20:40] = Tissue.LA
    return labels


def contours(axes) -> dict[str, np.ndarray]:
    """Points (n, 2) of all contours by colour."""
    drawn = [c for c in axes.collections if len(c.get_paths()[0].vertices)]
    return {to_hex(c.get_edgecolor()[0]): c.get_paths()[0].vertices for c in drawn}


def test_a_valve_is_no_border_of_the_wall():
    labels = long_axis()
    figure = overlays.figure([replace(case(), prediction=labels, reference=labels, image=labels)])
    found = contours(figure.axes[0])
    wall = found[COLOURS[Tissue.MYO].lower()]
    # Half a pixel below the wall's last row, at its ends alone: the cavity is between.
    below = wall[wall[:, 1] > 33]
    assert len(below) > 2
    assert not ((below[:, 0] > 22) & (below[:, 0] < 37)).any()
    # Its outer border is whole above, and its inner border is the cavity's.
    assert wall[:, 1].min() == 9.5
    assert not (wall[:, 1][(wall[:, 0] > 22) & (wall[:, 0] < 37)] > 10).any()
    cavity = found[COLOURS[Tissue.LV].lower()]
    assert (cavity[:, 0].min(), cavity[:, 0].max()) == (19.5, 39.5)


def test_a_heart_larger_than_a_short_axis_is_shown_whole_and_all_cases_alike():
    labels = np.zeros((200, 200), np.uint8)
    labels[20:170, 60:120] = Tissue.LA
    large = replace(case("worst"), prediction=labels, reference=labels, image=labels)
    # 150 rows of 1.5 mm, with 10 mm on either side.
    assert picture.heart_width_mm([labels], large.affine) == 245
    assert picture.heart_width_mm([case().reference], large.affine) == picture.SHOWN_MM
    assert picture.heart_width_mm([0 * labels], large.affine) == picture.SHOWN_MM
    small = np.zeros_like(labels)
    small[90:110, 90:110] = Tissue.LA
    near = replace(large, kind="best", prediction=small, reference=small)
    sizes = [np.ptp(axes.get_ylim()) for axes in overlays.figure([near, large]).axes]
    assert sizes == pytest.approx([245 / 1.5] * 2)


def test_overlay_of_an_unlabelled_image_has_no_contours():
    blank = np.full((48, 48), UNLABELLED, np.uint8)
    shown = overlays.Case(**{**vars(case()), "prediction": blank, "reference": blank})
    assert "LV cavity" not in texts(overlays.figure([shown]))


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        (audit_kinds.SPACING_METADATA, "noted only"),
        (audit_kinds.COLLISION, "removed"),
        (audit_kinds.EMPTY_FOLDER, "removed"),
        (audit_kinds.OTHER_SERIES, "removed"),
        (audit_kinds.WITHOUT_SEQUENCE, "removed"),
        (audit_kinds.TWO_PATIENTS, "subject excluded"),
        (audit_kinds.MISSING_FRAME, "repaired"),
    ],
)
def test_resolution_of_the_audit_has_a_consequence(kind, expected):
    assert cleaning.consequence(kind[1]) == expected


def test_cleaning_counts_problems_and_subjects():
    shown, audit = stacks()
    found = texts(cleaning.figure(shown, pd.concat([audit, audit])))
    assert "2 in 1 subject: split" in found
    assert "Subject 123, as acquired: 4 slices" in found
    assert "Problems found in 0 subjects" in texts(cleaning.figure(shown, audit.iloc[:0]))


def test_cleaning_says_how_a_slice_was_changed_or_that_it_was_not():
    (stack,), audit = stacks()
    turned = replace(stack, pair=(0, 1), change="rotated by 8.7°")
    assert "Cleaned: rotated by 8.7°" in texts(cleaning.figure([turned], audit))
    same = replace(stack, pair=(0, 1))
    assert "Cleaned: no change in plane" in texts(cleaning.figure([same], audit))


def test_cleaning_without_subject_slices_or_columns_is_refused():
    shown, audit = stacks()
    with pytest.raises(ValueError, match="no subject to show"):
        cleaning.figure([], audit)
    with pytest.raises(ValueError, match="column problem is missing"):
        cleaning.figure(shown, audit.drop(columns="problem"))
    short = cleaning.Stack(**{**vars(shown[0]), "row_spacing_mm": [1.5]})
    with pytest.raises(ValueError, match="subject 123: 4 slices and 1 row spacings"):
        cleaning.figure([short], audit)
