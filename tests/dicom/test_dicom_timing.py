"""Which tag orders the frames of a cine, how many there are, and where one is missing."""

import math
from dataclasses import replace

import pytest

from cmrseg.dicom.audit import Audit, SubjectError
from cmrseg.dicom.slices import group, phases_of, planes
from cmrseg.dicom.stack import frames_in_time
from cmrseg.dicom.timing import frame_count, frame_places, time_axis
from made_frames import stack

# A fixed order of eight frames that is none of time.
MIXED = (3, 7, 0, 5, 2, 6, 1, 4)


def ordered(frames):
    """Tag, interval, names of the frames of each slice in order of time, and problems."""
    audit = Audit("1")
    slices = planes((f.instance_number, f) for f in frames)
    axis = time_axis(slices, audit)
    shown = [[f.name for f in group(s, axis).frames] for s in slices]
    return axis.tag, axis.interval_s, shown, [row[1] for row in audit.rows]


def cine(frames=8, **changes):
    return stack(7, 3, frames, **changes)


def expected(frames=8):
    return [[f"7/{z:02d}_{t:02d}" for t in range(frames)] for z in range(3)]


# Other tags that tell time, and numbers that do not.
TELLING = {
    "TemporalPositionIdentifier": {"temporal_position": lambda z, t: t + 1.0},
    "AcquisitionTime": {"acquired_s": lambda z, t: 36000 + 10 * z + 0.04 * t},
    "ContentTime": {"created_s": lambda z, t: 36000 + 10 * z + 0.04 * t},
}


def mixed_number(z, t):
    return 8 * z + MIXED[t]


@pytest.mark.parametrize("number", [mixed_number, lambda z, t: 7 - t, lambda z, t: 3 * t + z])
def test_trigger_times_order_frames_whatever_their_numbers(number):
    tag, interval_s, shown, problems = ordered(cine(instance_number=number))
    assert (tag, interval_s, problems) == ("TriggerTime", pytest.approx(0.1), [])
    assert shown == expected()


@pytest.mark.parametrize("trigger_ms", [0.0, math.nan], ids=["equal", "absent"])
@pytest.mark.parametrize("tag", TELLING)
def test_another_tag_orders_frames_where_trigger_times_say_nothing(tag, trigger_ms):
    frames = cine(trigger_ms=trigger_ms, instance_number=mixed_number, **TELLING[tag])
    found, interval_s, shown, problems = ordered(frames)
    assert (found, shown) == (tag, expected())
    assert math.isnan(interval_s)
    assert problems == ["frame interval", "frame order"]


def test_a_tag_that_tells_in_some_slices_alone_is_not_taken():
    position = {"temporal_position": lambda z, t: t + 1.0 if z else 1.0}
    found, *_ = ordered(cine(trigger_ms=0.0, **position, **TELLING["AcquisitionTime"]))
    assert found == "AcquisitionTime"
    found, *_ = ordered(cine(trigger_ms=lambda z, t: 100.0 * t if z else 0.0))
    assert found == "InstanceNumber"


@pytest.mark.parametrize("step_ms", [2000.0, 0.04, 5000.0])
def test_trigger_times_that_make_no_beat_order_frames_and_tell_no_interval(step_ms):
    frames = cine(trigger_ms=lambda z, t: step_ms * t, instance_number=mixed_number)
    tag, interval_s, shown, problems = ordered(frames)
    assert (tag, shown, problems) == ("TriggerTime", expected(), ["frame interval"])
    assert math.isnan(interval_s)


def test_the_interval_is_that_of_most_frames_whatever_gap_there_is():
    # One heartbeat in 8 frames of 50 ms, of which the scanner paused 90 ms before the sixth.
    axis = ordered(cine(trigger_ms=lambda z, t: 50.0 * t + (90 if t > 4 else 0)))
    assert axis[:2] == ("TriggerTime", pytest.approx(0.05))
    lost = [0.0, 40.0, 80.0, 160.0, 200.0, 320.0]
    assert frame_count([lost] * 3, 0) == 9
    assert frame_places([9] * 6, lost, 9) == [0, 1, 2, 4, 5, 8]


def test_positions_in_time_go_before_trigger_times_that_make_no_beat():
    position = TELLING["TemporalPositionIdentifier"]
    frames = cine(trigger_ms=lambda z, t: 2000.0 * MIXED[t], **position)
    tag, _, shown, _ = ordered(frames)
    assert (tag, shown) == ("TemporalPositionIdentifier", expected())


