"""One file per image, and one image per position and time of a series."""

import math
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np

from cmrseg.cine import BEAT_S
from cmrseg.dicom.audit import COLLISION, COPY, SAME_IMAGE, Audit, SubjectError
from cmrseg.dicom.headers import Frame
from cmrseg.dicom.slices import Numbered

# Images of one plane have one SliceLocation, up to rounding.
SAME_LOCATION_MM = 0.5
DAY_S = 24 * 3600
# Of so many images at least this fraction has a time of its own, if times mean anything.
DIFFERENT = 0.9

# Acquisitions of one slice have so many images at least; runs of numbers that are no chance, too.
LEAST_IMAGES, LEAST_RUN = 2, 6
# What is the same for all images of a slice, or another one for each of them.
ROUNDS = ("ImageType", "EchoNumbers", "AcquisitionNumber", "AcquisitionTime")

# What may tell two images of one place and time apart, by the names of the tags.
TAGS: dict[str, Callable[[Frame], object]] = {
    "AcquisitionNumber": lambda f: f.origin.acquisition,
    "EchoNumbers": lambda f: f.origin.echo,
    "ImageType": lambda f: f.origin.image_type,
    "SliceLocation": lambda f: f.slice_location_mm,
    "TemporalPositionIdentifier": lambda f: f.temporal_position,
    "AcquisitionTime": lambda f: f.acquired_s,
    "ContentTime": lambda f: f.created_s,
    "InstanceNumber": lambda f: f.instance_number,
}


def without_copies(frames: Sequence[Frame], audit: Audit) -> list[Frame]:
    """The frames with one file for each SOPInstanceUID; copies of a file are audited.

    An image sent again under another identifier is a copy, too: same pixels, numbers, position and
    time. Raises SubjectError naming two files that share an identifier but not the image.
    """
    known: dict[object, Frame] = {}
    kept = []
    copies: dict[str, str] = {}
    # Series by series, so that of two identical series one stays complete.
    series = {uid: i for i, uid in enumerate(dict.fromkeys(f.origin.series for f in frames))}
    for frame in sorted(frames, key=lambda f: series[f.origin.series]):
        place = _place(frame)
        same = known.get(place)
        if same is not None and not np.array_equal(same.pixels, frame.pixels):
            same = None
        if same is None and frame.instance:
            same = known.get(frame.instance)
        if same is None:
            known.setdefault(place, frame)
            known[frame.instance or id(frame)] = frame
            kept.append(frame)
        elif _place(same) == place and np.array_equal(same.pixels, frame.pixels):
            # Once for a multi-frame object.
            copies.setdefault(frame.name.partition("#")[0], same.name)
        else:
            raise SubjectError(
                SAME_IMAGE,
                frame.name,
                f"has the SOPInstanceUID of {same.name}, but a different image; keep the correct "
                "one, or export the series again",
            )
    for name, original in copies.items():
        audit.add(COPY, name, f"same image as {original}")
    order = {id(frame): i for i, frame in enumerate(frames)}
    return sorted(kept, key=lambda frame: order[id(frame)])


def _place(frame: Frame) -> tuple:
    """Place, time and numbers of an image, as text where a number may be absent."""
    return (
        *(frame.position_mm, frame.orientation, frame.spacing_mm, frame.pixels.shape),
        *(frame.series_number, frame.instance_number, str(frame.trigger_ms)),
        *(frame.origin.image_type, frame.origin.acquisition, str(frame.temporal_position)),
    )


def across_midnight(frames: Sequence[Frame]) -> list[Frame]:
    """The frames, with times of day continued across midnight.

    An examination does not take half a day.
    """
    for tag in ("acquired_s", "created_s"):
        times = [getattr(frame, tag) for frame in frames]
        known = [time for time in times if not math.isnan(time)]
        if known and max(known) - min(known) > DAY_S / 2:
            frames = [
                replace(frame, **{tag: time + DAY_S}) if time < DAY_S / 2 else frame
                for frame, time in zip(frames, times, strict=True)
            ]
    return list(frames)


