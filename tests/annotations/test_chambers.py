"""Contours of chambers to label maps, in both modes, and the published end-diastole."""

import math

import numpy as np
import pandas as pd
import pytest

from cmrseg.contours.chambers import (
    cvi42_labels,
    fill_published,
    image_of,
    label_images,
    published_frames,
)
from cmrseg.contours.cvi42 import read_cvi42, write_cvi42
from cmrseg.contours.raster import fill
from cmrseg.labels import UNLABELLED, Tissue
from cmrseg.phantom.cvi42 import as_cvi42
from contour_shapes import disc, square

LV, MYO, RV, LA, RA = Tissue.LV, Tissue.MYO, Tissue.RV, Tissue.LA, Tissue.RA
ENDO, EPI, RIGHT = "saendocardialContour", "saepicardialContour", "sarvendocardialContour"
ATRIUM, RIGHT_ATRIUM = "lalaContour", "laraContour"
TRIANGLE = np.array([[2.0, 1], [6, 1], [2, 5]])


def circle(radius, centre=(20, 20), count=100):
    angle = np.linspace(0, 2 * np.pi, count, endpoint=False)
    return np.array(centre) + radius * np.stack([np.cos(angle), np.sin(angle)], axis=1)


def drawn(contours, sequence="sa", mode="corrected", shape=(12, 12)):
    return cvi42_labels(contours, *shape, sequence, mode)


def pixels(labels):
    """How many pixels each value has."""
    return dict(zip(*(a.tolist() for a in np.unique(labels, return_counts=True)), strict=True))


# -- the published filling -------------------------------------------------------------------


@pytest.mark.parametrize(
    ("points", "rows", "columns"),
    [
        # Corners at centres: the border is inside, 4 x 3 pixels of an area of 3 x 2.
        (square(2, 1, 5, 3), (1, 3), (2, 5)),
        # Corners between pixels, of an area of 3 x 2 as well.
        (square(1.5, 0.5, 4.5, 2.5), (1, 2), (2, 4)),
        # Quarters are kept, so these miss the centres of 2 and 5.
        (square(2.25, 1.25, 4.75, 2.75), (2, 2), (3, 4)),
        # Eighths are rounded to even quarters: 2.125 to 2, 4.875 to 5.
        (square(2.125, 1.125, 4.875, 2.875), (1, 3), (2, 5)),
    ],
)
def test_squares_are_filled_as_published(points, rows, columns):
    found = np.argwhere(fill_published(points, (6, 8)))
    assert [found.min(axis=0)[0], found.max(axis=0)[0]] == list(rows)
    assert [found.min(axis=0)[1], found.max(axis=0)[1]] == list(columns)
    assert len(found) == (rows[1] - rows[0] + 1) * (columns[1] - columns[0] + 1)


def test_a_triangle_has_its_border_as_published_and_half_of_it_in_the_other_mode():
    # Rows of 5, 4, 3, 2 and 1 centres, of an area of 8.
    assert fill_published(TRIANGLE, (7, 8)).sum(axis=1).tolist() == [0, 5, 4, 3, 2, 1, 0]
    assert fill(TRIANGLE, (7, 8)).sum() == 8


@pytest.mark.parametrize(
    ("radius", "published", "original_size"), [(8, 1.029, 1.145), (15, 1.015, 1.067)]
)
def test_the_published_filling_is_too_large_and_less_so_than_at_the_original_size(
    radius, published, original_size
):
    rng = np.random.default_rng(5)
    area = 50 * radius**2 * math.sin(2 * math.pi / 100)
    shares = []
    for _ in range(60):
        points = circle(radius, rng.uniform(19, 21, 2))
        sizes = [f(points, (44, 44)).sum() for f in (fill, fill_published)]
        # The canvas is the original image, and the sixteen sets of every fourth pixel are all.
        corners = np.rint(points)
        shifts = [(dx, dy) for dx in range(4) for dy in range(4)]
        sizes.append(sum(fill_published((corners - s) / 4, (11, 11)).sum() for s in shifts))
        shares.append(np.array(sizes) / area)
    assert np.mean(shares, axis=0) == pytest.approx([1, published, original_size], abs=0.004)


def test_the_published_filling_has_the_pixels_of_opencv():
    # Of fillPoly in OpenCV 3.4 and 5.0; its lines take other pixels than those of Pillow do.
    points = np.array([[3.5, 2.25], [6.5, 2.5], [8.25, 7.5], [5.75, 8], [0.75, 7.75]])
    rows = [
        "...####....",
        "...#####...",
        "..######...",
        "..######...",
        ".########..",
        "....###....",
    ]
    expected = np.array([[pixel == "#" for pixel in row] for row in rows])
    assert (fill_published(points, (11, 11))[3:9] == expected).all()
    assert fill_published(points, (11, 11)).sum() == expected.sum()


