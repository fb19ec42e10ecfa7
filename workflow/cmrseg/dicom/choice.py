"""Which series of an examination are the short-axis cine: chosen by what they are, or asked for.

What a program that archives images exports has localisers, long axes, late enhancement, maps, flow
and screenshots beside the cine. The cine has several images in each of several parallel planes
across the heart. Words of the description never decide.
"""

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from cmrseg.dicom.audit import (
    NO_CINE,
    NO_IMAGES,
    OTHER_SERIES,
    TWO_EXAMINATIONS,
    UNCLEAR,
    Audit,
    SubjectError,
)
from cmrseg.dicom.geometry import tolerances
from cmrseg.dicom.headers import Frame
from cmrseg.dicom.instances import one_for_each_time
from cmrseg.dicom.series import (
    LEAST_SHORT_AXIS,
    LONG_AXIS,
    SHORT_AXIS,
    Series,
    distance_mm,
    extent,
    series_of,
)
from cmrseg.dicom.slices import Numbered
from cmrseg.vectors import dot

# Cosine between the normals of planes that are of one stack.
PARALLEL = 0.999
# Slices of one stack have about the same number of frames, and pixels of about one size.
FRAMES_RATIO, PIXEL_RATIO = 1.25, 1.25
# A stack with so many times the frames or planes of another is clearly the better one.
CLEARLY = 2
# As many planes are a stack rather than single slices.
STACK = 3
# Single frames that are the phases of one cine: at least so many series.
LEAST_PHASES = 4
# What Modality may be, to be repeated in a message; anything else may be a name.
MODALITIES = {"CR", "CT", "DX", "ES", "KO", "MG", "NM", "OT", "PR", "PT", "SC", "SEG", "SR", "US"}
# So many series are named in a message.
NAMED = 12


class UnclearError(SubjectError):
    """Nobody can tell which series is meant. series: table of `listing`, to choose from."""

    def __init__(self, kind: tuple[str, str], image: str, detail: str, series: pd.DataFrame):
        super().__init__(kind, image, detail)
        self.series = series


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
        numbers = ",".join(f"#{s.number}" for s in self.series[:NAMED])
        more = " and more" if len(self.series) > NAMED else ""
        return f"{numbers}{more}: {extent(self.planes, self.phases, self.first.plane)}"


def choose(
    frames: Sequence[Frame], wanted: Callable[[Series], bool] | None, audit: Audit
) -> tuple[list[Numbered], pd.DataFrame]:
    """The slices of the short-axis cine among the images of an examination, and what was found.

    wanted: chooses series, which are then taken as they are; None leaves the choice to the rules.
    Series that are left out are audited. Returns the files of each slice (`slices.Numbered`), and
    the table of `listing`. Raises UnclearError where the cine is not there, or not the only one.
    """
    series = series_of(frames)
    if wanted is not None:
        kept = [s for s in series if wanted(s)]
        if not kept:
            raise UnclearError(
                NO_IMAGES,
                "",
                f"no image is of the series that were asked for; there are {_named(series, {})}",
                listing(series, [], {}),
            )
        slices = [plane for s in kept for plane in s.slices]
        reasons: dict[Series, str] = {}
    elif len(series) == 1 and series[0].phases > 1 and _is_usual(series[0]):
        kept, slices, reasons = series, series[0].slices, {}
    else:
        reasons = {s: reason for s in series if (reason := _no_cine(s))}
        stack = _best([s for s in series if s not in reasons], series, reasons)
        kept, slices = list(stack.series), list(stack.slices)
    table = listing(series, kept, reasons)
    for row, one in zip(table.itertuples(index=False), series, strict=True):
        if not row.chosen:
            audit.add(OTHER_SERIES, one.frames[0].name, f"{one.text}; {row.reason}")
    # In order of appearance, as series are.
    order = {id(frame): i for i, frame in enumerate(frames)}
    slices = sorted(slices, key=lambda plane: order[id(plane[0][1])])
    return [one_for_each_time(plane, audit) for plane in slices], table


def listing(series: Sequence[Series], kept: list[Series], reasons: dict) -> pd.DataFrame:
    """A row per series for people who choose: number, description, what it holds, and why not."""
    rows = [
        {
            "number": s.number,
            "description": s.description,
            "kind": s.kind,
            "images": len(s.frames),
            "planes": len(s.slices),
            "frames": s.phases,
            "plane": s.plane,
            "chosen": s in kept,
            "reason": "" if s in kept else reasons.get(s, "not the cine that was chosen"),
        }
        for s in series
    ]
    columns = ["number", "description", "kind", "images", "planes", "frames", "plane"]
    return pd.DataFrame(rows, columns=[*columns, "chosen", "reason"])


