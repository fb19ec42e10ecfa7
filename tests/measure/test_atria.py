"""Curves and measures of the atria."""

import math

import numpy as np
import pandas as pd
import pytest

from cmrseg.cine import Cine
from cmrseg.labels import UNLABELLED, Tissue
from cmrseg.measure.atria import ATRIAL, CURVE_COLUMNS, atrial_curves, atrial_measures

# Directions (RAS) of x and of y of both views, y along the long axis, and where they meet.
LONG = np.array([-0.6, -0.48, 0.64])
ACROSS = np.array([0.0, 0.8, 0.6])
UPRIGHT, FLAT = ACROSS, np.cross(LONG, ACROSS)
SA_AFFINE = np.eye(4)
SA_AFFINE[:3, :3] = np.column_stack([1.8 * UPRIGHT, 1.8 * FLAT, 10 * np.cross(UPRIGHT, FLAT)])
BOTH = ["corrected", "compat"]


def view(planes, across, pixel_mm=1.0):
    affine = np.eye(4)
    affine[:3, :3] = np.column_stack([across * pixel_mm, LONG * pixel_mm, np.cross(across, LONG)])
    return Cine(np.asarray(planes, np.uint8)[:, None], affine)


def ellipse(half_long, half_short, tissue=Tissue.LA, size=90, middle=(44.6, 30.2)):
    """A picture (y, x) with an upright ellipse; all in pixels."""
    y, x = np.mgrid[:size, :size]
    inside = ((y - middle[0]) / half_long) ** 2 + ((x - middle[1]) / half_short) ** 2 < 1
    return np.where(inside, tissue, Tissue.BACKGROUND)


def heart(half_long_2ch=30, half_long_4ch=30):
    """One frame of both views: LA 20 mm to either side, RA of 25 and 15 mm."""
    two = ellipse(half_long_2ch, 20)
    four = ellipse(half_long_4ch, 20) + ellipse(25, 15, Tissue.RA, middle=(44.6, 72.3))
    return view([two], UPRIGHT), view([four], FLAT)


# -- volumes in closed form ------------------------------------------------------------------


def test_the_volume_of_an_ellipsoid_is_four_thirds_pi():
    found = atrial_curves(*heart(), SA_AFFINE, "corrected").iloc[0]
    assert found["la_2ch_area_cm2"] == pytest.approx(math.pi * 6, rel=0.01)
    assert found["la_4ch_length_cm"] == pytest.approx(6, abs=0.05)
    for column in ("la_2ch_ml", "la_4ch_ml", "la_ml"):
        assert found[column] == pytest.approx(4 / 3 * math.pi * 3 * 2 * 2, rel=0.015)
    assert found["ra_area_cm2"] == pytest.approx(math.pi * 2.5 * 1.5, rel=0.01)
    assert found["ra_ml"] == pytest.approx(4 / 3 * math.pi * 2.5 * 1.5**2, rel=0.015)


def test_published_volumes_are_too_large_by_a_pixel_of_length():
    found = atrial_curves(*heart(), SA_AFFINE, "compat").iloc[0]
    assert found["la_2ch_length_cm"] == pytest.approx(5.9, abs=0.051)
    assert found["la_2ch_ml"] > 50.9  # 50.27 in closed form


def test_of_two_lengths_the_shorter_one_counts_and_in_compat_their_mean():
    # A1 = 6 pi, A2 = 5 pi: 8 / (3 pi) x 30 pi^2 / L, with L = 5, or 5.5 less a pixel of 0.1.
    corrected, compat = (
        atrial_curves(*heart(25, 30), SA_AFFINE, mode)["la_ml"][0] for mode in BOTH
    )
    assert corrected == pytest.approx(80 * math.pi / 5, rel=0.015)
    assert compat == pytest.approx(80 * math.pi / 5.4, rel=0.015)


@pytest.mark.parametrize("mode", BOTH)
def test_pixels_of_half_the_size_give_an_eighth_of_the_volume(mode):
    two, four = heart()
    half = [Cine(cine.voxels, cine.affine @ np.diag([0.5, 0.5, 1, 1])) for cine in (two, four)]
    whole, found = (atrial_curves(*views, SA_AFFINE, mode) for views in ((two, four), half))
    assert found["la_ml"][0] == pytest.approx(whole["la_ml"][0] / 8, rel=1e-9)
    assert found["ra_area_cm2"][0] == pytest.approx(whole["ra_area_cm2"][0] / 4, rel=1e-9)


def test_other_tissues_and_smaller_pieces_change_nothing():
    two, four = heart()
    plain = atrial_curves(two, four, SA_AFFINE, "corrected")
    for cine in (two, four):
        cine.voxels[0, 0, 82:88] = Tissue.LV
        cine.voxels[0, 0, 2:5, 2:5] = Tissue.LA
        cine.voxels[0, 0, 10:15, :3] = UNLABELLED
    pd.testing.assert_frame_equal(plain, atrial_curves(two, four, SA_AFFINE, "corrected"))


# -- frames that fail ------------------------------------------------------------------------