def test_what_leaves_the_image_is_cut_off():
    assert fill_published(square(-3, -9, 2.2, 40), (5, 8)).sum(axis=0).tolist() == [5] * 3 + [0] * 5
    assert not fill_published(square(-9, -9, -2, -2), (5, 8)).any()


# -- label maps ------------------------------------------------------------------------------

SHORT = {ENDO: square(4.5, 4.5, 6.5, 6.5), EPI: square(3.5, 3.5, 7.5, 7.5)}


@pytest.mark.parametrize("mode", ["corrected", "compat"])
def test_the_wall_is_painted_over_the_rv_and_the_cavity_over_the_wall(mode):
    labels = drawn({RIGHT: square(0.5, 3.5, 5.5, 7.5), **SHORT}, mode=mode)
    # RV: 5 x 4 pixels, of which the epicardium covers two columns.
    assert pixels(labels) == {0: 144 - 16 - 12, LV: 4, MYO: 12, RV: 12}
    assert (labels[4:8, 1:4] == RV).all()


@pytest.mark.parametrize("mode", ["corrected", "compat"])
@pytest.mark.parametrize("name", ["saendocardialOpenContour", "saepicardialOpenContour"])
def test_open_contours_are_closed(name, mode):
    closed = name.replace("Open", "")
    kept = {n: xy for n, xy in SHORT.items() if n != closed}
    assert (drawn({**kept, name: SHORT[closed]}, mode=mode) == drawn(SHORT, mode=mode)).all()
    both = drawn({**SHORT, name: SHORT[closed] + [1, 0]}, mode=mode)
    assert pixels(both) == (
        {0: 128, LV: 6, MYO: 10} if closed == ENDO else {0: 124, LV: 4, MYO: 16}
    )


@pytest.mark.parametrize("mode", ["corrected", "compat"])
def test_atria_have_their_numbers_and_the_left_one_is_painted_last(mode):
    contours = {RIGHT_ATRIUM: square(1.5, 1.5, 5.5, 3.5), ATRIUM: square(4.5, 1.5, 8.5, 3.5)}
    assert pixels(drawn(contours, "la_4ch", mode)) == {0: 144 - 14, LA: 8, RA: 6}
    # A view that shows one atrium alone.
    assert pixels(drawn(contours, "la_2ch", mode)) == {0: 144 - 8, LA: 8}


def test_contours_of_other_sequences_and_kinds_are_ignored():
    assert not drawn({**SHORT, "sapapilMuscContour": TRIANGLE}, "la_4ch").any()
    assert not drawn({ATRIUM: TRIANGLE, "laendocardialContour": TRIANGLE}).any()


@pytest.mark.parametrize(
    ("contours", "sequence", "corrected", "compat"),
    [
        ({ENDO: SHORT[ENDO]}, "sa", {LV: 4, UNLABELLED: 140}, {0: 140, LV: 4}),
        ({EPI: SHORT[EPI]}, "sa", {0: 128, UNLABELLED: 16}, {0: 128, MYO: 16}),
        ({RIGHT: SHORT[EPI]}, "sa", {0: 128, RV: 16}, {0: 128, RV: 16}),
        (
            {RIGHT: square(0.5, 3.5, 3.5, 7.5), ENDO: SHORT[ENDO]},
            "sa",
            {LV: 4, RV: 12, UNLABELLED: 128},
            {0: 128, LV: 4, RV: 12},
        ),
        ({ATRIUM: SHORT[EPI]}, "la_4ch", {LA: 16, UNLABELLED: 128}, {0: 128, LA: 16}),
        ({RIGHT_ATRIUM: SHORT[EPI]}, "la_4ch", {RA: 16, UNLABELLED: 128}, {0: 128, RA: 16}),
        ({ATRIUM: SHORT[EPI]}, "la_3ch", {0: 128, LA: 16}, {0: 128, LA: 16}),
    ],
)
def test_what_was_not_drawn_is_unknown_and_background_as_published(
    contours, sequence, corrected, compat
):
    assert pixels(drawn(contours, sequence)) == corrected
    assert pixels(drawn(contours, sequence, "compat")) == compat


def test_an_image_whose_epicardium_does_not_enclose_the_cavity_is_not_labelled():
    contours = {ENDO: circle(4, (9, 9)), EPI: circle(6, (24, 24))}
    assert (drawn(contours, shape=(40, 40)) == UNLABELLED).all()
    assert (drawn(contours, mode="compat", shape=(40, 40)) == LV).any()


