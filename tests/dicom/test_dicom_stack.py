"""The rules of cleaning on invented lists of slices, and on the published log."""

import math
import re
from itertools import pairwise

import numpy as np
import pandas as pd
import pytest

from cmrseg.dicom import audit as problems
from cmrseg.dicom.audit import Audit, SubjectError
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
from cmrseg.dicom.grid import published_affine, target_grid
from cmrseg.dicom.layout import natural
from cmrseg.dicom.spacing import drop_irregular, empirical_spacing_mm, fill_missing, gaps_mm
from cmrseg.dicom.stack import (
    placement_of,
    placements_of,
    published_angle_deg,
    signed_angle_deg,
)
from cmrseg.dicom.timing import frame_places

AXIAL = np.array([1.0, 0, 0, 0, 1, 0])


@pytest.fixture
def audit():
    return Audit("7")


def stack(*locations_mm, **fields):
    """Slices a, b, c, ... at these places, series numbers 1, 2, 3, ..."""
    return [
        Slice(chr(97 + i), i + 1, float(z), position_mm=(0, 0, float(z)), **fields)
        for i, z in enumerate(locations_mm)
    ]


def spaced(*gaps, first=0.0):
    return stack(*np.cumsum([first, *gaps]))


def images(slices):
    return "".join(s.image for s in slices)


def found(audit):
    return [(problem, image) for _, problem, _, image, _ in audit.rows]


def turned(angle_deg, tilt_deg=0.0):
    """In-plane rotation of the axial orientation, after tilting it about its rows."""
    a, b = math.radians(angle_deg), math.radians(tilt_deg)
    row = np.array([1.0, 0, 0])
    column = np.array([0, math.cos(b), math.sin(b)])
    first = math.cos(a) * row + math.sin(a) * column
    second = -math.sin(a) * row + math.cos(a) * column
    return (*first, *second)


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


# Published log. What it tells of a study's gaps, and the rows it has for them.


def published_rows(data, patient):
    """(problem, series folder, gaps named) of a patient's spacing rules."""
    path = data / "published" / "analysis" / "kaggle" / "conversion.log"
    names = ["pid", "problem", "resolution", "image", "extra"]
    log = pd.read_csv(path, sep="\t", names=names, dtype=str, keep_default_na=False)
    log = log[(log["pid"] == patient) & log["problem"].str.startswith("slice spacing: ")]
    rows = []
    for row in log[log["image"] != ""].itertuples():
        gaps = re.search("actual: (.*?)(, next|$)", row.extra).group(1)
        rows.append(
            (row.problem, row.image.split("/")[-2], [float(g) for g in gaps.split(" and ")])
        )
    return rows


def series(names, gaps):
    """Slices of these folders with the given distances between them."""
    numbers = range(1, len(names) + 1)
    places = np.cumsum([0.0, *gaps])
    return [Slice(n, i, z) for n, i, z in zip(names, numbers, places, strict=True)]


def regular(count, prefix="x"):
    return [f"{prefix}{i}" for i in range(count)]


