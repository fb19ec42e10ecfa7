"""Which series of an examination are the short-axis cine: detected, or requested by the user.

A PACS export also contains localisers, long-axis cines, late enhancement, maps, flow and
screenshots. The cine has several images in each of several parallel planes across the heart. The
SeriesDescription never decides.
"""

from collections.abc import Callable, Sequence

import pandas as pd

from cmrseg.dicom.audit import (
    NO_CINE,
    NO_IMAGES,
    NO_TAGS,
    ORIENTATION,
    OTHER_SERIES,
    TWO_EXAMINATIONS,
    UNCLEAR,
    Audit,
    SubjectError,
)
from cmrseg.dicom.geometry import largest_mode
from cmrseg.dicom.headers import Frame
from cmrseg.dicom.instances import one_for_each_time
from cmrseg.dicom.series import Series, series_of
from cmrseg.dicom.slices import Numbered
from cmrseg.dicom.stacks import NAMED, Stack, directions, joined, merged, stacks_of

# A stack with this many times the frames or planes of another one is clearly the better candidate.
CLEARLY = 2
# Reason not to consider a series.
SINGLE = "single images, no cine"
# What errors call the cine that is meant.
SHORT, TAGGED = "short-axis cine", "tagged cine"
# At least this many planes are a stack rather than single slices.
STACK = 3


class UnclearError(SubjectError):
    """The short-axis cine cannot be identified. series: table of `listing`, to choose from."""

    def __init__(self, kind: tuple[str, str], image: str, detail: str, series: pd.DataFrame):
        super().__init__(kind, image, detail)
        self.series = series


def choose(
    frames: Sequence[Frame],
    wanted: Callable[[Series], bool] | None,
    audit: Audit,
    tagged: bool = False,
) -> tuple[list[Numbered], pd.DataFrame]:
    """The slices of the short-axis cine of an examination, and the list of its series.

    wanted: selects series, which are then used as they are; None applies the rules. tagged: the
    cine with tags is meant, and no other; else none with tags. Excluded series are audited. Returns
    the files of each slice (`slices.Numbered`), and the table of `listing`. Raises UnclearError if
    there is no cine, or more than one candidate.
    """
    series = series_of(frames)
    if wanted is not None:
        kept, slices, reasons = _wanted(series, wanted)
        if tagged and not any(s.is_tagged for s in kept):
            raise _without_tags(kept, series, reasons)
    elif (
        len(series) == 1
        and series[0].phases > 1
        and _is_usual(series[0])
        and not _other_contrast(series[0], tagged)
    ):
        kept, slices, reasons = series, series[0].slices, {}
    else:
        reasons = {
            s: reason for s in series if (reason := _no_cine(s) or _other_contrast(s, tagged))
        }
        if tagged and len(reasons) == len(series):
            raise _without_tags(series, series, reasons)
        candidates = [s for s in series if s not in reasons]
        stack = _best(candidates, series, reasons, TAGGED if tagged else SHORT)
        kept, slices = list(stack.series), list(stack.slices)
        reasons = {s: _passed_over(s) for s in series} | reasons
    table = listing(series, kept, reasons)
    for row, one in zip(table.itertuples(index=False), series, strict=True):
        if not row.chosen:
            audit.add(OTHER_SERIES, one.frames[0].name, f"{one.text}; {row.reason}")
    _audit_directions(kept, slices, audit)
    # In order of appearance, as series are.
    order = {id(frame): i for i, frame in enumerate(frames)}
    slices = sorted(slices, key=lambda plane: order[id(plane[0][1])])
    usual = largest_mode(len(plane) for plane in slices)
    lone = len(slices) == 1
    return [one_for_each_time(plane, audit, usual, lone) for plane in slices], table


def _audit_directions(kept: list[Series], slices: Sequence[Numbered], audit: Audit) -> None:
    """Slices of the chosen series with an orientation other than that of the cine."""
    shown = {id(frame) for plane in slices for _, frame in plane}
    for plane in (plane for s in kept for plane in s.slices):
        if id(plane[0][1]) not in shown:
            audit.add(ORIENTATION, plane[0][1].name, "orientation differs from that of the cine")


