"""Series of UK Biobank that were acquired again, lack frames, or hold several slices or views."""

from dataclasses import replace

import numpy as np
import pytest

from cmrseg.files import read_table
from ukbb_zips import (
    COMPAT,
    CORRECTED,
    FRAMES,
    SLICES,
    both_tables,
    image,
    imported,
    pictures,
    planes,
    series,
    stored,
    told,
    write_subject,
    zip_of,
)

HERE = "1000001"
AO = "CINE_segmented_Ao_dist"
BOTH = pytest.mark.parametrize("settings", [CORRECTED, COMPAT], ids=lambda s: s["mode"])


@pytest.fixture
def raw(tmp_path):
    (tmp_path / "raw" / HERE).mkdir(parents=True)
    return tmp_path / "raw"


def again(number, uid, **options):
    """The aortic cine acquired once more, brighter by its number. uid: of the series."""
    plane = planes()["ao"][0]
    images = pictures("ao", 0, plane) + 1000 * number
    return series(HERE, "ao", number, AO, images=images, SeriesInstanceUID=uid, **options)


def brightness(raw):
    """By which of the acquisitions of `again` an image was made."""
    return image(raw, "ao").voxels.mean() // 1000


def repeated(raw, *acquisitions):
    zip_of(raw / HERE, 20210, [file for files in acquisitions for file in files])


# -- repeated series -------------------------------------------------------------------------------


@pytest.mark.parametrize(("settings", "kept"), [(CORRECTED, 3), (COMPAT, 1)])
def test_of_repeated_series_the_last_counts_by_time_or_as_published_by_name(raw, settings, kept):
    repeated(raw, again(1, "2.25.9"), again(2, "2.25.8"), again(3, "2.25.10"))
    audit = imported(raw, ["ao"], settings)
    assert brightness(raw) == kept
    assert set(audit["problem"]) == {"repeated series"}
    why = "acquired earlier, or cut short (AcquisitionTime)"
    why = why if settings is CORRECTED else "its SeriesInstanceUID sorts before"
    assert len(audit) == 2
    assert all(f"{FRAMES} images, {why}; kept: " in detail for detail in audit["detail"])


def test_a_last_series_that_was_cut_short_does_not_count(raw):
    repeated(raw, again(1, "2.25.1"), again(2, "2.25.2")[:2])
    audit = imported(raw, ["ao"])
    assert brightness(raw) == 1
    assert "2 images, acquired earlier, or cut short" in audit["detail"].item()


def test_without_times_numbers_tell_which_series_is_later(raw):
    repeated(
        raw,
        again(2, "2.25.1", AcquisitionTime=None),
        again(1, "2.25.2", AcquisitionTime=None),
    )
    audit = imported(raw, ["ao"])
    assert brightness(raw) == 2
    assert "(SeriesNumber)" in audit["detail"].item()


def test_a_slice_acquired_again_elsewhere_takes_the_place_of_the_first(raw):
    write_subject(raw / HERE, HERE, ["sa"])
    plane = planes()["sa"][1]
    nearer = tuple(np.add(plane.position_mm, 3 * plane.normal).tolist())
    late = series(HERE, "sa", 99, "CINE_segmented_SAX_b2", plane=replace(plane, position_mm=nearer))
    zip_of(raw / HERE, 20299, late)
    audit = imported(raw)
    assert told(audit)[0][0] == "repeated series"
    sources = read_table(raw.parent / f"images/{HERE}/sources.tsv")
    assert 99 in set(sources["series_number"])
    assert 2 not in set(sources["series_number"])


# -- frames ----------------------------------------------------------------------------------------


def without_frame(written, frame):
    """The files of a series without that of a frame, counted from 1."""
    uids = [n for n, *_ in written]
    return [file for file in written if file[0] != uids[frame - 1]]