def test_other_modes_and_sequences_are_refused():
    with pytest.raises(ValueError, match="mode is 'published', expected one of corrected, compat"):
        drawn(SHORT, mode="published")
    with pytest.raises(ValueError, match="contours of ao in cvi42 workspaces are not known; exp"):
        drawn(SHORT, "ao")


# -- images of an import ---------------------------------------------------------------------


def sources(**changed):
    """Two slices of two frames, of which the last one is a copy."""
    table = {
        "z": [0, 0, 1, 1],
        "t": [0, 1, 0, 1],
        "file": ["sax/1.2.10.dcm", "sax/1.2.11.dcm", "b.zip/1.2.20", "b.zip/1.2.20"],
        "rows": 12,
        "columns": 12,
        "copied": [False, False, False, True],
    }
    return pd.DataFrame({**table, **changed})


def labelled(contours, sequence="sa", mode="corrected", **changed):
    return label_images(contours, sources(**changed), sequence, mode)


def test_files_are_found_by_the_identifier_in_their_name():
    names = ["a/1.2.840.10.dcm", "1.2.840.10", "x/y.zip/1.2.840.10.DCM"]
    assert {image_of(name) for name in names} == {"1.2.840.10"}


def test_images_without_contours_are_background_in_a_labelled_frame_alone():
    found = labelled({"1.2.20": SHORT, "9.9": SHORT})
    first, other, second = (found.drawn.labels[file] for file in dict.fromkeys(sources()["file"]))
    assert not first.any()
    assert other is None
    assert pixels(second) == {0: 128, LV: 4, MYO: 12}
    assert found.elsewhere == {"9.9"}


def test_the_frame_of_a_file_is_its_own_and_not_that_of_its_copy():
    # The first frame is missing, and shows the last one.
    files = ["1.2.11.dcm", "1.2.11.dcm", "1.2.20.dcm", "1.2.21.dcm"]
    found = labelled({"1.2.11": SHORT}, file=files, copied=[True, False, False, False])
    assert found.drawn.labels["1.2.20.dcm"] is None
    assert not found.drawn.labels["1.2.21.dcm"].any()


def test_contours_of_other_kinds_are_counted_and_label_no_frame():
    other = {"sapapilMuscContour": TRIANGLE, ATRIUM: TRIANGLE}
    found = labelled({"1.2.10": other, "1.2.20": {**other, **SHORT}, "9.9": other})
    assert found.others == {"sapapilMuscContour": 2, ATRIUM: 2}
    assert not found.elsewhere
    assert labelled({"1.2.11": other}).drawn.labels == dict.fromkeys(sources()["file"])


def test_images_that_are_drawn_in_part_are_told():
    found = labelled({"1.2.10": {ENDO: SHORT[ENDO]}, "1.2.20": {EPI: SHORT[EPI]}})
    assert {file: kind.name for file, kind in found.drawn.alone.items()} == {
        "sax/1.2.10.dcm": "ENDOCARDIUM",
        "b.zip/1.2.20": "EPICARDIUM",
    }
    assert labelled({"1.2.20": {ATRIUM: TRIANGLE}}, "la_4ch").one_atrium == ["b.zip/1.2.20"]
    both = {"1.2.20": {ATRIUM: TRIANGLE, RIGHT_ATRIUM: TRIANGLE}}
    assert not labelled(both, "la_4ch").one_atrium
    assert not labelled(both, "la_2ch").one_atrium
    assert not labelled({"1.2.10": {ENDO: SHORT[ENDO]}}, mode="compat").drawn.alone


def test_a_cavity_outside_its_epicardium_is_told():
    apart = {ENDO: circle(4, (9, 9)), EPI: circle(6, (24, 24))}
    found = labelled({"1.2.10": apart}, rows=40, columns=40).drawn
    assert found.labels["sax/1.2.10.dcm"] is None
    assert found.outside["sax/1.2.10.dcm"].apart


def test_a_contour_beside_its_image_is_refused_by_file():
    message = f"sax/1.2.10.dcm: its {EPI} lies outside the image .12 rows, 12 columns.; is it from"
    with pytest.raises(ValueError, match=message):
        labelled({"1.2.10": {EPI: SHORT[EPI] + 50}})


# -- published end-diastole and end-systole --------------------------------------------------


def cine(*frames, shape=(2, 6, 6)):
    """Frames with so many pixels of each tissue, in the order of their keys; the rest is 0."""
    labels = np.zeros((len(frames), *shape), np.uint8)
    for t, counts in enumerate(frames):
        values = [int(tissue) for tissue, count in counts.items() for _ in range(count)]
        labels[t].reshape(-1)[: len(values)] = values
    return labels