def one_for_each_time(plane: Numbered, audit: Audit, usual: int, lone: bool) -> Numbered:
    """The images of one plane of a series without those of an earlier acquisition.

    usual: images in most planes of the cine. lone: there is no other plane, so that slices that all
    say to lie at one place cannot be told from one slice acquired again and again.
    Where each time is there several times, or several acquisitions (AcquisitionNumber, else
    AcquisitionTime) cover the same time of the beat, a slice was acquired again under its old
    number. The last acquisition is kept, and the others are audited. Raises SubjectError naming two
    images of one place and time, and the tags in which they differ.
    """
    frames = [frame for _, frame in plane]
    locations = [f.slice_location_mm for f in frames if not math.isnan(f.slice_location_mm)]
    if locations and max(locations) - min(locations) > SAME_LOCATION_MM:
        far = max(frames, key=lambda f: f.slice_location_mm - frames[0].slice_location_mm)
        near = min(frames, key=lambda f: f.slice_location_mm)
        raise _unclear(near, far, "have the same ImagePositionPatient")
    if len(frames) < 2:
        return plane
    own = _have_own_times(frames, len(frames) > usual)
    for tag in ("AcquisitionNumber", "AcquisitionTime"):
        parts = _parts(plane, tag)
        if len(parts) < 2 or (own and not _overlap(parts, LEAST_IMAGES)):
            continue
        if lone:
            raise _unclear(parts[0][0][1], parts[1][0][1], "have the same position and time")
        if all(_have_own_times([f for _, f in part]) for part in parts):
            last = parts[-1]
            for part in parts[:-1]:
                detail = f"{len(part)} images of an earlier acquisition ({tag}); kept: "
                audit.add(COLLISION, part[0][1].name, detail + last[0][1].name)
            return last
    if own:
        runs = _runs(plane)
        if len(runs) > 1 and _overlap(runs, LEAST_RUN):
            raise _unclear(
                runs[0][0][1], runs[1][0][1], "have the same position, and their times overlap"
            )
        return plane
    raise _unclear(*_of_one_time(frames), "have the same position and time")


def _time_of(frames: Sequence[Frame]) -> Callable[[Frame], float] | None:
    """The tag of time that differs between frames at all; None where there is none."""
    for value in (lambda f: f.trigger_ms, lambda f: f.temporal_position):
        values = {value(frame) for frame in frames}
        if len(values) > 1 and not any(map(math.isnan, values)):
            return value
    return None


def _have_own_times(frames: Sequence[Frame], all_of_them: bool = False) -> bool:
    """Whether nearly each frame, or each of them, has a time of its own, as far as tags tell."""
    time = _time_of(frames)
    if time is None:
        return not any(_are_rounds(frames, tag) for tag in ROUNDS)
    return len({time(f) for f in frames}) >= (1 if all_of_them else DIFFERENT) * len(frames)


def _are_rounds(frames: Sequence[Frame], tag: str) -> bool:
    """Whether images without a time are of several rounds: a tag has each value equally often."""
    counts = Counter(_values(frames, tag))
    return 1 < len(counts) < len(frames) and len(set(counts.values())) == 1


def _values(frames: Sequence[Frame], tag: str) -> list:
    """The values of a tag; of times of day the first of those that follow within a beat."""
    values = [TAGS[tag](frame) for frame in frames]
    if tag != "AcquisitionTime":
        return values
    times = np.unique([frame.acquired_s for frame in frames])
    firsts = times[np.r_[True, np.diff(times) > BEAT_S[1]]]
    return [max((t for t in firsts if t <= f.acquired_s), default=math.nan) for f in frames]


def _parts(plane: Numbered, tag: str) -> list[Numbered]:
    """Files by a value of theirs, in its order; one part where a file does not have it."""
    parts: dict[float, Numbered] = defaultdict(list)
    for value, file in zip(_values([f for _, f in plane], tag), plane, strict=True):
        parts[float(value)].append(file)
    if any(math.isnan(key) or key < 0 for key in parts):
        return [plane]
    return [parts[key] for key in sorted(parts)]


def _overlap(parts: Sequence[Numbered], least: int) -> bool:
    """Whether parts of so many images or more each cover a time of the beat together."""
    time = _time_of([frame for part in parts for _, frame in part])
    if time is None or min(map(len, parts)) < least:
        return False
    times = [[time(frame) for _, frame in part] for part in parts]
    return max(map(min, times)) < min(map(max, times))


def _runs(plane: Numbered) -> list[Numbered]:
    """Files in order of their numbers, apart where time goes back."""
    time = _time_of([frame for _, frame in plane])
    if time is None:
        return [plane]
    runs: list[Numbered] = []
    for file in sorted(plane, key=lambda f: f[0]):
        if not runs or time(file[1]) < time(runs[-1][-1][1]):
            runs.append([])
        runs[-1].append(file)
    return runs


def _of_one_time(frames: Sequence[Frame]) -> tuple[Frame, Frame]:
    """Two frames of the same time; without times, of two rounds."""
    time = _time_of(frames)
    rounds = (tag for tag in ROUNDS if time is None and _are_rounds(frames, tag))
    if (tag := next(rounds, None)) is not None:
        value = TAGS[tag]
        return frames[0], next(f for f in frames if value(f) != value(frames[0]))
    known: dict[float, Frame] = {}
    for frame in frames:
        first = known.setdefault(time(frame) if time else 0.0, frame)
        if first is not frame:
            return first, frame
    return frames[0], frames[1]


def _unclear(a: Frame, b: Frame, what: str) -> SubjectError:
    # As text, as a number that is absent is not equal to itself.
    differing = [tag for tag, value in TAGS.items() if str(value(a)) != str(value(b))]
    said = f"they differ in {', '.join(differing)}" if differing else "no tag tells them apart"
    return SubjectError(
        SAME_IMAGE,
        b.name,
        f"it and {a.name} {what}; {said}; keep one of the two, or export the series again",
    )
