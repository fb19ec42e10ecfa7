"""Parallel slices of one or several series, put together to what may be a cine."""

from collections import defaultdict
from dataclasses import dataclass

import numpy as np

from cmrseg.dicom.geometry import tolerances
from cmrseg.dicom.series import (
    LEAST_SHORT_AXIS,
    LONG_AXIS,
    SHORT_AXIS,
    Series,
    distance_mm,
    extent,
)
from cmrseg.dicom.slices import Numbered
from cmrseg.vectors import dot

# Cosine between the normals of planes that are of one stack.
PARALLEL = 0.999
# Slices of one stack have about the same number of frames, and pixels of about one size.
FRAMES_RATIO, PIXEL_RATIO = 1.25, 1.25
# A slice that continues a stack lies at least this fraction of its usual distance off.
CONTINUES = 0.75
# Single frames that are the phases of one cine: at least so many series.
LEAST_PHASES = 4
# So many series are named in a message.
NAMED = 12


@dataclass(frozen=True, eq=False)
class Stack:
    """Parallel slices of one or several series that may be the cine."""

    series: tuple[Series, ...]
    slices: tuple[Numbered, ...]

    @property
    def first(self) -> Series:
        return self.series[0]

    @property
    def phases(self) -> int:
        return int(np.median([len(plane) for plane in self.slices]))

    @property
    def near_mm(self) -> float:
        """Slices nearer than this are at one place."""
        frame = self.first.frames[0]
        allowed = tolerances(self.places_mm, frame.slice_distance_mm, frame.thickness_mm)
        return allowed.collision

    @property
    def places_mm(self) -> np.ndarray:
        """Where its slices lie along their normal, in order."""
        return np.sort([distance_mm(plane[0][1], self.first.normal) for plane in self.slices])

    @property
    def planes(self) -> int:
        """Slices at different places."""
        return 1 + int((np.diff(self.places_mm) >= self.near_mm).sum())

    @property
    def rank(self) -> int:
        """2: lies as a short axis usually does, 1: somewhat, 0: as a long axis."""
        cosine = abs(float(dot(self.first.normal, LONG_AXIS)))
        return int(cosine >= SHORT_AXIS) + int(cosine >= LEAST_SHORT_AXIS)

    @property
    def is_original(self) -> bool:
        return self.first.kind == "magnitude"

    @property
    def text(self) -> str:
        if len(self.series) == 1:
            return self.first.text
        numbers = ",".join(s.name for s in self.series[:NAMED])
        more = " and more" if len(self.series) > NAMED else ""
        return f"{numbers}{more}: {extent(self.planes, self.phases, self.first.plane)}"


def stacks_of(series: list[Series]) -> list[Stack]:
    """Stacks of series by themselves, and of series that are a slice each.

    Of series with one slice those of one protocol are a stack. If half of its places or more are
    taken twice, it was acquired twice, and is two.
    """
    stacks = [Stack((s,), tuple(s.slices)) for s in series if len(s.slices) > 1]
    singles: dict[tuple, list[list[Series]]] = defaultdict(list)
    for s in series:
        if len(s.slices) == 1:
            parallel = singles[s.study, s.reference, s.protocol]
            same = (others for others in parallel if _is_parallel(s, others[0]))
            if (others := next(same, None)) is None:
                parallel.append([s])
            else:
                others.append(s)
    for groups in singles.values():
        for group in groups:
            rounds = _rounds(sorted(group, key=lambda s: s.number))
            if len(rounds) > 1 and len(rounds[1]) < len(rounds[0]) / 2:
                rounds = [group]
            stacks += [Stack(tuple(r), tuple(s.slices[0] for s in r)) for r in rounds]
    return stacks


def _rounds(series: list[Series]) -> list[list[Series]]:
    """Series of one slice each, by how often their place was acquired before."""
    near_mm = Stack(tuple(series), tuple(s.slices[0] for s in series)).near_mm
    rounds: list[list[Series]] = []
    for s in series:
        place = distance_mm(s.frames[0], series[0].normal)
        for taken in rounds:
            others = (distance_mm(o.frames[0], series[0].normal) for o in taken)
            if all(abs(place - other) >= near_mm for other in others):
                taken.append(s)
                break
        else:
            rounds.append([s])
    return rounds


def merged(stacks: list[Stack]) -> list[Stack]:
    """Stacks that complete each other as one: at other places, or acquired again in part."""
    stacks = sorted(stacks, key=lambda s: -len(s.slices))
    done: list[Stack] = []
    for stack in stacks:
        i = next((i for i, other in enumerate(done) if _completes(stack, other)), None)
        if i is None:
            done.append(stack)
        else:
            done[i] = Stack(done[i].series + stack.series, done[i].slices + stack.slices)
    return done


def _completes(small: Stack, big: Stack) -> bool:
    """Whether the slices of a stack belong to another one that has at least as many."""
    a, b = small.first, big.first
    if (a.study, a.reference, a.kind) != (b.study, b.reference, b.kind) or not _is_parallel(a, b):
        return False
    frames = sorted((small.phases, big.phases))
    pixels = np.divide(a.frames[0].spacing_mm, b.frames[0].spacing_mm)
    if frames[1] > FRAMES_RATIO * frames[0] or abs(np.log(pixels)).max() > np.log(PIXEL_RATIO):
        return False
    own = [distance_mm(plane[0][1], b.normal) for plane in small.slices]
    gaps = abs(np.subtract.outer(own, big.places_mm)).min(axis=1)
    if a.protocol == b.protocol:
        return (gaps >= big.near_mm).all() or len(small.slices) < big.planes / 2
    # Between the slices of a stack something else was acquired.
    usual = float(np.median(np.diff(big.places_mm))) if big.planes > 1 else 0.0
    return bool((gaps >= CONTINUES * usual).all()) and usual > 0


def _is_parallel(a: Series, b: Series) -> bool:
    return abs(float(dot(a.normal, b.normal))) >= PARALLEL


def phase_stacks(series: list[Series]) -> list[Stack]:
    """Stacks whose frames are a series each: the same planes, at regular trigger times."""
    same: dict[tuple, list[Series]] = defaultdict(list)
    for s in series:
        if s.phases == 1 and len({f.trigger_ms for f in s.frames}) == 1:
            places = tuple(sorted(frame.position_mm for frame in s.frames))
            same[s.study, s.reference, s.protocol, places].append(s)
    stacks = []
    for group in same.values():
        times = np.sort([s.frames[0].trigger_ms for s in group])
        steps = np.diff(times)
        if len(group) < LEAST_PHASES or not (steps > 0).all() or steps.max() > 1.5 * steps.min():
            continue
        slices: dict[tuple, Numbered] = defaultdict(list)
        for s in group:
            for frame in s.frames:
                slices[frame.position_mm].append((frame.instance_number, frame))
        stacks.append(Stack(tuple(group), tuple(slices.values())))
    return stacks
