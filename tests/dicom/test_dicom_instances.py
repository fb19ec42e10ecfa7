"""One file for each image, and one image for each place and time."""

import math
from dataclasses import replace

import numpy as np
import pytest

from cmrseg.dicom.audit import Audit, SubjectError
from cmrseg.dicom.choice import choose
from cmrseg.dicom.instances import across_midnight, without_copies
from made_frames import names, shown, stack

CINE = stack(7, 3, 4)


def again(frames, **changes):
    """The same images with other file names, and what else is changed."""
    return [replace(frame, name=f"again/{frame.name}", **changes) for frame in frames]


@pytest.mark.parametrize("count", [1, 4, 12])
@pytest.mark.parametrize("identified", [True, False])
def test_copies_of_files_are_left_out_and_audited(count, identified):
    cine = CINE if identified else [replace(frame, instance="") for frame in CINE]
    audit = Audit("1")
    assert without_copies(cine + again(cine[:count]), audit) == cine
    assert [row[1:4:2] for row in audit.rows] == [
        ("duplicate file", f"again/{frame.name}") for frame in cine[:count]
    ]


@pytest.mark.parametrize(
    "changes",
    [
        {"pixels": np.ones((6, 5))},
        {"pixels": np.full((6, 6), 700)},
        {"trigger_ms": 33.0},
        {"position_mm": (0.0, 0.0, 1.0)},
    ],
    ids=lambda changes: next(iter(changes)),
)
def test_one_identifier_of_two_images_is_refused_with_both_files(changes):
    with pytest.raises(
        SubjectError, match=r"again/7/00_00: duplicate image: .* of 7/00_00, but a diff"
    ):
        without_copies(CINE + again(CINE[:1], **changes), Audit("1"))


def twice(**changes):
    """A cine whose middle slice is there again under the same number, with other identifiers."""
    second = [
        replace(f, instance=f"{f.instance}.9", pixels=f.pixels + 50, **changes)
        for f in again(CINE[4:8])
    ]
    return CINE + second, second


def chosen(frames):
    audit = Audit("1")
    slices, _ = choose(frames, None, audit)
    return shown(slices), audit.rows


def test_of_two_acquisitions_of_a_slice_the_later_one_is_kept():
    frames, second = twice(origin=replace(CINE[0].origin, acquisition=2))
    first = [replace(f, origin=replace(f.origin, acquisition=1)) for f in frames[:12]]
    found, rows = chosen(first + second)
    assert found == names(CINE[:4], second, CINE[8:])
    assert [row[1:4] for row in rows] == [("collision", "slice removed", "7/01_00")]
    assert rows[0][4] == (
        "4 images of an earlier acquisition (AcquisitionNumber); kept: again/7/01_00"
    )


def test_acquisitions_are_told_apart_by_their_time_of_day():
    frames, second = twice(acquired_s=36600.0)
    first = [replace(f, acquired_s=36000.0) for f in frames[:12]]
    assert chosen(first + second)[0] == names(CINE[:4], second, CINE[8:])


@pytest.mark.parametrize(
    ("changes", "differing"),
    [
        ({}, "no tag tells them apart"),
        ({"instance_number": 99}, "they differ in InstanceNumber"),
        ({"origin": replace(CINE[0].origin, echo=2)}, "they differ in EchoNumbers"),
        (
            {"origin": replace(CINE[0].origin, image_type=("ORIGINAL", "", "M", "NORM"))},
            "they differ in ImageType",
        ),
    ],
    ids=["nothing", "number", "echo", "type"],
)
def test_two_images_of_one_place_and_time_are_refused_with_the_tags_that_differ(changes, differing):
    frames, _ = twice(**changes)
    with pytest.raises(SubjectError, match=f"again/7/01_00: .* and 7/01_00 have .*{differing}"):
        chosen(frames)


def test_slices_that_all_have_one_position_are_refused():
    located = stack(7, 3, 4, position_mm=(0.0, 0.0, 0.0), slice_location_mm=lambda z, t: 10.0 * z)
    with pytest.raises(
        SubjectError, match="have the same ImagePositionPatient; they differ in Slice"
    ):
        chosen(located)
    with pytest.raises(
        SubjectError, match="have the same position and time; they differ in InstanceN"
    ):
        chosen(stack(7, 3, 4, position_mm=(0.0, 0.0, 0.0)))


def test_two_frames_of_nearly_one_time_are_no_second_acquisition():
    frames = stack(7, 3, 20)
    frames[3] = replace(frames[3], trigger_ms=frames[2].trigger_ms)
    assert chosen(frames) == (names(frames), [])