# Slices in order of location: names as in the log where it gives them, x and y elsewhere; and their
# distances, from the log, with regular ones where the log is silent (there is nothing to log).
LOGGED = {
    "611": (
        [*regular(8), "sax_65", "sax_66", "sax_67", "sax_68"],
        [10] * 7 + [32.000068287315, 5.999997674022, 6.0000327447, 5.9999615262],
        10.0,
    ),
    "755": (["sax_11", *regular(8)], [61.804591094556706] + [10] * 7, 10.0),
    "436": (
        [
            "sax_41",
            *regular(3),
            "sax_39",
            "y0",
            "sax_38",
            "sax_37",
            "y1",
            "sax_34",
            *regular(3, "z"),
        ],
        [
            *(6.000000954032004, 10.02, 10.02, 5.999996172121996, 3.9599713123390075),
            *(2.040005223462998, 6.000001186839995, 1.9799917671970064),
            *(4.02001728662799, 6.000001225641, 10.02, 10.02),
        ],
        10.02,
    ),
    "506": (
        [*regular(4), "sax_60", "sax_59", "y0", "sax_57", "sax_58", *regular(3, "z")],
        [
            *(10, 10, 10, 3.2998852910859995, 3.9999993218249976, 2.7001144466970004),
            *(1.2998814170749995, 4.000001339768005, 4.700115291021994, 10, 10),
        ],
        10.0,
    ),
    "280": (
        [*regular(3), "sax_18", "sax_17", "sax_19", "sax_16", *regular(2, "z")],
        [
            *(10, 10, 6.871496218800999, 1.2647863513988007, 1.8637212023686),
            *(8.13627837823956, 10, 10),
        ],
        10.0,
    ),
    "546": (
        [*regular(3), "sax_45", "y0", "sax_44", "y1", "sax_43", "sax_9", "sax_42", "z0", "z1"],
        [
            *(10, 10, 6.266806618918, 3.7331956079486996, 6.2668043060876, 3.7331956079485),
            *(6.266804306087599, 3.7331956079486, 6.266805672086999, 10, 10),
        ],
        10.0,
    ),
    "679": (
        [
            *regular(2),
            "sax_53",
            "y0",
            "sax_54",
            *regular(3, "z"),
            "sax_52",
            "sax_51",
            "sax_50",
            "w",
        ],
        [
            *(10, 6.0000002338687, 3.9999606112806, 2.0000425972088, 7.9999590857574),
            *(10, 10, 10, 6.000001721179, 6.000000233869001, 6.000001587042499),
        ],
        10.0,
    ),
    "514": (
        [*regular(6), "sax_8", "y0", "sax_7"],
        [10] * 5 + [2.849848230315004, 7.1501527946909995, 2.8498458844039973],
        10.0,
    ),
    "578": (
        [*regular(5), "sax_9", "y0", "sax_8", "y1", "sax_7"],
        [
            *(10, 10, 10, 10, 4.405701572101002, 5.594298592600001),
            *(4.405701791393998, 5.594300492665001, 4.405701892312999),
        ],
        10.0,
    ),
}


@pytest.mark.parametrize("patient", LOGGED)
def test_logged_gaps_give_the_logged_decisions(data, audit, patient):
    names, gaps, spacing_mm = LOGGED[patient]
    slices = series(names, gaps)
    filled = fill_missing(slices, spacing_mm, audit)
    drop_irregular(filled, spacing_mm, audit)
    expected = published_rows(data, patient)
    decided = []
    for _, problem, _, image, detail in audit.rows:
        actual = re.search("actual: (.*?)(, next|$)", detail).group(1)
        measured = [float(gap.removesuffix(" mm")) for gap in actual.split(" and ")]
        decided.append((problem, image, measured))
    assert [(p, i) for p, i, _ in decided] == [(p, i) for p, i, _ in expected]
    for (_, _, ours), (_, _, logged) in zip(decided, expected, strict=True):
        assert ours == pytest.approx(logged, abs=0.0051)


# Target geometry


def affine_of(slices, grid, audit):
    return placements_of(slices, grid, False, audit)[1]


def test_grid_takes_the_usual_matrix_and_spacing_and_scales_large_images(audit):
    slices = stack(0, 8, rows=400, columns=300, spacing_mm=(0.75, 0.75))
    slices += stack(16, rows=256, columns=192, spacing_mm=(1.5, 1.5))
    grid = target_grid(slices, AXIAL, 8.0, 256, False, audit)
    assert grid.shape == (256, 192)
    assert grid.spacing_mm == (8.0, 0.75 * 400 / 256, 0.75 * 300 / 192)
    assert found(audit) == [("image size >256", "")]
    assert target_grid(slices, AXIAL, 8.0, None, False, audit).shape == (400, 300)


def test_published_spacing_ignores_that_pixels_are_whole(audit):
    slices = stack(0, 8, rows=500, columns=333, spacing_mm=(1.0, 1.0))
    published = target_grid(slices, AXIAL, 8.0, 256, True, audit)
    exact = target_grid(slices, AXIAL, 8.0, 256, False, audit)
    assert published.shape == exact.shape == (256, 170)
    assert published.spacing_mm[2] == 1 / 0.512
    assert exact.spacing_mm[2] == 333 / 170


def test_axes_off_unit_length_are_audited(audit):
    target_grid(stack(0, 8), AXIAL * 1.02, 8.0, 256, True, audit)
    assert found(audit) == [("axis scaling", ""), ("axis scaling", "")]


