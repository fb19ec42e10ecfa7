"""The time of each image: which tag orders the frames of a cine, and where one is missing."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from cmrseg.cine import is_beat
from cmrseg.dicom.audit import (
    FRAME_ORDER,
    MISSING_TAG,
    UNKNOWN_INTERVAL,
    UNREADABLE,
    Audit,
    SubjectError,
)
from cmrseg.dicom.headers import Frame

# Times may be equal where they were rounded: in a slice at least this fraction differs.
DIFFERENT = 0.9
# A frame lies on a regular axis within this fraction of the interval.
REGULAR = 0.25

# A slice: the number of each of its files (by name or InstanceNumber), and the file.
Numbered = Sequence[tuple[int, Frame]]


@dataclass(frozen=True)
class Axis:
    """The tag that orders the frames of all slices. interval_s: nan where no tag tells it."""

    tag: str
    value: Callable[[int, Frame], float]
    interval_s: float = math.nan


TRIGGER = Axis("TriggerTime", lambda number, frame: frame.trigger_ms)
# In order of what they prove; the number of a file proves least.
OTHERS = (
    Axis("TemporalPositionIdentifier", lambda number, frame: frame.temporal_position),
    TRIGGER,
    Axis("AcquisitionTime", lambda number, frame: frame.acquired_s),
    Axis("ContentTime", lambda number, frame: frame.created_s),
    Axis("InstanceNumber", lambda number, frame: number),
)


def time_axis(slices: Sequence[Numbered], audit: Audit) -> Axis:
    """The tag that orders the frames of every slice, the same for all.

    TriggerTime, if its values differ within each slice and make a heartbeat of the frames. Else
    the first of OTHERS whose values differ; the interval is then unknown, as these tags tell an
    order, and their times may be those of another beat or of the scanner's disk. Both are audited.
    Raises SubjectError naming two files of one time where no tag tells them apart.
    """
    cine = [numbered for numbered in slices if len(numbered) > 1]
    if not cine:
        return TRIGGER
    usual = _intervals_s(cine) if _orders(TRIGGER, cine) else []
    interval_s = float(np.median(np.concatenate(usual))) if usual else math.nan
    if is_beat(interval_s, int(np.median([len(numbered) for numbered in cine]))):
        return Axis(TRIGGER.tag, TRIGGER.value, interval_s)
    chosen = next((axis for axis in OTHERS if _orders(axis, cine)), None)
    if chosen is None:
        first, second = _same_time(cine)
        raise SubjectError(
            UNREADABLE,
            first,
            f"has the same position and time as {second}: no time tag differs between all frames "
            "of a slice; remove one of the two, or export the series again with TriggerTime",
        )
    missing = [f.name for numbered in cine for _, f in numbered if math.isnan(f.trigger_ms)]
    if usual:
        said = f"TriggerTime implies a heartbeat of {interval_s * len(cine[0]):.3g} s"
    elif missing:
        _check_known_times(chosen, cine, missing[0])
        some = len(missing) < sum(map(len, cine))
        said = f"TriggerTime is absent{f' in {missing[0]}' if some else ''}"
    else:
        said = "TriggerTime is the same in several frames"
    audit.add(UNKNOWN_INTERVAL, "", said)
    if chosen is not TRIGGER:
        audit.add(FRAME_ORDER, "", f"{said}; frames are sorted by {chosen.tag}")
    return chosen


def _check_known_times(chosen: Axis, slices: Sequence[Numbered], without: str) -> None:
    """Refuse an order that is against the TriggerTimes of files that have one."""
    for numbered in slices:
        known = [(f.trigger_ms, n, f) for n, f in numbered if not math.isnan(f.trigger_ms)]
        known.sort(key=lambda k: chosen.value(k[1], k[2]))
        if (np.diff([trigger for trigger, _, _ in known]) < 0).any():
            raise SubjectError(
                MISSING_TAG,
                without,
                f"TriggerTime is absent, and {chosen.tag} contradicts the TriggerTimes "
                "of other files; export the series again with this tag",
            )


def _orders(axis: Axis, slices: Sequence[Numbered]) -> bool:
    """Whether a tag is there in all files, and differs between the frames of each slice."""
    for numbered in slices:
        values = [axis.value(number, frame) for number, frame in numbered]
        if any(map(math.isnan, values)) or len(set(values)) < DIFFERENT * len(values):
            return False
    return True


def _intervals_s(slices: Sequence[Numbered]) -> list[np.ndarray]:
    """Times between the frames of each slice, by TriggerTime."""
    return [np.diff(sorted(frame.trigger_ms for _, frame in s)) / 1000 for s in slices]


def _same_time(slices: Sequence[Numbered]) -> tuple[str, str]:
    """Two files of a slice whose numbers are the same."""
    for numbered in slices:
        known: dict[int, str] = {}
        for number, frame in numbered:
            if number in known:
                return known[number], frame.name
            known[number] = frame.name
    return slices[0][0][1].name, slices[0][1][1].name


def frame_count(times: Sequence[Sequence[float]], announced: int) -> int:
    """Frames of the cine, of the times of each slice's files, which are in order.

    The number that most slices have, the larger one where two are as frequent. More, if the times
    of most slices lie on a regular axis with gaps: then each slice has lost frames. announced:
    CardiacNumberOfImages, which decides between numbers that are equally frequent, and no more.
    """
    counts = [len(t) for t in times]
    spans = [_span(t) for t in times]
    usual = _usual(counts, announced)
    return max(usual, _usual(spans, announced))


def _usual(values: Sequence[int], preferred: int) -> int:
    return max(set(values), key=lambda v: (values.count(v), v == preferred, v))


def _span(times: Sequence[float]) -> int:
    """Places on a regular axis from the first to the last time; their number where it is none."""
    if len(times) < 3:
        return len(times)
    places = _on_axis(times, times[0], float(np.median(np.diff(times))), REGULAR)
    return places[-1] + 1 if places and places[-1] < 2 * len(times) else len(times)


def frame_places(
    numbers: Sequence[int], times: Sequence[float], phases: int, usual: Sequence[float] = ()
) -> list[int]:
    """Place in time (from 0) of each file of one slice, for files in order of time.

    numbers: frame numbers, used where they grow with time within 1..phases. Else, with too few
    files, the times tell how many intervals lie between two files. usual: times of a slice that
    lost none, which tell when the first frame was, and the interval where the slice's own times are
    not regular. Where nothing fits the number of phases, files take the first places.
    """
    count = len(times)
    if min(numbers) >= 1 and max(numbers) <= phases and (np.diff(numbers) > 0).all():
        return [number - 1 for number in numbers]
    if 2 <= count < phases:
        intervals = [float(np.median(np.diff(t))) for t in (times, usual) if len(t) > 1]
        for off in (REGULAR, 0.5):
            for first in [*usual[:1], times[0]]:
                for interval in intervals:
                    places = _on_axis(times, first, interval, off)
                    if places and places[0] >= 0 and places[-1] < phases:
                        return places
    return list(range(count))


def _on_axis(times: Sequence[float], first: float, interval: float, off: float) -> list[int]:
    """Places of times on a regular axis; none where they lie further off, or two at one place."""
    if not interval > 0:
        return []
    steps = (np.array(times) - first) / interval
    places = np.rint(steps)
    if not (abs(steps - places) <= off).all() or (np.diff(places) < 1).any():
        return []
    return places.astype(int).tolist()