def beat(mode, missing):
    """Three frames, in the second of which the 2-chamber view shows what is given."""
    two, four = ellipse(30, 20), heart()[1].voxels[0, 0]
    frames = [ellipse(30, 18), missing, two]
    return atrial_curves(view(frames, UPRIGHT), view([four] * 3, FLAT), SA_AFFINE, mode)


def two_pixels():
    plane = np.zeros((90, 90), int)
    plane[40:42, 30] = Tissue.LA
    return plane


def test_a_frame_without_an_axis_is_unknown_and_published_as_zero():
    corrected, compat = (beat(mode, two_pixels()) for mode in BOTH)
    assert np.isnan(corrected.loc[1, ["la_2ch_area_cm2", "la_2ch_ml", "la_ml"]]).all()
    assert corrected.loc[1, "ra_ml"] > 20
    assert (compat.loc[1, list(CURVE_COLUMNS[1:])] == 0).all()
    found, published = atrial_measures(corrected), atrial_measures(compat)
    assert (published["lav_min_ml"], published["la_ef"]) == (0, 1)
    assert published["rav_min_ml"] == 0
    assert found["lav_min_ml"] == corrected["la_ml"].min() > 40
    assert (found["lav_min_frame"], published["lav_min_frame"]) == (0, 1)
    assert found["rav_min_ml"] == found["rav_max_ml"]


def test_an_atrium_of_nine_pixels_was_missed():
    plane = np.zeros((90, 90), int)
    plane[40:43, 30:33] = Tissue.LA
    assert np.isnan(beat("corrected", plane).loc[1, "la_2ch_area_cm2"])
    plane[43, 31] = Tissue.LA
    assert beat("corrected", plane).loc[1, "la_2ch_area_cm2"] == pytest.approx(0.1)


@pytest.mark.parametrize("value", [Tissue.BACKGROUND, UNLABELLED])
def test_a_frame_without_labels_is_unknown(value):
    assert np.isnan(beat("corrected", np.full((90, 90), value)).loc[1, "la_ml"])


def test_the_published_program_takes_the_first_atrium_for_the_left_one():
    right = ellipse(30, 18, Tissue.RA)
    assert np.isnan(beat("corrected", right).loc[1, "la_2ch_ml"])
    compat = beat("compat", right)
    assert compat.loc[1, "la_2ch_ml"] == compat.loc[0, "la_2ch_ml"] > 0


def test_in_compat_too_few_atria_are_refused():
    two, four = heart()
    four.voxels[four.voxels == Tissue.LA] = Tissue.BACKGROUND
    assert np.isnan(atrial_curves(two, four, SA_AFFINE, "corrected")["la_ml"][0])
    with pytest.raises(
        ValueError,
        match=r"4-chamber view, frame 1 \(from 1\): 1 atria, expected left atrium and right "
        r"atrium; leave the subject out by the quality control, or take mode corrected",
    ):
        atrial_curves(two, four, SA_AFFINE, "compat")


# -- views -----------------------------------------------------------------------------------


@pytest.mark.parametrize("mode", BOTH)
def test_what_needs_a_missing_view_is_unknown(mode):
    two, four = heart()
    whole = atrial_curves(two, four, SA_AFFINE, mode).iloc[0]
    for views, there in (
        ((two, None), {"la_2ch_area_cm2", "la_2ch_length_cm", "la_2ch_ml"}),
        ((None, four), {c for c in CURVE_COLUMNS if c.startswith(("la_4ch", "ra_"))}),
    ):
        found = atrial_curves(*views, SA_AFFINE, mode).iloc[0].drop("frame")
        assert set(found.index[found.notna()]) == there
        assert (found[sorted(there)] == whole[sorted(there)]).all()


def test_a_view_that_fails_does_not_give_the_missing_one_a_volume():
    found = atrial_curves(view([two_pixels()], UPRIGHT), None, SA_AFFINE, "compat").iloc[0]
    assert found["la_2ch_ml"] == 0
    assert np.isnan(found["la_ml"])


def test_frames_are_matched_by_their_part_of_the_beat():
    # Half sizes tell the frames apart. Frame t of 5 is at t/5 of the beat, that is 4t/5 of 4.
    two = view([ellipse(20 + t, 15) for t in range(4)], UPRIGHT)
    four = view([ellipse(20 + t, 15) for t in range(5)], FLAT)
    found = atrial_curves(two, four, SA_AFFINE, "corrected")
    lengths = found["la_2ch_length_cm"].to_numpy()
    assert len(found) == 5
    assert lengths == pytest.approx([4.0, 4.2, 4.4, 4.4, 4.6], abs=0.06)
    assert found["la_4ch_length_cm"].to_numpy() == pytest.approx([4, 4.2, 4.4, 4.6, 4.8], abs=0.06)
    swapped = atrial_curves(four, two, SA_AFFINE, "corrected")
    assert swapped["la_4ch_length_cm"].to_numpy() == pytest.approx(lengths, abs=0.01)