def test_slice_distance_is_the_median_of_the_regular_ones(audit):
    slices = spaced(10.021, 10.018, 10.019, 6)
    assert target_grid(slices, AXIAL, 10.02, 256, False, audit).spacing_mm[0] == pytest.approx(
        10.019
    )
    assert target_grid(slices, AXIAL, 10.02, 256, True, audit).spacing_mm[0] == 10.02


def test_a_slice_with_other_pixels_is_scaled_and_audited(audit):
    slices = stack(0, 8, 16, rows=20, columns=10)
    other = stack(24, rows=18, columns=10, spacing_mm=(1.1, 1.2))[0]
    grid = target_grid(slices, AXIAL, 8.0, 256, False, audit)
    placement = placement_of(other, grid, False, audit)
    assert (placement.scale_y, placement.scale_x) == (1.1, 1.2)
    assert found(audit) == [("pixel spacing", "a"), ("image size", "a")]
    assert audit.rows[1][4] == "expected: 20 rows x 10 columns; actual: 18 rows x 10 columns"


@pytest.mark.parametrize("angle_deg", [-78.5, -10, 10, 78.5, 170])
def test_signed_angle_turns_a_slice_back_whichever_way_it_was_turned(angle_deg):
    # Rows and columns turned by +a show the object turned by -a (y downwards: clockwise).
    assert signed_angle_deg(turned(angle_deg), AXIAL) == (pytest.approx(-angle_deg), False)
    assert published_angle_deg(turned(angle_deg), AXIAL) == pytest.approx(abs(angle_deg))


def test_a_plane_seen_from_behind_is_mirrored():
    assert signed_angle_deg((-1.0, 0, 0, 0, 1, 0), AXIAL) == (pytest.approx(0), True)


def test_affine_of_a_clean_stack_is_exact(audit):
    slices = stack(5, 13, rows=12, columns=10, spacing_mm=(1.5, 1.25))
    grid = target_grid(slices, AXIAL, 8.0, 256, False, audit)
    expected = [[-1.25, 0, 0, 0], [0, -1.5, 0, 0], [0, 0, 8, 5], [0, 0, 0, 1]]
    np.testing.assert_allclose(affine_of(slices, grid, audit), expected, atol=1e-12)
    np.testing.assert_allclose(published_affine(slices[0], grid), expected, atol=1e-12)


def test_affine_keeps_the_image_centre_when_images_are_scaled(audit):
    slices = stack(0, 8, rows=400, columns=300, spacing_mm=(0.8, 0.8))
    grid = target_grid(slices, AXIAL, 8.0, 256, False, audit)
    centre = affine_of(slices, grid, audit) @ [(192 - 1) / 2, (256 - 1) / 2, 0, 1]
    np.testing.assert_allclose(centre[:3], [-0.8 * 299 / 2, -0.8 * 399 / 2, 0], atol=1e-9)


def test_affine_follows_the_odd_pixel_of_a_padded_lowest_slice(audit):
    slices = stack(0, 8, 16, rows=10, columns=10)
    small = stack(0, rows=7, columns=10)[0]
    grid = target_grid(slices, AXIAL, 8.0, 256, False, audit)
    # Three rows are added, two of them on the low side: own row 0 becomes row 2.
    np.testing.assert_allclose(
        affine_of([small], grid, audit) @ [0, 2, 0, 1], [0, 0, 0, 1], atol=1e-12
    )


def test_affine_follows_a_quarter_turn(audit):
    slices = stack(0, 8, rows=10, columns=16, spacing_mm=(2.0, 1.0))
    grid = target_grid(slices, AXIAL, 8.0, 256, False, audit)
    assert grid.turned_shape == (16, 10)
    affine = affine_of(slices, grid, audit)
    # The first pixel of the DICOM image goes to the lower left: column 0, row 15.
    np.testing.assert_allclose(affine @ [0, 15, 0, 1], [0, 0, 0, 1], atol=1e-12)
    # The last column of its first row goes to the upper left, its last row to the right.
    np.testing.assert_allclose(affine @ [0, 0, 0, 1], [-15, 0, 0, 1], atol=1e-12)
    np.testing.assert_allclose(affine @ [9, 15, 0, 1], [0, -18, 0, 1], atol=1e-12)
    assert np.linalg.det(affine) > 0


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