def listing(series: Sequence[Series], kept: list[Series], reasons: dict) -> pd.DataFrame:
    """A row per series for the user's choice: number, description, content, reason for exclusion.

    name: selects this series only. examination: counts from 1. A series that is neither chosen nor
    has a reason is a candidate. first: name of its first file.
    """
    examinations = sorted({s.study for s in series})
    rows = [
        {
            "name": s.name,
            "number": s.number,
            "description": s.description,
            "kind": s.kind,
            "images": len(s.frames),
            "planes": len(s.slices),
            "frames": s.phases,
            "plane": s.plane,
            "chosen": s in kept,
            "reason": "" if s in kept else reasons.get(s, ""),
            "examination": examinations.index(s.study) + 1,
            "first": s.frames[0].name,
        }
        for s in series
    ]
    columns = ["name", "number", "description", "kind", "images", "planes", "frames", "plane"]
    return pd.DataFrame(rows, columns=[*columns, "chosen", "reason", "examination", "first"])


def _wanted(
    series: Sequence[Series], wanted: Callable[[Series], bool]
) -> tuple[list[Series], list[Numbered], dict[Series, str]]:
    """The requested series, their slices, and why the others are excluded."""
    kept = [s for s in series if wanted(s)]
    if not kept:
        raise UnclearError(
            NO_IMAGES,
            "",
            f"the requested series contain no images; available are {_named(series, {})}",
            listing(series, [], {}),
        )
    other = next((s for s in kept if s.study != kept[0].study), None)
    if other is not None:
        raise UnclearError(
            TWO_EXAMINATIONS,
            other.frames[0].name,
            f"the requested series {kept[0].text} and {other.text} belong to two examinations "
            f"(StudyInstanceUID), with {kept[0].frames[0].name} and "
            f"{other.frames[0].name}; choose one, {_how(kept[0])}",
            listing(series, [], {}),
        )
    single = {s: SINGLE for s in series if s.phases == 1}
    whole = joined(kept, asked=True)
    apart = [s for s in kept if not any(s in stack.series for stack in whole)]
    slices = [plane for stack in whole for plane in stack.slices]
    slices += [plane for s in apart for plane in s.slices]
    # Of several orientations, the one closest to a short axis, else the one with most slices.
    stacks = [Stack((kept[0],), group) for group in directions(slices)]
    slices = list(max(stacks, key=lambda s: (s.rank, len(s.slices))).slices)
    return kept, slices, {s: _no_cine(s) or single.get(s, "not requested") for s in series}


def _passed_over(series: Series) -> str:
    """Why a series with several images per plane is not the detected cine."""
    if Stack((series,), tuple(series.slices)).rank == 0:
        return "does not lie across the heart"
    return "another series is more likely the cine"


def _is_usual(series: Series) -> bool:
    """Whether the only series can be used as the cine without further checks."""
    if _no_cine(series) or len(directions(series.slices)) > 1:
        return False
    return Stack((series,), tuple(series.slices)).rank > 0


def _no_cine(series: Series) -> str:
    """Why a series cannot be a cine by itself; empty if it can."""
    if series.kind == "phase":
        return "phase images (ImageType)"
    if series.heartbeats:
        return "one image for each heartbeat (AcquisitionTime)"
    if series.one_each:
        return f"{series.one_each} differs between images"
    if series.is_mosaic:
        return "several slices in one image (ImageType MOSAIC)"
    return ""


def _other_contrast(series: Series, tagged: bool) -> str:
    """Why a series with several images per plane is not the cine with, or without, tags."""
    if series.phases < 2 or series.is_tagged == tagged:
        return ""
    return "not tagged" if tagged else "tagged images"


def _without_tags(
    looked_at: Sequence[Series], everything: Sequence[Series], reasons: dict
) -> UnclearError:
    """The error of an examination, or of requested series, in which no cine is tagged."""
    return UnclearError(
        NO_TAGS,
        "",
        f"neither headers nor pictures tell of tags: {_named(looked_at, reasons)}; check the "
        "folder, or use a model of other images",
        listing(everything, [], reasons),
    )