def test_a_missing_frame_is_a_copy_of_the_one_before(raw):
    repeated(raw, without_frame(again(1, "2.25.1"), 3))
    audit = imported(raw, ["ao"])
    assert [problem for problem, _ in told(audit)] == ["missing frame"]
    assert f"frame 3 of {FRAMES}: copy of" in audit["detail"].iloc[-1]
    expected = stored("ao") + 1000
    expected[2] = expected[1]
    np.testing.assert_array_equal(image(raw, "ao").voxels, expected)


def test_as_published_missing_frames_are_at_the_end(raw):
    repeated(raw, without_frame(again(1, "2.25.1"), 3))
    audit = imported(raw, ["ao"], COMPAT)
    assert f"frame {FRAMES} of {FRAMES}: copy of" in audit["detail"].item()
    expected = (stored("ao") + 1000)[[0, 1, 3, 4, 5, 5]]
    np.testing.assert_array_equal(image(raw, "ao").voxels, expected)


@BOTH
def test_a_slice_with_a_missing_frame_is_repaired_in_its_stack(raw, settings):
    whole = [series(HERE, "sa", n + 1, f"CINE_segmented_SAX_b{n + 1}", n) for n in range(SLICES)]
    whole[2] = without_frame(whole[2], 6)
    zip_of(raw / HERE, 20209, [file for files in whole for file in files])
    audit = imported(raw, ["sa"], settings)
    assert [problem for problem, _ in told(audit)] == ["missing frame"]
    expected = stored("sa")
    expected[5, 2] = expected[4, 2]
    expected = expected[:, ::-1] if settings is CORRECTED else expected
    np.testing.assert_array_equal(image(raw).voxels, expected)


# -- several slices or views in one series ---------------------------------------------------------


def mixed(sequences, description, names=None):
    """Series that share a description. names: of the files of each, in place of identifiers."""
    found = []
    for number, (sequence, n) in enumerate(sequences, 1):
        files = series(HERE, sequence, number, description, n, SeriesInstanceUID="2.25.7")
        if names:
            files = [
                (f"{names[number - 1]}{t}.dcm", content, told)
                for t, (_, content, told) in enumerate(files)
            ]
        found += files
    return found


def test_slices_of_one_series_are_told_by_their_places(raw):
    zip_of(raw / HERE, 20209, mixed([("sa", n) for n in range(SLICES)], "CINE_segmented_SAX"))
    audit = imported(raw)
    assert [problem for problem, _ in told(audit)] == ["several slices or views in one series"]
    assert audit["detail"].item() == f"{SLICES} slices, by their places"
    np.testing.assert_array_equal(image(raw).voxels, stored("sa")[:, ::-1])


def test_as_published_slices_of_one_series_are_told_by_names(raw):
    written = mixed([("sa", n) for n in range(3)], "CINE_segmented_SAX", "bca")
    extra = series(HERE, "sa", 9, "CINE_segmented_SAX", 4)[:2]
    extra = [(f"d{n}.dcm", content, told) for n, (_, content, told) in enumerate(extra)]
    zip_of(raw / HERE, 20209, written + extra)
    audit = imported(raw, ["sa"], COMPAT)
    assert [problem for problem, _ in told(audit)] == ["extra frame"] * 2
    np.testing.assert_array_equal(image(raw).voxels, stored("sa")[:, [2, 0, 1]])


LONG = [("la_2ch", 0), ("la_4ch", 0), ("la_3ch", 0)]


def test_views_of_one_series_are_told_by_their_places(raw):
    # By the order of names, 3-, 4-, 2-chamber, all three would be other ones.
    zip_of(raw / HERE, 20208, mixed(LONG, "CINE_segmented_LAX", "acb"))
    views = [view for view, _ in LONG]
    audit, headers = both_tables(raw, views)
    assert len(headers) == 3 * FRAMES
    for view in views:
        np.testing.assert_array_equal(image(raw, view).voxels, stored(view))
    assert audit["detail"].tolist() == [f"{view} by the place of its plane" for view in views]


