"""Series of UK Biobank's cardiac MR: which sequence each is, and which of repeated ones counts.

Names and rules of Bai et al. 2018, doi:10.1186/s12968-018-0471-x, and their program.
"""

import math
import re
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass

from cmrseg.contours.workspaces import image_of
from cmrseg.dicom.audit import REPEATED_SERIES, Audit
from cmrseg.dicom.header_table import harmless_description
from cmrseg.dicom.headers import Frame
from cmrseg.dicom.series import Series, series_of
from cmrseg.sequences import USUAL

# Series of a slice, by number.
NUMBERED = {
    "sa": re.compile(r"CINE_segmented_SAX_b(\d+)"),
    "tag": re.compile(r"cine_tagging_3sl_SAX_b(\d+)s"),
}
# Series of one view.
VIEWS = {
    "la_2ch": "CINE_segmented_LAX_2Ch",
    "la_3ch": "CINE_segmented_LAX_3Ch",
    "la_4ch": "CINE_segmented_LAX_4Ch",
    "ao": "CINE_segmented_Ao_dist",
}
# Series with all slices, or all views, where none of those above is there.
MIXED_SAX, MIXED_LAX = "CINE_segmented_SAX", "CINE_segmented_LAX"
# Series that are no such sequence, as the audit calls them.
OTHERS = {
    "outflow tract cine": re.compile(r"CINE_segmented_LVOT"),
    "inline ventricular function": re.compile(r".*InlineVF.*"),
    "flow": re.compile(r"flow_250_tp_AoV_bh_ePAT@c(_MAG|_P)?"),
    "ShMOLLI": re.compile(r"ShMOLLI_192i_SAX_b2s(_FITPARAMS|_SAX_b2s_SAX_b2s_T1MAP)?"),
}


def no_contours() -> Collection[str]:
    """Where no contours tell which of repeated series counts."""
    return ()


@dataclass(frozen=True)
class Choice:
    """How one of repeated series is chosen.

    published: as Bai et al. 2018. contoured: gives the SOPInstanceUIDs of images with contours;
    asked for repeated series alone, as workspaces are large.
    """

    published: bool
    contoured: Callable[[], Collection[str]] = no_contours


@dataclass(frozen=True)
class Files:
    """Files of a sequence. parts: number of the slice (0 of a view, and of mixed series) -> names.

    is_mixed: the series has all slices, or all views.
    """

    parts: Mapping[int, Sequence[str]]
    is_mixed: bool = False

    @property
    def names(self) -> list[str]:
        return [name for part in self.parts.values() for name in part]


def files_of(described: Mapping[str, str], sequence: str) -> Files:
    """The files of a sequence. described: name of each file of a subject -> series description."""
    if sequence in NUMBERED:
        parts: dict[int, list[str]] = {}
        for name, description in described.items():
            if match := NUMBERED[sequence].fullmatch(description):
                parts.setdefault(int(match[1]), []).append(name)
        if parts or sequence != USUAL:
            return Files(dict(sorted(parts.items())))
        mixed = [name for name, told in described.items() if told == MIXED_SAX]
        return Files({0: mixed} if mixed else {}, True)
    named = [name for name, told in described.items() if told == VIEWS[sequence]]
    if named or sequence == "ao":
        return Files({0: named} if named else {})
    views = {VIEWS[s] for s in ("la_2ch", "la_3ch", "la_4ch")}
    if views & set(described.values()):
        return Files({})
    mixed = [name for name, told in described.items() if told == MIXED_LAX]
    return Files({0: mixed} if mixed else {}, True)


def called(description: str) -> str:
    """What the audit calls a series that is not imported; free text is not quoted."""
    known = (name for name, pattern in OTHERS.items() if pattern.fullmatch(description))
    cines = (*VIEWS.values(), MIXED_SAX, MIXED_LAX)
    if description in cines or any(p.fullmatch(description) for p in NUMBERED.values()):
        return description
    return next(known, "") or harmless_description(description) or "another series"


def one_series(frames: Sequence[Frame], choice: Choice, audit: Audit) -> list[Frame]:
    """The frames of one of several series that have the same name, and as a rule the same plane.

    The series with contours if one has some. Else, as published, the last SeriesInstanceUID in
    order of its text, or the last series acquired, of those of magnitude images with at least half
    of the usual number.
    Not more frames than CardiacNumberOfImages are one series. Dropped ones are audited.
    """
    series = series_of(frames)
    if len(series) < 2 or len(frames) <= frames[0].phases:
        return list(frames)
    drawn = _drawn(series, choice.contoured())
    if len(drawn) == 1:
        (kept,), told = drawn, "without contours"
    elif choice.published:
        kept = max(drawn or series, key=lambda s: s.frames[0].origin.series)
        told = "its SeriesInstanceUID sorts before"
    else:
        kept, tag = _last(drawn or series)
        told = f"acquired earlier, or cut short ({tag})"
    for other in series:
        if other is not kept:
            detail = f"{len(other.frames)} images, {told}; kept: {kept.frames[0].name}"
            audit.add(REPEATED_SERIES, other.frames[0].name, detail)
    return list(kept.frames)


def _drawn(series: Sequence[Series], contoured: Collection[str]) -> list[Series]:
    """The series with contours in some image. contoured: SOPInstanceUIDs of contoured images."""
    return [s for s in series if any(image_of(frame.name) in contoured for frame in s.frames)]


def _last(series: Sequence[Series]) -> tuple[Series, str]:
    """The last series acquired of those that are whole, and the tag that tells it."""
    most = max(len(s.frames) for s in series)
    whole = [s for s in series if 2 * len(s.frames) >= most]
    whole = [s for s in whole if s.kind == "magnitude"] or whole
    times = {s: min(frame.acquired_s for frame in s.frames) for s in whole}
    if len(set(times.values())) == len(whole) and not any(map(math.isnan, times.values())):
        return max(whole, key=lambda s: times[s]), "AcquisitionTime"
    if len({s.number for s in whole}) == len(whole):
        return max(whole, key=lambda s: s.number), "SeriesNumber"
    return max(whole, key=lambda s: s.frames[0].origin.series), "SeriesInstanceUID"
