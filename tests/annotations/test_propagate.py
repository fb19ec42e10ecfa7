"""Labels carried through a cine by motion that is known."""

import numpy as np
import pytest

from cmrseg.annotations.propagate import propagate, walks
from cmrseg.labels import UNLABELLED, Tissue

FRAMES, SIZE = 20, 48


def shift_px(frame):
    """Where the disc of a frame is: it goes back and forth, less than a pixel from one to next."""
    return 3 * np.sin(2 * np.pi * np.asarray(frame) / FRAMES)


def disc(y, x, radius=6.0):
    rows, columns = np.mgrid[:SIZE, :SIZE]
    return np.hypot(rows - y, columns - x) < radius


def moving(labelled, slices=1):
    """Images (t, z, y, x) whose grey value is the number of the frame, all labels, and the given
    ones: UNLABELLED but in some frames."""
    every = np.zeros((FRAMES, slices, SIZE, SIZE), np.uint8)
    for t in range(FRAMES):
        every[t, :, disc(24, 22 + shift_px(t))] = Tissue.AAO
    given = np.full_like(every, UNLABELLED)
    given[labelled] = every[labelled]
    images = np.broadcast_to(np.arange(FRAMES)[:, None, None, None], every.shape)
    return images, every, given


class Exact:
    """The motion of the disc, and which frames were asked for."""

    def __init__(self):
        self.asked = []

    def __call__(self, target, source):
        frames = int(target[0, 0]), int(source[0, 0])
        self.asked.append(frames)
        y, x = np.indices(target.shape, float)
        return np.stack([y, x - shift_px(frames[0]) + shift_px(frames[1])])


def test_a_disc_that_moves_by_fractions_of_a_pixel_keeps_its_labels():
    images, every, given = moving([2, 11])
    found = propagate(given, images, Exact())
    assert found.dtype == np.uint8
    assert (found[[2, 11]] == every[[2, 11]]).all()
    assert (found > 0).sum(axis=(1, 2, 3)).min() > 100
    # Pixels at the outline, where the nearest pixel is the one or the other.
    assert (found != every).sum(axis=(1, 2, 3)).max() <= 16
    still = np.where(given[:, :1] == UNLABELLED, every[2], every)
    assert (still != every).sum(axis=(1, 2, 3)).max() > 40


def test_each_frame_takes_the_labels_of_the_nearest_one_around_the_beat():
    told = np.zeros(10, bool)
    told[[1, 5]] = True
    assert walks(told) == [(1, [2, 3]), (1, [0, 9]), (5, [6, 7, 8]), (5, [4])]
    told[5] = False
    assert walks(told) == [(1, [2, 3, 4, 5, 6]), (1, [0, 9, 8, 7])]
    assert walks(np.ones(3, bool)) == []


def test_every_fifth_frame_is_registered_to_that_five_before():
    images, _, given = moving([0])
    motion = Exact()
    propagate(given, images, motion)
    forwards = [(1, 0), (2, 1), (3, 2), (4, 3), (5, 0), (6, 5), (7, 6), (8, 7), (9, 8), (10, 5)]
    backwards = [(19, 0), (18, 19), (17, 18), (16, 17), (15, 0), (14, 15), (13, 14), (12, 13)]
    assert motion.asked == [*forwards, *backwards, (11, 12)]


def test_what_is_registered_is_the_box_around_the_labels_and_a_border():
    images, _, given = moving([0])
    shapes = set()

    def motion(target, source):
        shapes.add((target.shape, source.shape))
        return np.indices(target.shape, float)

    propagate(given, images, motion)
    # The disc has 11 pixels in each direction.
    assert shapes == {((31, 31), (31, 31))}


def test_slices_without_labels_stay_and_background_alone_is_carried():
    images, _, given = moving([3], slices=3)
    given[:, 1] = UNLABELLED
    given[3, 2] = Tissue.BACKGROUND
    found = propagate(given, images, Exact())
    assert (found[:, 1] == UNLABELLED).all()
    assert (found[:, 2] == Tissue.BACKGROUND).all()
    assert (found[:, 0] != UNLABELLED).all()


def test_what_cannot_be_propagated_is_refused():
    images, _, given = moving([3])
    with pytest.raises(ValueError, match=r"labels \(20, 1, 48, 48\) and images \(19, 1, 48, 48\)"):
        propagate(given, images[1:], Exact())
    with pytest.raises(ValueError, match="no label in 20 frames; label one frame at least"):
        propagate(np.full_like(given, UNLABELLED), images, Exact())
    for places in (np.zeros((2, 3, 3)), np.full((2, 31, 31), np.nan)):
        with pytest.raises(ValueError, match="motion from frame 5 to 4: places of shape"):
            propagate(given, images, lambda target, source, places=places: places)
