"""The rules of cleaning on invented lists of slices."""

import math
import re
from itertools import pairwise

import numpy as np
import pytest

from cmrseg.dicom import audit as problems
from cmrseg.dicom.audit import SubjectError
from cmrseg.dicom.geometry import (
    Slice,
    common_orientation,
    drop_collisions,
    drop_other_planes,
    is_close,
    largest_mode,
    locate_along,
    published_orientation,
    smallest_mode,
)
from cmrseg.dicom.layout import natural
from cmrseg.dicom.spacing import drop_irregular, empirical_spacing_mm, fill_missing, gaps_mm
from cmrseg.dicom.timing import frame_places
from slice_lists import AXIAL, an_audit, found, images, spaced, stack, turned

audit = pytest.fixture(an_audit)


# Modes and closeness


def test_modes_take_the_most_frequent_and_break_ties_by_size():
    assert (largest_mode([1, 2, 2, 1, 3]), smallest_mode([1, 2, 2, 1, 3])) == (2, 1)
    assert largest_mode([(192, 256), (256, 192), (256, 192)]) == (256, 192)
    assert largest_mode([(1, 9), (2, 0)]) == (2, 0)


def test_closeness_adds_a_relative_tolerance_of_the_reference():
    assert is_close(101.0009, 100, 1)
    assert not is_close(101.0011, 100, 1)


def test_series_are_ordered_by_their_numbers():
    assert sorted(["sax_10", "sax_9", "sax_100"], key=natural) == ["sax_9", "sax_10", "sax_100"]


# Orientation


def test_published_orientation_may_mix_slices_but_the_corrected_one_does_not():
    a, b, c = turned(0), turned(30), (1.0, 0, 0, 0, 0.8, 0.6)
    slices = [Slice("a", 1, 0, a), Slice("b", 2, 1, b), Slice("c", 3, 2, c), Slice("d", 4, 3, c)]
    assert published_orientation(slices)[4] == 0.8
    mixed = [Slice("a", 1, 0, (1.0, 0, 0, 0, 1, 0)), Slice("b", 2, 1, (0.0, 1, 0, 1, 0, 0))]
    assert published_orientation(mixed).tolist() == [0, 0, 0, 0, 0, 0]
    assert common_orientation(mixed).tolist() == [0, 1, 0, 1, 0, 0]


def test_corrected_axes_are_orthogonal_unit_vectors_of_a_real_slice():
    rounded = tuple(round(v, 4) for v in turned(17.3, 21.1))
    axes = common_orientation([Slice("a", 1, 0, rounded)])
    np.testing.assert_allclose(axes, rounded, atol=1e-4)
    assert abs(np.linalg.norm(axes[:3]) - 1) < 1e-15
    assert abs(axes[:3] @ axes[3:]) < 1e-15


def test_planes_are_kept_rotated_or_removed_by_their_angle(audit):
    slices = [
        Slice("same", 1, 0, turned(0.5)),
        Slice("rotated", 2, 10, turned(20)),
        Slice("behind", 3, 20, (-1.0, 0, 0, 0, 1, 0)),
        Slice("tilted", 4, 30, turned(0, tilt_deg=30)),
    ]
    kept = drop_other_planes(slices, AXIAL, audit)
    assert [(s.image, s.oblique) for s in kept] == [
        ("same", False),
        ("rotated", True),
        ("behind", True),
    ]
    assert found(audit) == [("orientation", "tilted")]
    angle = float(re.search(r"[\d.]+ degrees", audit.rows[0][4]).group().split()[0])
    assert angle == pytest.approx(30)


def test_locations_are_places_of_image_centres_along_the_normal():
    slices = stack(3, 11, rows=5, columns=7, spacing_mm=(2.0, 1.5))
    assert [s.location_mm for s in locate_along(slices, AXIAL)] == [3, 11]
    tilt = math.radians(1)
    tilted = Slice("t", 1, 0, turned(0, 1), (0, 0, 0), (2.0, 1.5), 5, 7)
    assert locate_along([tilted], AXIAL)[0].location_mm == pytest.approx(4 * math.sin(tilt))


# Collisions


def test_slices_a_millimetre_apart_are_both_kept(audit):
    assert images(drop_collisions(stack(0, 1, 2), audit)) == "abc"
    assert not audit.rows


def test_of_two_series_the_lower_number_is_removed(audit):
    slices = [Slice("z", 3, 0.0), Slice("y", 9, 8.0), Slice("x", 5, 8.4), Slice("w", 4, 16.0)]
    assert images(drop_collisions(slices, audit)) == "zyw"
    assert found(audit) == [("collision", "x")]
    assert audit.rows[0][4] == "at 8.4 mm; kept: y at 8 mm"


def test_in_one_series_the_path_that_sorts_first_is_removed(audit):
    slices = [Slice("sax_5/IM-2", 5, 0.0), Slice("sax_5/IM-1", 5, 0.5)]
    assert drop_collisions(slices, audit) == slices[:1]


def test_of_one_place_the_slice_acquired_later_is_kept_where_time_decides(audit):
    first = Slice("b", 7, 0.0, acquired=(1, 36000.0, 1))
    second = Slice("a", 7, 0.3, acquired=(1, 36600.0, 9))
    assert drop_collisions([second, first], audit, by_time=True) == [second]
    assert drop_collisions([second, first], audit) == [first]