def test_as_published_views_of_one_series_are_told_by_names(raw):
    zip_of(raw / HERE, 20208, mixed(LONG, "CINE_segmented_LAX", "acb"))
    imported(raw, ["la_2ch", "la_3ch", "la_4ch"], COMPAT)
    for found, written in (("la_3ch", "la_2ch"), ("la_4ch", "la_3ch"), ("la_2ch", "la_4ch")):
        np.testing.assert_array_equal(image(raw, found).voxels, stored(written))


def test_views_whose_places_tell_nothing_are_told_by_names(raw):
    # Two of the three planes lie across the heart.
    strange = [("la_2ch", 0), ("ao", 0), ("sa", 0)]
    zip_of(raw / HERE, 20208, mixed(strange, "CINE_segmented_LAX", "abc"))
    audit = imported(raw, ["la_3ch"])
    assert audit["detail"].tolist() == ["la_3ch by the order of names"]
    np.testing.assert_array_equal(image(raw, "la_3ch").voxels, stored("la_2ch"))


def test_views_that_nothing_tells_are_refused(raw):
    strange = [("la_2ch", 0), ("ao", 0), ("sa", 0)]
    zip_of(raw / HERE, 20208, mixed(strange, "CINE_segmented_LAX", "abc")[:-2])
    audit = imported(raw, ["la_3ch"])
    assert audit["resolution"].tolist() == ["subject excluded"]
    assert "3 long-axis planes; places do not tell the views: a series of several views has " in (
        audit["detail"].item()
    )
    assert f"{3 * FRAMES - 2} files, expected 3 times the {FRAMES}" in audit["detail"].item()


def test_a_view_that_is_not_among_mixed_ones_is_missing(raw):
    zip_of(raw / HERE, 20208, mixed(LONG[:2], "CINE_segmented_LAX"))
    audit = imported(raw, ["la_2ch", "la_3ch"])
    assert "among the long-axis planes are only la_2ch, la_4ch" in audit["detail"].iloc[-1]
    np.testing.assert_array_equal(image(raw, "la_2ch").voxels, stored("la_2ch"))


def test_mixed_views_do_not_count_beside_named_ones(raw):
    write_subject(raw / HERE, HERE, ["la_4ch"])
    zip_of(raw / HERE, 20299, mixed(LONG, "CINE_segmented_LAX"))
    audit = imported(raw, ["la_4ch", "la_2ch"])
    assert [problem for problem, _ in told(audit)] == [
        "other series",
        "sequence missing or unreadable",
    ]


def other_uid(name):
    """Another identifier than that of a file's name, and as long."""
    return name[:-5] + str((int(name[-5]) + 5) % 10)


def test_a_view_in_two_planes_is_refused(raw):
    one = planes()["ao"][0]
    moved = replace(one, position_mm=tuple(np.add(one.position_mm, 5 * one.normal).tolist()))
    other = [
        (f"b{name}", content.replace(name[:-4].encode(), other_uid(name).encode()), d)
        for name, content, d in series(HERE, "ao", 1, AO, plane=moved)
    ]
    repeated(raw, series(HERE, "ao", 1, AO), other)
    audit = imported(raw, ["ao"])
    assert "the series of ao lies in 2 planes" in audit["detail"].iloc[-1]


# -- tagging ---------------------------------------------------------------------------------------


@BOTH
def test_tagged_slices_are_kept_whatever_their_distances(raw, settings):
    # Gaps of 10 and 30 mm: cleaning would remove or copy slices of a stack.
    places = [planes()["sa"][n] for n in (0, 1, 4)]
    written = [
        file
        for n, plane in enumerate(places)
        for file in series(HERE, "tag", n + 1, f"cine_tagging_3sl_SAX_b{n + 1}s", plane=plane)
    ]
    zip_of(raw / HERE, 20211, written)
    audit = imported(raw, ["tag"], settings)
    cine = image(raw, "tag")
    assert cine.voxels.shape[:2] == (FRAMES, 3)
    if settings is CORRECTED:
        assert set(audit["problem"]) == {"slice spacing: special"}
        assert cine.spacing_mm[0] == pytest.approx(20)