def rounds(**changes):
    """A cine without times, each slice of it twice; changes: fields of the second, as `stack`'s."""
    first = stack(7, 3, 4, trigger_ms=math.nan, acquisition=1)
    second = stack(7, 3, 4, trigger_ms=math.nan, **{"acquisition": 1, **changes})
    moved = {"instance_number": 50}
    return first, [
        replace(f, **{k: getattr(f, k) + v for k, v in moved.items()}, instance=f"{f.instance}.9")
        for f in again(second)
    ]


def test_without_times_the_later_of_two_acquisitions_is_kept_too():
    first, second = rounds(acquisition=2)
    assert chosen(first + second)[0] == names(second)
    first = [replace(f, acquired_s=36000.0) for f in first]
    second = [replace(f, acquired_s=36600.0, origin=first[0].origin) for f in second]
    assert chosen(second + first)[0] == names(second)


@pytest.mark.parametrize(
    ("changes", "tag"),
    [({"image_type": ("ORIGINAL", "", "M", "NORM")}, "ImageType"), ({"echo": 2}, "EchoNumbers")],
)
def test_without_times_two_kinds_of_image_are_refused(changes, tag):
    first, second = rounds(**changes)
    with pytest.raises(SubjectError, match=f"again/7/00_00: .* and 7/00_00 .*differ in {tag}"):
        chosen(first + second)


def test_numbers_and_seconds_that_change_within_a_beat_are_no_acquisitions():
    cine = stack(7, 3, 4, trigger_ms=math.nan, acquisition=lambda z, t: t + 1)
    assert chosen(cine) == (names(cine), [])
    cine = stack(7, 3, 4, trigger_ms=math.nan, acquired_s=lambda z, t: 36000.0 + t // 2)
    assert chosen(cine) == (names(cine), [])


@pytest.mark.parametrize("tag", ["acquisition", "acquired_s"])
@pytest.mark.parametrize("trigger_ms", [lambda z, t: 100.0 * t, math.nan])
def test_slices_of_one_position_are_no_acquisitions_of_one_slice(tag, trigger_ms):
    told = {tag: lambda z, t: 100 + 20 * z}
    frames = stack(7, 3, 4, position_mm=(0.0, 0.0, 0.0), trigger_ms=trigger_ms, **told)
    with pytest.raises(
        SubjectError, match="have the same position and time; they differ in Acquis"
    ):
        chosen(frames)


def test_a_stray_image_of_one_time_among_many_is_refused():
    frames = stack(7, 3, 25)
    stray = replace(frames[30], name="stray", instance="9", instance_number=200)
    with pytest.raises(
        SubjectError, match=r"stray: .* and 7/01_05 have the same position and time"
    ):
        chosen([*frames, replace(stray, pixels=stray.pixels + 1)])


def test_times_of_day_go_on_across_midnight():
    late = 86400 - 0.2
    frames = stack(7, 1, 4, acquired_s=lambda z, t: (late + 0.1 * t) % 86400)
    moved = across_midnight(frames)
    assert [f.acquired_s for f in moved] == pytest.approx([late + 0.1 * t for t in range(4)])
    assert all(math.isnan(f.created_s) for f in moved)
    assert across_midnight(CINE) == CINE


@pytest.mark.parametrize("tag", ["acquisition", "acquired_s"])
@pytest.mark.parametrize("steps_ms", [(100.0, 103.0), (100.0, 90.0)])
def test_acquisitions_in_two_heart_rates_are_two_all_the_same(tag, steps_ms):
    """Their trigger times differ, and would alternate in one cine of twice as many frames."""

    def acquired(k):
        at = {"acquisition": k + 1, "acquired_s": lambda z, t: 36000.0 + 60 * k + 0.04 * t}
        name = {"name": lambda z, t: f"{k}/{z}_{t}", "instance": lambda z, t: f"9.{k}.{z}.{t}"}
        times = {"trigger_ms": lambda z, t: 2.0 * k + steps_ms[k] * t, tag: at[tag]}
        return stack(7, 3, 8, instance_number=lambda z, t: 30 * k + 8 * z + t, **name, **times)

    assert chosen(acquired(1) + acquired(0))[0] == names(acquired(1))


def test_numbers_tell_two_rounds_of_one_slice_that_no_other_tag_tells():
    first = stack(7, 3, 8)
    second = [
        replace(f, instance=f"{f.instance}.9", trigger_ms=f.trigger_ms + 40, instance_number=50 + i)
        for i, f in enumerate(again(first))
    ]
    with pytest.raises(
        SubjectError, match=r"again/7/00_00: .* have the same position, and their times overlap"
    ):
        chosen(first + second)
    # Numbers that begin elsewhere in the beat, or say nothing, are of one cine.
    for number in (lambda z, t: (t + 3) % 8, lambda z, t: 5 * t % 8):
        cine = stack(7, 3, 8, instance_number=number)
        assert chosen(cine) == (names(cine), [])
