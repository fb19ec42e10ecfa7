"""Whether label maps of atria and aorta can be measured."""

import numpy as np
import pytest

from cmrseg.cine import Cine
from cmrseg.labels import Tissue
from cmrseg.measure.cavity_quality import aortic_doubts, atrial_doubts

BOTH = ["corrected", "compat"]


def cine(pixels_by_tissue, columns=20):
    """Frames (t, 1, y, x) in which each tissue has so many pixels, in rows of its own."""
    frames = len(next(iter(pixels_by_tissue.values())))
    voxels = np.zeros((frames, 1, 30 * len(pixels_by_tissue), columns), np.uint8)
    for place, (tissue, pixels) in enumerate(pixels_by_tissue.items()):
        for plane, count in zip(voxels[:, 0], pixels, strict=True):
            plane[30 * place : 30 * place + 20].flat[:count] = tissue
    return Cine(voxels, np.eye(4))


def atria(la, ra=(100, 100, 100)):
    return cine({Tissue.LA: la, Tissue.RA: ra})


def aorta(aao=(100, 100, 100), dao=(100, 100, 100)):
    return cine({Tissue.AAO: aao, Tissue.DAO: dao})


def flat(labels, intensity=100):
    return labels.like(np.full(labels.voxels.shape, intensity, np.int16))


# -- atria -----------------------------------------------------------------------------------


def test_a_beating_atrium_is_no_doubt():
    assert atrial_doubts(atria([100, 150, 199]), (Tissue.LA, Tissue.RA)) == ""


def test_a_frame_without_an_atrium_is_named():
    labels = atria([100, 0, 100], [0, 100, 100])
    found = atrial_doubts(labels, (Tissue.LA, Tissue.RA))
    assert found == "frame 2 (from 1) has 0 pixels of left atrium, expected some in every frame"
    assert "frame 1 (from 1) has 0 pixels of right atrium" in atrial_doubts(labels, (Tissue.RA,))


def test_an_atrium_that_the_view_does_not_show_is_not_looked_for():
    assert atrial_doubts(atria([100] * 3, [0] * 3), (Tissue.LA,)) == ""


def test_a_second_piece_of_eleven_pixels_is_named_and_one_of_ten_is_not():
    labels = atria([100, 100, 100])
    labels.voxels[1, 0, 22, :11] = Tissue.LA
    assert atrial_doubts(labels, (Tissue.LA,)) == (
        "frame 2 (from 1) has a second piece of left atrium of 11 pixels, expected at most 10"
    )
    labels.voxels[1, 0, 22, 10] = Tissue.BACKGROUND
    labels.voxels[1, 0, 24, :10] = Tissue.LA  # and a third one
    assert atrial_doubts(labels, (Tissue.LA,)) == ""


def test_pieces_that_touch_at_a_corner_are_one():
    labels = atria([100, 100, 100])  # rows 0 to 4
    labels.voxels[1, 0, 5:9, :] = 0
    labels.voxels[1, 0, 4, 10:] = 0
    labels.voxels[1, 0, 5:9, 10:14] = Tissue.LA
    assert atrial_doubts(labels, (Tissue.LA,)) == ""
    labels.voxels[1, 0, 5:9, 10] = 0
    assert "second piece of left atrium of 12 pixels" in atrial_doubts(labels, (Tissue.LA,))


def test_pieces_of_two_slices_that_touch_along_an_edge_are_one():
    # Neighbours share a corner of pixels within a slice, an edge of voxels between slices.
    voxels = np.zeros((2, 2, 20, 20), np.uint8)
    voxels[:, 0, :4, :4] = voxels[:, 1, 4:8, :4] = Tissue.LA
    assert atrial_doubts(Cine(voxels, np.eye(4)), (Tissue.LA,)) == ""
    voxels[:, 1] = 0
    voxels[:, 1, 4:8, 4:8] = Tissue.LA
    assert "second piece" in atrial_doubts(Cine(voxels, np.eye(4)), (Tissue.LA,))


@pytest.mark.parametrize(
    ("la", "message"),
    [
        ([100, 200, 150], "frame 2 (from 1) has 200 pixels of left atrium after 100 in the frame"),
        ([100, 120, 60], "frame 3 (from 1) has 60 pixels of left atrium after 120 in the frame"),
        ([100, 150, 201], "frame 1 (from 1) has 100 pixels of left atrium after 201 in the frame"),
    ],
)
def test_an_area_that_doubles_or_halves_is_named(la, message):
    found = atrial_doubts(atria(la), (Tissue.LA, Tissue.RA))
    assert found == f"{message} before, expected 0.5 to 2 times as many"


# -- aorta -----------------------------------------------------------------------------------


@pytest.mark.parametrize("mode", BOTH)
def test_a_pulsating_aorta_is_no_doubt(mode):
    labels = aorta([100, 150, 199], [120, 110, 100])
    assert aortic_doubts(flat(labels), labels, mode) == ""


@pytest.mark.parametrize("mode", BOTH)
@pytest.mark.parametrize(
    ("labels", "message"),
    [
        (aorta((100, 90, 0)), "frame 3 (from 1) has 0 pixels of ascending aorta, expected some"),
        (aorta(dao=(100, 0, 90)), "frame 2 (from 1) has 0 pixels of descending aorta"),
        (aorta((100, 201, 150)), "frame 2 (from 1) has 201 pixels of ascending aorta after 100"),
        (
            aorta((100, 150, 200, 150), (100, 100, 100, 100)),
            "frame 3 (from 1) has 200 pixels of ascending aorta and frame 1 has 100, expected "
            "below 2 times as many",
        ),
    ],
)
def test_areas_that_no_aorta_has_are_named(labels, message, mode):
    assert aortic_doubts(flat(labels), labels, mode).startswith(message)


@pytest.mark.parametrize("mode", BOTH)
def test_a_pixel_three_times_as_bright_as_the_vessel_is_named(mode):
    labels = aorta()
    image = flat(labels)
    image.voxels[0, 0, 0, :10] = 120  # of 100 pixels: a mean of 102 in the first frame
    image.voxels[2, 0, 1, 3] = 305
    image.voxels[1, 0, 25, 3] = 900  # beside the vessel
    assert aortic_doubts(image, labels, mode) == ""
    image.voxels[2, 0, 1, 3] = 306
    assert aortic_doubts(image, labels, mode) == (
        "frame 3 (from 1) has a pixel of 306 in the ascending aorta, expected below 3 times its "
        "mean of 102 in the first frame"
    )


@pytest.mark.parametrize("mode", BOTH)
def test_a_second_piece_of_a_vessel_is_named(mode):
    labels = aorta()
    labels.voxels[0, 0, 25, :11] = Tissue.AAO
    assert aortic_doubts(flat(labels), labels, mode) == (
        "frame 1 (from 1) has a second piece of ascending aorta of 11 pixels, expected at most 10"
    )


def test_small_pieces_count_as_published_in_compat_alone():
    labels = aorta((100, 150, 195, 150), (100, 100, 100, 100))
    labels.voxels[2, 0, 25, :10] = Tissue.AAO
    assert aortic_doubts(flat(labels), labels, "corrected") == ""
    assert "has 205 pixels of ascending" in aortic_doubts(flat(labels), labels, "compat")


def test_an_image_of_another_shape_is_refused():
    labels = aorta()
    image = labels.like(labels.voxels[:2])
    with pytest.raises(
        ValueError, match=r"the aortic image is \(2, 1, 60, 20\) and its labels \(3, 1, 60, 20\)"
    ):
        aortic_doubts(image, labels, "compat")