def test_published_frames_are_those_of_the_2_chamber_view():
    four = heart()[1].voxels[0, 0]
    views = view([ellipse(30, 20)] * 2, UPRIGHT), view([four] * 3, FLAT)
    assert len(atrial_curves(*views, SA_AFFINE, "compat")) == 2
    with pytest.raises(
        ValueError,
        match="the 4-chamber view has 3 frames and the 2-chamber view 4, expected no fewer; take "
        "mode corrected",
    ):
        atrial_curves(view([ellipse(30, 20)] * 4, UPRIGHT), views[1], SA_AFFINE, "compat")


@pytest.mark.parametrize("mode", BOTH)
def test_without_any_view_there_is_nothing_to_measure(mode):
    with pytest.raises(ValueError, match="neither a 2-chamber nor a 4-chamber view, expected at"):
        atrial_curves(None, None, SA_AFFINE, mode)


def test_a_view_of_several_slices_is_refused():
    two, four = heart()
    four = four.like(np.repeat(four.voxels, 3, axis=1))
    with pytest.raises(ValueError, match="the 4-chamber view has 3 slices, expected 1; choose one"):
        atrial_curves(two, four, SA_AFFINE, "corrected")


@pytest.mark.parametrize("mode", BOTH)
def test_a_short_axis_without_a_plane_is_refused(mode):
    for affine in (np.zeros((4, 4)), np.full((4, 4), np.nan)):
        with pytest.raises(ValueError, match=r"the short-axis affine \[\[.*\]\] has no plane"):
            atrial_curves(*heart(), affine, mode)


def test_the_long_axis_is_across_slices_and_published_from_slice_to_slice():
    sheared = SA_AFFINE.copy()
    sheared[:3, 2] += 8 * UPRIGHT
    for mode, same in (("corrected", True), ("compat", False)):
        lengths = [
            atrial_curves(*heart(), affine, mode)["la_2ch_length_cm"][0]
            for affine in (SA_AFFINE, sheared)
        ]
        assert (lengths[0] == lengths[1]) == same


# -- measures --------------------------------------------------------------------------------


def table(la_ml, ra_ml, two_ml, four_ml):
    curves = pd.DataFrame(math.nan, np.arange(len(la_ml)), list(CURVE_COLUMNS))
    curves["frame"] = curves.index
    curves["la_ml"], curves["ra_ml"] = la_ml, ra_ml
    curves["la_2ch_ml"], curves["la_4ch_ml"] = two_ml, four_ml
    return curves


# 20 frames: filling to 80 ml in frame 8, passive emptying to 60, contraction from frame 17.
LA_ML = [40, 44, 50, 56, 62, 68, 74, 78, 80, 76, 66, 61, 60, 60, 60, 60, 60, 60, 52, 43]


def test_measures_worked_out_by_hand():
    two_ml, four_ml = [v + 5 for v in LA_ML], [v - 5 for v in LA_ML]
    found = atrial_measures(table(LA_ML, [90.0] * 6 + [60.0] + [100.0] * 13, two_ml, four_ml))
    assert found == pytest.approx(
        {
            "lav_max_ml": 80,
            "lav_min_ml": 40,
            "la_sv_ml": 40,
            "la_ef": 0.5,
            "lav_pre_a_ml": 60,
            "la_passive_ef": 0.25,
            "la_active_ef": 1 / 3,
            "lav_max_2ch_ml": 85,
            "lav_max_4ch_ml": 75,
            "rav_max_ml": 100,
            "rav_min_ml": 60,
            "ra_sv_ml": 40,
            "ra_ef": 0.4,
            "lav_max_frame": 8,
            "lav_min_frame": 0,
            "lav_pre_a_frame": 17,
            "rav_max_frame": 7,
            "rav_min_frame": 6,
        }
    )


def test_unknown_frames_do_not_count():
    la_ml = [math.nan, *LA_ML[1:]]
    found = atrial_measures(table(la_ml, [math.nan] * 20, LA_ML, LA_ML))
    assert (found["lav_min_ml"], found["lav_min_frame"]) == (43, 19)
    for name in ("lav_pre_a_ml", "la_passive_ef", "la_active_ef", "lav_pre_a_frame"):
        assert np.isnan(found[name])
    for name in ("rav_max_ml", "rav_min_ml", "ra_sv_ml", "ra_ef", "rav_max_frame"):
        assert np.isnan(found[name])


def test_an_emptying_fraction_of_nothing_is_unknown():
    found = atrial_measures(table([0.0] * 3, [0.0] * 3, [0.0] * 3, [0.0] * 3))
    assert found["lav_max_ml"] == 0
    assert np.isnan(found["la_ef"])


def test_every_measure_has_a_row_of_its_own():
    found = atrial_measures(table(LA_ML, LA_ML, LA_ML, LA_ML))
    names = [measure.name for measure in ATRIAL]
    assert [name for name in found if not name.endswith("_frame")] == names
    assert len({(m.tissue, m.quantity) for m in ATRIAL}) == len(names)
    assert all((m.unit == "ml") == m.name.endswith("_ml") for m in ATRIAL)
