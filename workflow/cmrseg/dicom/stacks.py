"""Parallel slices of one or several series, put together to what may be a cine."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from cmrseg.dicom.geometry import tolerances
from cmrseg.dicom.headers import Frame
from cmrseg.dicom.series import (
    ALONG,
    LEAST_SHORT_AXIS,
    LONG_AXIS,
    SHORT_AXIS,
    Series,
    distance_mm,
    extent,
    plane_name,
    usual_normal,
)
from cmrseg.dicom.slices import Numbered, planes
from cmrseg.dicom.spacing import OVERLAPPING
from cmrseg.vectors import dot

# Cosine between the normals of planes that are of one stack.
PARALLEL = 0.999
# Slices of one stack have about the same number of frames, and pixels of about one size.
FRAMES_RATIO, PIXEL_RATIO = 1.25, 1.25
# A slice that continues a stack lies at least this fraction of its usual distance off.
CONTINUES = 0.75
# Sequences of one protocol have echo times and flip angles within this ratio of each other.
ALIKE_RATIO = 1.5
# Regular times have intervals within this ratio.
UNEVEN = 1.5
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

    @cached_property
    def normal(self) -> np.ndarray:
        """Direction across its usual plane."""
        return usual_normal(plane[0][1] for plane in self.slices)

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
        return np.sort([distance_mm(plane[0][1], self.normal) for plane in self.slices])

    @property
    def planes(self) -> int:
        """Slices at different places."""
        return 1 + int((np.diff(self.places_mm) >= self.near_mm).sum())

    @property
    def rank(self) -> int:
        """2: lies as a short axis usually does, 1: somewhat, 0: as a long axis."""
        cosine = abs(float(dot(self.normal, LONG_AXIS)))
        return int(cosine >= SHORT_AXIS) + int(cosine >= LEAST_SHORT_AXIS)

    @property
    def is_original(self) -> bool:
        return self.first.kind == "magnitude"

    @property
    def text(self) -> str:
        if len(self.series) == 1 and len(self.slices) == len(self.first.slices):
            return self.first.text
        numbers = ",".join(s.name for s in self.series[:NAMED])
        more = " and more" if len(self.series) > NAMED else ""
        return f"{numbers}{more}: {extent(self.planes, self.phases, plane_name(self.normal))}"


def stacks_of(series: list[Series]) -> list[Stack]:
    """Stacks of series by themselves, and of series that are a slice each.

    Of series with one slice those of one protocol are a stack. If half of its places or more are
    taken twice, it was acquired twice, and is two.
    """
    stacks = [
        Stack((s,), slices) for s in series if len(s.slices) > 1 for slices in directions(s.slices)
    ]
    singles: dict[tuple, list[list[Series]]] = defaultdict(list)
    for s in series:
        if len(s.slices) == 1:
            parallel = singles[s.study, s.reference, s.protocol]
            same = (
                others
                for others in parallel
                if _is_parallel(s, others[0]) and _is_alike(s, others[0])
            )
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
    if (a.study, a.reference, a.kind) != (b.study, b.reference, b.kind) or not _is_parallel(
        small, big
    ):
        return False
    frames = sorted((small.phases, big.phases))
    pixels = np.divide(a.frames[0].spacing_mm, b.frames[0].spacing_mm)
    if frames[1] > FRAMES_RATIO * frames[0] or abs(np.log(pixels)).max() > np.log(PIXEL_RATIO):
        return False
    own = [distance_mm(plane[0][1], big.normal) for plane in small.slices]
    gaps = abs(np.subtract.outer(own, big.places_mm)).min(axis=1)
    if a.protocol == b.protocol and _is_alike(a, b):
        beside = gaps.min() >= max(big.near_mm, least_mm(b.frames[0]))
        return bool(beside) or len(small.slices) < big.planes / 2
    # Between the slices of a stack something else was acquired.
    usual = float(np.median(np.diff(big.places_mm))) if big.planes > 1 else 0.0
    return bool((gaps >= CONTINUES * usual).all()) and usual > 0


def least_mm(frame: Frame) -> float:
    """How near slices of one stack may lie.

    0 where SpacingBetweenSlices and SliceThickness do not tell that they do not overlap.
    """
    told = frame.slice_distance_mm >= OVERLAPPING * frame.thickness_mm
    return OVERLAPPING * frame.thickness_mm if told else 0.0


def _is_parallel(a: Series | Stack, b: Series | Stack) -> bool:
    return abs(float(dot(a.normal, b.normal))) >= PARALLEL


def _is_alike(a: Series, b: Series) -> bool:
    """Whether echo time and flip angle, where both are known, are about the same."""
    first, second = a.frames[0].origin, b.frames[0].origin
    for pair in ((first.echo_ms, second.echo_ms), (first.flip_deg, second.flip_deg)):
        if min(pair) > 0 and max(pair) > ALIKE_RATIO * min(pair):
            return False
    return True


def joined(series: list[Series], asked: bool = False) -> list[Stack]:
    """Stacks whose frames are in several series: the same planes, at regular trigger times.

    asked: somebody says that these series belong together, so that each may have other planes.

    Each series has one frame, or some of them. Of two cines of the same planes times are the same,
    or InstanceNumbers do not go on with time.
    """
    same: dict[tuple, list[Series]] = defaultdict(list)
    for s in series:
        firsts = (plane[0][1] for plane in s.slices)
        places = sorted({(first.position_mm, first.orientation) for first in firsts})
        same[s.study, s.reference, s.protocol, () if asked else tuple(places)].append(s)
    stacks = []
    for group in same.values():
        slices = planes((f.instance_number, f) for s in group for f in s.frames)
        single = all(s.phases == 1 for s in group)
        if len(group) < (LEAST_PHASES if single and not asked else 2):
            continue
        if all(_is_regular(plane) and (single or _is_numbered(plane)) for plane in slices):
            stacks.append(Stack(tuple(group), tuple(slices)))
    return stacks


def _is_regular(plane: Numbered) -> bool:
    """Whether the trigger times of a plane go on evenly."""
    steps = np.diff(np.sort([frame.trigger_ms for _, frame in plane]))
    return len(steps) > 0 and bool(steps.min() > 0 and steps.max() <= UNEVEN * steps.min())


def _is_numbered(plane: Numbered) -> bool:
    """Whether the numbers of a plane's files go on with time, or against it."""
    steps = np.diff([number for number, _ in sorted(plane, key=lambda f: f[1].trigger_ms)])
    return bool((steps > 0).all() or (steps < 0).all())


def directions(slices: Sequence[Numbered]) -> list[tuple[Numbered, ...]]:
    """Slices of a series by their direction, as some scanners have all cines in one series."""
    groups: list[tuple[np.ndarray, list[Numbered]]] = []
    for plane in slices:
        own = usual_normal([plane[0][1]])
        near = (group for normal, group in groups if abs(float(dot(own, normal))) >= ALONG)
        if (group := next(near, None)) is None:
            groups.append((own, [plane]))
        else:
            group.append(plane)
    return [tuple(group) for _, group in groups]