def test_a_beat_is_between_a_fifth_of_a_second_and_three():
    for step_ms, beat in ((25, True), (24.9, False), (375, True), (375.1, False)):
        _, interval_s, _, _ = ordered(cine(trigger_ms=lambda z, t, ms=step_ms: ms * t))
        assert math.isfinite(interval_s) is beat


def test_frames_that_no_tag_tells_apart_are_refused_with_two_files():
    frames = cine(trigger_ms=0.0, instance_number=1)
    with pytest.raises(SubjectError, match=r"7/00_00.*7/00_01: no time tag differs"):
        ordered(frames)


def test_single_images_need_no_time():
    assert ordered(cine(1, trigger_ms=math.nan))[3] == []


# How many frames


def test_the_count_is_that_of_most_slices_and_the_header_decides_ties_alone():
    eight, seven = [100.0 * t for t in range(8)], [100.0 * t for t in range(7)]
    assert frame_count([eight, eight, seven], 1) == 8
    assert frame_count([eight, eight, seven], 7) == 8
    assert frame_count([eight, seven], 7) == 7
    assert frame_count([eight, seven], 30) == 8


def test_slices_that_all_lost_a_frame_have_their_gaps_counted():
    times = [[100.0 * t for t in range(8) if t != lost] for lost in (1, 3, 5)]
    assert frame_count(times, 0) == 8
    # Irregular times are no gaps.
    assert frame_count([[0, 100, 230, 300, 390]] * 3, 0) == 5


@pytest.mark.parametrize("announced", [1, 5, 30])
@pytest.mark.parametrize("number", [lambda z, t: t + 1, lambda z, t: 8 - t, mixed_number])
@pytest.mark.parametrize("lost", range(8))
def test_a_lost_file_leaves_its_gap_where_it_was(number, announced, lost):
    frames = cine(instance_number=number, phases=announced)
    frames = [f for f in frames if f.name != f"7/01_{lost:02d}"]
    slices = planes((f.instance_number, f) for f in frames)
    audit = Audit("1")
    axis = time_axis(slices, audit)
    groups = [group(s, axis) for s in slices]
    assert phases_of(groups, audit) == 8
    shown = frames_in_time(groups[1], 8, published=False, audit=audit, usual=groups[0].times)
    before = (lost - 1) % 8
    want = [f"7/01_{(before if t == lost else t):02d}" for t in range(8)]
    assert [frame.name for frame, _ in shown] == want
    assert [copied for _, copied in shown] == [t == lost for t in range(8)]
    assert [row[1] for row in audit.rows] == ["frame count: metadata", "missing frame"]


def test_places_follow_numbers_only_where_these_grow_with_time():
    times = [0.0, 100.0, 300.0]
    assert frame_places([1, 2, 4], times, 4) == [0, 1, 3]
    usual = [0.0, 100.0, 200.0, 300.0]
    assert frame_places([4, 2, 1], times, 4, usual) == [0, 1, 3]
    # The first frame is lost: its time is that of the other slices.
    assert frame_places([9, 8, 7], [100.0, 200.0, 300.0], 4, usual) == [1, 2, 3]
    assert frame_places([9, 8, 7], [100.0, 200.0, 300.0], 4) == [0, 1, 2]


def test_trigger_times_rounded_to_the_same_value_keep_the_order_of_numbers():
    frames = stack(7, 2, 30, trigger_ms=lambda z, t: float(round(31.4 * t)))
    frames[5] = replace(frames[5], trigger_ms=frames[4].trigger_ms)
    tag, _, shown, _ = ordered(frames)
    assert tag == "TriggerTime"
    assert shown[0][4:6] == ["7/00_04", "7/00_05"]


def test_an_order_against_the_known_trigger_times_is_refused():
    def some(z, t):
        return math.nan if (z, t) == (1, 3) else 100.0 * t

    with pytest.raises(SubjectError, match="7/01_03: missing tag: TriggerTime is absent, and Inst"):
        ordered(cine(trigger_ms=some, instance_number=mixed_number))
    audit = Audit("1")
    frames = cine(trigger_ms=some)
    time_axis(planes((f.instance_number, f) for f in frames), audit)
    assert audit.rows[0][4] == "TriggerTime is absent in 7/01_03"
    # Whether other tags know the order.
    told = {"temporal_position": lambda z, t: t + 1.0}
    tag, _, shown, _ = ordered(cine(trigger_ms=some, instance_number=mixed_number, **told))
    assert (tag, shown) == ("TemporalPositionIdentifier", expected())
