"""Doubts about labels: the original's verdicts, and each sentence."""

import numpy as np
import pytest

from annular_heart import Reference, annulus
from cmrseg.labels import Tissue
from cmrseg.measure.ventricular_quality import long_axis_doubts, short_axis_doubts

CASES = [(s, "sa") for s in "12345"] + [(s, "la") for s in "1234"]


@pytest.mark.parametrize(("subject", "view"), CASES)
def test_verdicts_are_those_of_the_original(data, subject, view):
    reference = Reference.of(data)
    passed, _ = reference.notes["qc"][subject][view]
    if view == "sa":
        doubts = short_axis_doubts(reference.short_axis(subject).voxels[0])
    else:
        doubts = long_axis_doubts(reference.long_axis(subject).voxels[0, 0])
    assert (doubts == "") == passed


@pytest.fixture
def short():
    """(z, y, x) labels without a doubt, which are to be spoiled."""
    return annulus(slices=8).voxels[0].copy()


@pytest.fixture
def long():
    """(y, x) labels of five blocks without a doubt."""
    labels = np.zeros((30, 30), np.uint8)
    labels[5:15, 5:15] = Tissue.MYO
    labels[8:12, 8:15] = Tissue.LV
    labels[5:15, 16:20] = Tissue.RV
    labels[20:24, 5:9] = Tissue.LA
    labels[20:24, 12:16] = Tissue.RA
    return labels


def test_good_labels_give_no_doubt(short, long):
    assert short_axis_doubts(short) == ""
    assert short_axis_doubts(short[:6]) == ""
    assert long_axis_doubts(long) == ""


def test_a_tissue_of_nine_voxels_is_too_small(short, long):
    short[short == Tissue.RV] = 0
    short[3, 0, :9] = Tissue.RV
    assert short_axis_doubts(short) == "RV cavity has 9 pixels, expected at least 10"
    long[long == Tissue.LA] = 0
    assert long_axis_doubts(long) == "left atrium has 0 pixels, expected at least 10"


def test_five_slices_are_too_few(short):
    short[5:] = 0
    assert short_axis_doubts(short) == (
        "5 slices have 10 pixels of cavity and of wall, expected at least 6"
    )


def test_a_gap_in_the_stack_is_doubtful(short):
    short[3][short[3] == Tissue.MYO] = 0
    assert short_axis_doubts(short) == (
        "slice 4 (from 1) has fewer than 10 pixels of cavity or wall, "
        "expected as many in every slice from 1 to 8"
    )


def test_a_middle_slice_without_rv_is_doubtful(short):
    short[4][short[4] == Tissue.RV] = 0
    assert short_axis_doubts(short) == (
        "in slice 5 (from 1), the middle, the largest piece of RV cavity has 0 pixels, "
        "expected at least 10"
    )


def test_a_view_whose_cavity_is_in_small_pieces_is_doubtful(long):
    long[long == Tissue.LV] = Tissue.MYO
    long[8:14:2, 6:14:2] = Tissue.LV  # 12 pixels, none beside another
    assert long_axis_doubts(long) == (
        "in the view the largest piece of LV cavity has 1 pixels, expected at least 10"
    )


def test_a_view_whose_wall_is_in_small_pieces_is_doubtful(long):
    long[5:15, 5:15] = Tissue.LV
    long[6:14:2, 6:12:2] = Tissue.MYO
    assert long_axis_doubts(long) == (
        "in the view the wall without small pieces has 0 pixels, expected at least 10"
    )


def test_labels_of_other_axes_are_refused(short, long):
    with pytest.raises(ValueError, match=r"labels must be \(z, y, x\), got shape \(30, 30\)"):
        short_axis_doubts(long)
    with pytest.raises(ValueError, match=r"labels must be \(y, x\), got shape \(8, 65, 65\)"):
        long_axis_doubts(short)
