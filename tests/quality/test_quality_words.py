"""Reasons in words: what is unusual about a picture, a subject, and a result on the page."""

import numpy as np
import pandas as pd
import pytest

from cmrseg.quality.look import worth_a_look
from cmrseg.quality.reasons import (
    GAP,
    LEAST_GOOD,
    NOTHING,
    USUAL,
    excess,
    limits_of,
    picture_reasons,
    subject_reasons,
)

USUAL_PICTURE = {"pixels": 100, "cavity_open": 0.0, "holes": 0.0, "time_overlap": 0.9}
USUAL_SUBJECT = {"slices": 3, "missed_frames": 0.0, "stroke_ratio": 0.0}


def heart(frames=6, slices=5):
    """A cavity of 6 x 6 pixels in a wall of 2, and a right ventricle; images of them."""
    labels = np.zeros((frames, slices, 24, 24), np.uint8)
    labels[..., 6:16, 6:16] = 2
    labels[..., 8:14, 8:14] = 1
    labels[..., 6:16, 2:6] = 3
    return labels, np.choose(labels, [50.0, 500.0, 100.0, 500.0])


def test_nothing_is_said_about_a_usual_picture():
    assert picture_reasons(USUAL_PICTURE) == ""
    assert excess(USUAL_PICTURE) == 0


def test_the_most_unusual_comes_first():
    row = USUAL_PICTURE | {"cavity_open": 0.5, "holes": 0.4, "time_overlap": 0.5}
    assert picture_reasons(row) == "hole, cavity open, unlike the frames before and after"
    # Half the cavity is open: 0.25 beyond 0.25.
    assert excess(USUAL_PICTURE | {"cavity_open": 0.5}) == 1


def test_an_empty_picture_between_others_is_a_gap():
    assert picture_reasons(USUAL_PICTURE | {"pixels": 0, "cavity_open": 1.0}) == GAP


def test_a_subject_names_its_slices_and_frames_from_1():
    slices = [{"slice": 6, "frame": 11, "reasons": "cavity open"}, {"reasons": ""}]
    row = USUAL_SUBJECT | {"stroke_ratio": 1.0}
    expected = "slice 7, frame 12: cavity open; RV stroke volume far above LV"
    assert subject_reasons(row, slices) == expected


def test_a_subject_without_labels_says_so():
    assert subject_reasons({"missed_frames": 1.0}, []) == NOTHING


def test_limits_are_of_good_labels_alone_and_the_usual_ones_where_these_are_few():
    good = pd.DataFrame({"cavity_open": np.linspace(0, 0.1, LEAST_GOOD), "dice": 0.9})
    bad = pd.DataFrame({"cavity_open": [0.9], "dice": [0.2]})
    found = limits_of(pd.concat([good, bad]), pd.DataFrame({"dice": [0.9]}), 0.8)
    low, high = found["pictures"]["cavity_open"]
    assert np.isnan(low)
    assert high == pytest.approx(0.098)
    assert found["pictures"]["holes"] == pytest.approx(USUAL["pictures"]["holes"], nan_ok=True)
    assert str(found["subjects"]) == str(USUAL["subjects"])


def test_a_good_result_is_not_worth_a_look():
    assert worth_a_look(*heart(), (10.0, 2.0, 2.0)) == ""


def test_an_open_cavity_is_named_with_slice_and_frame():
    labels, image = heart()
    labels[3, 2, 6:8, 6:16] = labels[3, 2, 6:16, 14:16] = 0  # two of four sides
    found = worth_a_look(labels, image, (10.0, 2.0, 2.0))
    assert found.startswith("slice 3, frame 4: ")
    assert "cavity open" not in found.split("; ")[1:]


def test_the_ends_of_a_heart_are_never_usual_and_are_not_named():
    labels, image = heart()
    labels[3:, 0] = 0  # the base moves through the lowest slice
    assert "slice" not in worth_a_look(labels, image, (10.0, 2.0, 2.0))


def test_a_hole_of_the_whole_slice_is_worth_a_look():
    labels, image = heart()
    labels[3, 2] = 0
    assert f"slice 3, frame 4: {GAP}" in worth_a_look(labels, image, (10.0, 2.0, 2.0))


def test_a_frame_that_differs_is_named_where_frames_are_close_in_time():
    labels, image = heart(frames=16)
    labels[5, 2] = np.roll(labels[5, 2], 6, axis=1)
    found = worth_a_look(labels, image, (10.0, 2.0, 2.0))
    assert "slice 3, frame 6: " in found
    assert "unlike the frames before and after" in found
    few = worth_a_look(labels[3:8], image[3:8], (10.0, 2.0, 2.0))
    assert "frames before and after" not in few
    assert "jump" not in few


def test_a_line_about_a_single_slice_needs_no_neighbours():
    labels = np.zeros((8, 1, 40, 40), np.uint8)
    image = np.ones(labels.shape, np.float32)
    assert worth_a_look(labels, image, (8.0, 2.0, 2.0)) == "nothing is labelled"
    labels[:, :, 12:28, 12:28] = 2
    labels[:, :, 16:24, 16:24] = 1
    bright = np.where(labels == 1, 900, 100).astype(np.float32)
    assert worth_a_look(labels, bright, (8.0, 2.0, 2.0)) == ""
