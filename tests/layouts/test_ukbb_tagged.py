"""Tagged cines of UK Biobank: a series for each of three slices in the zip of field 20211."""

from dataclasses import replace

import numpy as np
import pytest

from ukbb_zips import (
    COMPAT,
    FRAMES,
    image,
    imported,
    pictures,
    planes,
    series,
    stored,
    told,
    zip_of,
)

HERE = "1000001"
DESCRIPTION = "cine_tagging_3sl_SAX_b{}s"


def slice_of(number: int, z: int, **options) -> list:
    """Files of the series of slice z, from the base on."""
    description = options.pop("description", DESCRIPTION.format(z + 1))
    return series(HERE, "tag", number, description, z, **options)


def write(raw, *written) -> None:
    (raw / HERE).mkdir(parents=True)
    zip_of(raw / HERE, 20211, [file for files in written for file in files])


@pytest.fixture
def raw(tmp_path):
    return tmp_path / "raw"


def test_three_series_are_a_cine_from_base_to_apex_beside_the_short_axis(raw):
    write(raw, *(slice_of(20 + z, z) for z in range(3)))
    short = [series(HERE, "sa", z, f"CINE_segmented_SAX_b{z + 1}", z) for z in range(5)]
    zip_of(raw / HERE, 20209, [file for files in short for file in files])
    assert imported(raw, ["sa", "tag"]).empty
    np.testing.assert_array_equal(image(raw, "tag").voxels, stored("tag"))
    np.testing.assert_array_equal(image(raw, "sa").voxels, stored("sa")[:, ::-1])


def test_slices_are_in_the_order_of_their_places_whatever_their_numbers(raw):
    order = enumerate((2, 0, 1))
    write(raw, *(slice_of(20 + n, z, description=DESCRIPTION.format(n + 1)) for n, z in order))
    assert imported(raw, ["tag"]).empty
    np.testing.assert_array_equal(image(raw, "tag").voxels, stored("tag"))


def test_a_repeated_series_counts_the_last_time(raw):
    again = pictures("tag", 1, planes()["tag"][1]) + 100
    write(raw, *(slice_of(20 + z, z) for z in range(3)), slice_of(30, 1, images=again))
    audit = imported(raw, ["tag"])
    expected = stored("tag")
    expected[:, 1] = again
    np.testing.assert_array_equal(image(raw, "tag").voxels, expected)
    assert [problem for problem, _ in told(audit)] == ["repeated series"]


def test_a_missing_series_leaves_two_slices(raw):
    write(raw, slice_of(20, 0), slice_of(22, 2))
    imported(raw, ["tag"])
    np.testing.assert_array_equal(image(raw, "tag").voxels, stored("tag")[:, [0, 2]])


def test_slices_of_other_numbers_of_frames_come_to_the_usual_one(raw):
    long = pictures("tag", 1, planes()["tag"][1], FRAMES + 1)
    write(raw, slice_of(20, 0), slice_of(21, 1, images=long), slice_of(22, 2))
    audit = imported(raw, ["tag"])
    assert image(raw, "tag").voxels.shape[0] == FRAMES
    assert not audit.empty


def test_a_subject_without_tags_keeps_its_short_axis(raw):
    write(raw, series(HERE, "sa", 1, "CINE_segmented_SAX_b1", 0))
    audit = imported(raw, ["sa", "tag"])
    assert told(audit) == [("sequence missing or unreadable", "tag")]
    assert "no series of tag among" in audit["detail"][0]


def test_a_slice_in_another_direction_is_removed_by_name(raw):
    place = planes()["tag"][1]
    across = np.cross(place.row_direction, place.column_direction)
    turned = replace(place, column_direction=tuple(across.tolist()))
    write(raw, slice_of(20, 0), slice_of(21, 1), slice_of(22, 2, plane=turned))
    audit = imported(raw, ["tag"])
    assert image(raw, "tag").voxels.shape[1] == 2
    assert [problem for problem, _ in told(audit)] == ["orientation"]


def test_mode_compat_has_the_slices_by_number(raw):
    write(raw, *(slice_of(20 + z, z) for z in range(3)))
    assert imported(raw, ["tag"], COMPAT).empty
    np.testing.assert_array_equal(image(raw, "tag").voxels, stored("tag"))