def _best(series: list[Series], everything: list[Series], reasons: dict, cine: str) -> Stack:
    """The stack that is the cine, which errors call `cine`.

    Raises UnclearError if there is none, or more than one.
    """
    whole = joined(series)
    apart = [s for s in series if not any(s in stack.series for stack in whole)]
    stacks = merged(stacks_of([s for s in apart if s.phases > 1]) + whole)
    for s in series:
        if not any(s in stack.series for stack in stacks):
            reasons[s] = SINGLE
    originals = [stack for stack in stacks if stack.is_original]
    if originals:
        others = [s for stack in stacks if stack not in originals for s in stack.series]
        reasons |= {s: f"{s.kind} images (ImageType)" for s in others}
    stacks = originals or stacks
    table = listing(everything, [], reasons)
    if not stacks:
        raise UnclearError(
            NO_CINE,
            "",
            f"no series has several images in each plane: {_named(everything, reasons)}; check "
            f"the folder, or choose the correct series, {_how(everything[0])}",
            table,
        )
    if all(stack.rank == 0 and stack.planes < STACK for stack in stacks):
        raise UnclearError(
            NO_CINE,
            "",
            f"no cine lies across the heart: {_named(everything, reasons)}; choose the correct "
            f"series, {_how(stacks[-1].first)}",
            listing(everything, [], {s: _passed_over(s) for s in everything} | reasons),
        )
    best = [s for s in stacks if all(s is other or _is_better(s, other) for other in stacks)]
    _check_examinations(best[0] if best else stacks[0], stacks, everything, reasons)
    if len(best) != 1 or (best[0].rank == 0 and any(s.rank == 2 for s in stacks)):
        likely = [s for s in stacks if not any(_is_better(o, s) for o in stacks if o is not s)]
        likely = stacks if best or not likely else likely
        worse = {s: _passed_over(s) for one in stacks if one not in likely for s in one.series}
        raise UnclearError(
            UNCLEAR,
            "",
            f"several candidates for the {cine}: "
            + "; ".join(stack.text for stack in likely[:NAMED])
            + f"; choose one, {_how(likely[-1].first)}",
            listing(everything, [], worse | reasons),
        )
    return best[0]


def _how(series: Series) -> str:
    return f"with series '{series.name}' (subject table, or series=... of a prediction)"


def _named(series: Sequence[Series], reasons: dict) -> str:
    more = f"; and {len(series) - NAMED} more" if len(series) > NAMED else ""
    told = (f"{s.text}: {reasons[s]}" if s in reasons else s.text for s in series[:NAMED])
    return "; ".join(told) + more


def _is_better(a: Stack, b: Stack) -> bool:
    """Whether a stack is clearly more likely the short-axis cine than another one."""
    if a.rank > b.rank and (a.planes >= STACK or b.planes < CLEARLY * a.planes):
        return True
    if b.rank > a.rank and (b.planes >= STACK or a.planes < CLEARLY * b.planes):
        return False
    return (a.planes >= CLEARLY * b.planes and CLEARLY * a.phases >= b.phases) or (
        a.phases >= CLEARLY * b.phases and CLEARLY * a.planes >= b.planes
    )


def _check_examinations(
    best: Stack, stacks: list[Stack], everything: list[Series], reasons: dict
) -> None:
    """Refuse two examinations that may both contain the cine, whichever has more images."""
    for other in stacks:
        same = other.first.study == best.first.study
        if not same and other.rank >= best.rank and other.planes >= min(2, best.planes):
            likely = best.series + other.series
            worse = {s: _passed_over(s) for s in everything if s not in likely}
            raise UnclearError(
                TWO_EXAMINATIONS,
                other.first.frames[0].name,
                f"{best.text} and {other.text} belong to two examinations (StudyInstanceUID), "
                f"with {best.first.frames[0].name} and {other.first.frames[0].name}; give each a "
                "folder "
                f"and a subject of its own, or choose one, {_how(best.first)}",
                listing(everything, [], worse | reasons),
            )