def _is_usual(series: Series) -> bool:
    """Whether a lone series may be the cine as it stands."""
    return not _no_cine(series) and Stack((series,), tuple(series.slices)).rank > 0


def _no_cine(series: Series) -> str:
    """Why a series cannot be a cine by itself; empty where it can."""
    if series.modality not in ("", "MR"):
        known = series.modality if series.modality in MODALITIES else "another one"
        return f"Modality is {known}, not MR"
    if series.kind == "phase":
        return "phase pictures (ImageType)"
    if series.heartbeats:
        return "one image for each heartbeat (AcquisitionTime)"
    return ""


def _best(series: list[Series], everything: list[Series], reasons: dict) -> Stack:
    """The stack that is the cine. Raises UnclearError where there is none, or two."""
    stacks = _merged(_stacks([s for s in series if s.phases > 1]) + _phase_series(series))
    for s in series:
        if not any(s in stack.series for stack in stacks):
            reasons[s] = "one image in each plane"
    originals = [stack for stack in stacks if stack.is_original]
    stacks = originals or stacks
    table = listing(everything, [], reasons)
    if not stacks:
        raise UnclearError(
            NO_CINE,
            "",
            f"no series has several images in each plane: {_named(everything, reasons)}; check the "
            f"folder, or choose what you know to be right, {_how(everything[0].number)}",
            table,
        )
    best = [s for s in stacks if all(s is other or _is_better(s, other) for other in stacks)]
    _check_examinations(best[0] if best else stacks[0], stacks, table)
    if len(best) != 1 or (best[0].rank == 0 and any(s.rank == 2 for s in stacks)):
        raise UnclearError(
            UNCLEAR,
            "",
            "these may be the short-axis cine: "
            + "; ".join(stack.text for stack in stacks[:NAMED])
            + f"; choose one, {_how(stacks[-1].first.number)}",
            table,
        )
    if best[0].rank == 0 and best[0].planes < STACK:
        raise UnclearError(
            NO_CINE,
            "",
            f"{best[0].text} does not lie across the heart; choose it if it is right, "
            f"{_how(best[0].first.number)}",
            table,
        )
    return best[0]


def _how(number: int) -> str:
    return f"with series '#{number}' (subject table, or series=... of a prediction)"


def _named(series: Sequence[Series], reasons: dict) -> str:
    more = f"; and {len(series) - NAMED} more" if len(series) > NAMED else ""
    told = (f"{s.text}: {reasons[s]}" if s in reasons else s.text for s in series[:NAMED])
    return "; ".join(told) + more


def _is_better(a: Stack, b: Stack) -> bool:
    """Whether a stack is clearly rather the short-axis cine than another one."""
    if a.rank > b.rank and (a.planes >= STACK or b.planes < CLEARLY * a.planes):
        return True
    if b.rank > a.rank and (b.planes >= STACK or a.planes < CLEARLY * b.planes):
        return False
    return (a.planes >= CLEARLY * b.planes and CLEARLY * a.phases >= b.phases) or (
        a.phases >= CLEARLY * b.phases and CLEARLY * a.planes >= b.planes
    )


def _check_examinations(best: Stack, stacks: list[Stack], table: pd.DataFrame) -> None:
    """Two examinations that both may have the cine are refused, whichever has more of it."""
    for other in stacks:
        same = other.first.study == best.first.study
        if not same and other.rank >= best.rank and other.planes >= min(2, best.planes):
            raise UnclearError(
                TWO_EXAMINATIONS,
                other.first.frames[0].name,
                f"{best.text} and {other.text} are of two examinations (StudyInstanceUID), with "
                f"{best.first.frames[0].name} and {other.first.frames[0].name}; give each a folder "
                f"and a subject of its own, or choose one, {_how(best.first.number)}",
                table,
            )


def _stacks(series: list[Series]) -> list[Stack]:
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


def _merged(stacks: list[Stack]) -> list[Stack]:
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
    return bool((gaps >= 0.75 * usual).all()) and usual > 0


def _is_parallel(a: Series, b: Series) -> bool:
    return abs(float(dot(a.normal, b.normal))) >= PARALLEL


def _phase_series(series: list[Series]) -> list[Stack]:
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