def test_a_chain_of_collisions_compares_with_the_last_kept_slice(audit):
    # b replaces a; c is 1.2 mm from a but 0.6 mm from b, which replaced it; d collides with none.
    assert images(drop_collisions(stack(0, 0.6, 1.2, 2.3), audit)) == "cd"
    assert found(audit) == [("collision", "a"), ("collision", "b")]
    # Here b is removed, so that c is compared with a.
    other = [Slice("a", 9, 0.0), Slice("b", 2, 0.6), Slice("c", 3, 1.2)]
    assert images(drop_collisions(other, audit)) == "ac"


# Spacing


def test_spacing_is_the_smallest_of_the_most_frequent_distances(audit):
    assert empirical_spacing_mm(spaced(8, 8.004, 10, 10, 7), audit) == 8.0
    assert not audit.rows


def test_header_distances_that_differ_are_audited(audit):
    slices = stack(0, 10, slice_distance_mm=4.0) + stack(20, slice_distance_mm=10.0)
    assert empirical_spacing_mm(slices, audit) == 10
    assert found(audit) == [("slice spacing: metadata", "")]
    assert audit.rows[0][4] == "observed values: 4 mm, 10 mm"


def test_a_header_distance_unlike_the_empirical_one_is_audited(audit):
    empirical_spacing_mm(stack(0, 10, 20, slice_distance_mm=10.05), audit)
    assert not audit.rows
    empirical_spacing_mm(stack(0, 10, 20, slice_distance_mm=8.0), audit)
    assert found(audit) == [("slice spacing: empirical/metadata", "")]


def test_a_single_slice_takes_the_distance_of_its_header_or_its_thickness(audit):
    assert empirical_spacing_mm(stack(0, slice_distance_mm=9.0, thickness_mm=6.0), audit) == 9
    assert empirical_spacing_mm(stack(0, thickness_mm=6.0), audit) == 6
    with pytest.raises(SubjectError, match="a: unreadable file: single slice with SliceThickness"):
        empirical_spacing_mm(stack(0), audit)


def test_regular_slices_come_through_unchanged(audit):
    slices = spaced(8, 8.9, 7.1, 8)
    assert fill_missing(slices, 8, audit) == slices
    assert drop_irregular(slices, 8, audit) == slices
    assert not audit.rows


def test_a_gap_of_two_spacings_gets_a_copy_of_the_lower_slice(audit):
    filled = fill_missing(spaced(8, 16.5, 8), 8, audit)
    assert images(filled) == "abbcd"
    assert [s.copied for s in filled] == [False, False, True, False, False]
    assert gaps_mm(filled) == [8, 8, 8.5, 8]
    assert found(audit) == [("slice spacing: missing", "b")]
    assert audit.rows[0][4] == "expected: 8 mm, actual: 16.5 mm"


def test_a_gap_of_three_spacings_is_not_filled(audit):
    assert images(fill_missing(spaced(8, 24), 8, audit)) == "abc"


def test_an_outlier_is_removed_at_the_nearer_end(audit):
    assert images(drop_irregular(spaced(10, 10, 10, 10, 31), 10, audit)) == "abcde"
    assert images(drop_irregular(spaced(31, 10, 10, 10, 10), 10, audit)) == "bcdef"
    assert found(audit) == [("slice spacing: outlier", "f"), ("slice spacing: outlier", "a")]


def test_interspersed_slices_are_removed(audit):
    assert images(drop_irregular(spaced(10, 4, 6, 10), 10, audit)) == "abde"
    assert images(drop_irregular(spaced(10, 3, 3, 4, 10), 10, audit)) == "abef"
    assert [image for _, image in found(audit)] == ["c", "c", "d"]
    assert audit.rows[1][4] == "expected: 10 mm, actual: 3 mm and 3 mm"
    assert audit.rows[2][4] == "expected: 10 mm, actual: 3 mm and 4 mm"


def test_ends_off_by_more_than_a_quarter_are_removed(audit):
    assert images(drop_irregular(spaced(6, 10, 10, 14), 10, audit)) == "bcd"
    assert found(audit) == [("slice spacing: top", "a"), ("slice spacing: bottom", "e")]


def test_an_end_gap_off_by_less_stays_and_is_special(audit):
    assert images(drop_irregular(spaced(8, 10, 10), 10, audit)) == "abcd"
    assert found(audit) == [("slice spacing: special", "a")]
    assert audit.rows[0][4] == "expected: 10 mm, actual: 8 mm, next slice: b"


# Frames


def test_frames_take_the_places_of_their_numbers():
    assert frame_places([1, 2, 4, 5], [0, 40, 120, 160], 5) == [0, 1, 3, 4]
    assert frame_places([2, 3], [40, 80], 3) == [1, 2]


def test_frames_without_usable_numbers_take_the_places_of_their_times():
    assert frame_places([221, 222, 224, 225], [0, 40, 121, 160], 5) == [0, 1, 3, 4]


def test_frames_whose_times_do_not_fit_take_the_first_places():
    assert frame_places([21, 22, 23], [0, 40, 900], 5) == [0, 1, 2]
    assert frame_places([21, 22, 23], [5, 5, 5], 5) == [0, 1, 2]


def test_audit_kinds_have_one_resolution_each():
    kinds = [v for v in vars(problems).values() if isinstance(v, tuple) and len(v) == 2]
    assert len(set(kinds)) == len(kinds)
    assert all(isinstance(text, str) and text for kind in kinds for text in kind)


def test_gaps_are_distances_of_neighbours():
    assert gaps_mm(stack(1, 4, 9)) == [b - a for a, b in pairwise([1.0, 4.0, 9.0])]