def test_of_two_whole_frames_the_later_one_is_end_systole():
    whole, part = {LV: 3, MYO: 3, RV: 3}, {LV: 9, MYO: 1}
    assert published_frames(cine(whole, part, {}, {LV: 9, MYO: 9, RV: 9}), "sa") == (0, 3)


def test_of_more_frames_the_short_axis_takes_the_smallest_sum_of_numbers():
    # Sums of LV 1, MYO 2, RV 3: 24, 15, 14. The second has the smallest cavity.
    frames = {LV: 6, MYO: 3, RV: 4}, {LV: 1, MYO: 4, RV: 2}, {LV: 3, MYO: 4, RV: 1}
    assert published_frames(cine(*frames), "sa") == (0, 2)
    assert published_frames(cine(*frames[::-1]), "sa") == (0, 1)


def test_long_axes_take_the_largest_sum_of_published_numbers():
    # LA 1, RA 2 as published: 6, 7, 8. By our numbers, 4 and 5, it would be 24, 25, 22.
    frames = {LA: 1, RA: 4}, {LA: 5, RA: 1}, {LA: 2, RA: 3}
    assert published_frames(cine(*frames), "la_4ch") == (0, 2)
    assert published_frames(cine({LA: 4}, {LA: 3}, {LA: 9}), "la_2ch") == (0, 2)


def test_of_equal_sums_the_first_is_taken():
    whole = {LV: 3, MYO: 3, RV: 3}
    assert published_frames(cine(whole, whole, whole), "sa") == (0, 1)


def test_a_frame_counts_with_all_tissues_and_nothing_else():
    whole, part = {LV: 3, MYO: 3, RV: 3}, {**{LV: 3, MYO: 3, RV: 3}, LA: 1}
    cases = cine(whole, part, whole)
    assert published_frames(cases, "sa") == (0, 2)
    cases[2, 0, -1] = UNLABELLED
    assert published_frames(cases, "sa") is None
    # No background.
    assert published_frames(np.full((2, 1, 3, 3), LA, np.uint8), "la_2ch") is None


@pytest.mark.parametrize("first", [0, UNLABELLED])
def test_the_first_frame_of_the_cine_needs_some_tissue(first):
    whole = {LV: 3, MYO: 3, RV: 3}
    labels = cine({}, whole, whole)
    labels[0] = first
    assert published_frames(labels, "sa") is None
    labels[0, 0, 0, 0] = LV
    assert published_frames(labels, "sa") == (1, 2)


def test_one_whole_frame_is_too_few():
    assert published_frames(cine({LV: 3, MYO: 3, RV: 3}, {LV: 3}), "sa") is None


def test_other_sequences_have_no_published_frames():
    with pytest.raises(ValueError, match="sequence la_3ch: frames were published for sa, la_2ch"):
        published_frames(cine({LA: 1}), "la_3ch")


# -- from the heart and back -----------------------------------------------------------------


def heart():
    """A short axis of two slices, the upper one with the RV alone, and a four-chamber view."""
    short = np.zeros((1, 2, 80, 80), np.uint8)
    for z in range(2):
        short[0, z][disc((80, 80), (40, 28), 15)] = RV
    short[0, 1][disc((80, 80), (40, 46), 20)] = MYO
    short[0, 1][disc((80, 80), (40, 46), 13)] = LV
    long = np.zeros((1, 1, 80, 80), np.uint8)
    long[0, 0][disc((80, 80), (30, 24), 14)] = RA
    long[0, 0][disc((80, 80), (32, 58), 16)] = LA
    return short, long


@pytest.mark.parametrize(("mode", "most"), [("corrected", 1.015), ("compat", 1.035)])
def test_what_an_expert_draws_is_written_read_and_labelled_as_the_heart_is(tmp_path, mode, most):
    short, long = heart()
    contours = as_cvi42(short, {(0, 0): "1.0", (1, 0): "1.1"}, "sa")
    contours |= as_cvi42(long, {(0, 0): "1.2"}, "la_4ch")
    assert {uid: len(names) for uid, names in contours.items()} == {"1.0": 1, "1.1": 3, "1.2": 2}
    write_cvi42(contours, tmp_path / "7_cvi42.zip")
    found = read_cvi42(tmp_path / "7_cvi42.zip")
    truth = {"1.0": ("sa", short[0, 0]), "1.1": ("sa", short[0, 1]), "1.2": ("la_4ch", long[0, 0])}
    for uid, (sequence, expected) in truth.items():
        labels = cvi42_labels(found[uid], 80, 80, sequence, mode)
        assert pixels(labels).keys() == pixels(expected).keys()
        assert (labels != expected).mean() < 0.02
        for tissue in (LV, RV, LA, RA):
            if there := (expected == tissue).sum():
                assert 0.985 < (labels == tissue).sum() / there < most
