"""The series of an examination as lists for people and for the choice of the cine."""

import math
import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from cmrseg.cine import is_beat
from cmrseg.dicom.geometry import largest_mode
from cmrseg.dicom.header_table import harmless_description
from cmrseg.dicom.headers import Frame
from cmrseg.dicom.slices import Numbered, planes
from cmrseg.tagged import looks_tagged
from cmrseg.vectors import dot, unit

# Values of ImageType behind the first two that name a picture which is no magnitude.
PHASE = {"P", "PHASE", "PHASE MAP", "PHASE_MAP", "VELOCITY", "VELOCITY MAP", "R", "REAL", "I"}
PHASE |= {"IMAGINARY"}
DERIVED = {"PROJECTION IMAGE", "MPR", "MIP", "T1", "T2", "T2*", "T1 MAP", "T2 MAP", "T2_STAR MAP"}
# Usual direction of the heart from base to apex in patient coordinates (LPS): to the left,
# forwards and downwards. Short axes are planes across it.
LONG_AXIS = unit(np.array([0.64, -0.64, -0.43]))
# Cosines between it and the normal of a plane: of a usual short axis, and of any.
SHORT_AXIS, LEAST_SHORT_AXIS = 0.75, 0.4
# Cosine to an axis of the patient from which a plane has its name.
ALONG = 0.97
# What is the same in all images of a cine.
SETTINGS: dict[str, Callable[[Frame], float]] = {
    "EchoNumbers": lambda f: f.origin.echo,
    "EchoTime": lambda f: f.origin.echo_ms,
    "InversionTime": lambda f: f.origin.inversion_ms,
}
# What texts of tagged cines have; "tag" alone may also be a German day.
TAGS = re.compile(
    r"(^|[^a-z])(tagging|tagged|c?spamm|grid_?tags?|line_?tags?|taggrid)([^a-z]|$)", re.IGNORECASE
)
# So many planes of a series are looked at for tags.
LOOKED_AT = 3
# Images further apart in time are of different heartbeats, in seconds.
HEARTBEAT_S = 0.25


@dataclass(frozen=True, eq=False)
class Series:
    """Images of one series and of one kind of picture.

    kind: magnitude, derived, localiser or phase. slices: by plane, in order of appearance. nth:
    counts the series that share a number, from 1; 0 where no other has it.
    """

    study: str
    reference: str
    number: int
    kind: str
    frames: tuple[Frame, ...]
    nth: int = 0

    @property
    def name(self) -> str:
        """What chooses it and no other (`layout.by_number`): "#7", or "#7.2" of several."""
        return f"#{self.number}.{self.nth}" if self.nth else f"#{self.number}"

    @cached_property
    def slices(self) -> list[Numbered]:
        return planes((frame.instance_number, frame) for frame in self.frames)

    @cached_property
    def phases(self) -> int:
        """Usual number of images per plane."""
        return largest_mode(len(plane) for plane in self.slices)

    @cached_property
    def normal(self) -> np.ndarray:
        """Normal of the usual plane."""
        return usual_normal(self.frames)

    @property
    def description(self) -> str:
        return self.frames[0].origin.description

    @property
    def protocol(self) -> tuple:
        """What series of one protocol have in common: matrix, pixels, kind and words."""
        first = self.frames[0]
        words = re.sub(r"[^a-z]+", " ", self.description.lower()).strip()
        return first.pixels.shape, tuple(np.round(first.spacing_mm, 3)), self.kind, words

    @cached_property
    def one_each(self) -> str:
        """The setting that is another one in each image of a plane, so that it is no cine.

        Echoes or inversion times. Empty where there is none.
        """
        plane = max(self.slices, key=len)
        for tag, value in SETTINGS.items():
            if 1 < len(plane) == len({value(frame) for _, frame in plane}):
                return tag
        return ""

    @cached_property
    def is_tagged(self) -> bool:
        """Whether it is a tagged cine, by its header or by the lines in its pictures."""
        origin = self.frames[0].origin
        if origin.tagging.upper() in ("GRID", "LINE"):
            return True
        texts = (origin.description, origin.protocol, *origin.image_type[2:])
        return any(map(TAGS.search, texts)) or self.looks_tagged

    @cached_property
    def looks_tagged(self) -> bool:
        """Whether the pictures of most of its planes, of which a few count, have tags."""
        places = np.unique(np.linspace(0, len(self.slices) - 1, LOOKED_AT).astype(int))
        found = []
        for place in places:
            plane = sorted(self.slices[place], key=lambda f: (f[1].trigger_ms, f[0]))
            found.append(looks_tagged(np.stack([frame.pixels for _, frame in plane])))
        return 2 * sum(found) > len(found)

    @property
    def is_mosaic(self) -> bool:
        """Whether a picture shows several slices side by side."""
        return "MOSAIC" in self.frames[0].origin.image_type

    @property
    def heartbeats(self) -> bool:
        """Whether its images are of one heartbeat each (perfusion, maps), and no cine.

        That is so where TriggerTime makes no beat and AcquisitionTime goes on by heartbeats.
        """
        plane = max(self.slices, key=len)
        triggers = np.diff(sorted(f.trigger_ms for _, f in plane)) / 1000
        if len(plane) < 2 or is_beat(float(np.median(triggers)), len(plane)):
            return False
        times = np.diff(sorted(frame.acquired_s for _, frame in plane))
        return bool(np.median(times) >= HEARTBEAT_S)

    @property
    def plane(self) -> str:
        """Name of its orientation, for display."""
        if len(self.slices) > 1 and not all(_parallel(s, self.normal) for s in self.slices):
            return "several orientations"
        return plane_name(self.normal)

    @property
    def text(self) -> str:
        """A short text on the series; of its description only what may be shared."""
        described = harmless_description(self.description)
        name = self.name + (f" '{described}'" if described else "")
        return f"{name}: {extent(len(self.slices), self.phases, self.plane)}"


def extent(planes: int, frames: int, name: str) -> str:
    """Extent of a stack, for display. name: of its orientation."""
    return (
        f"{planes} plane{'s' * (planes != 1)} ({name}), {frames} image{'s' * (frames != 1)} in each"
    )


def plane_name(normal: np.ndarray) -> str:
    """Name of an orientation by its normal, for display."""
    for name, axis in (("sagittal", 0), ("coronal", 1), ("transverse", 2)):
        if abs(normal[axis]) >= ALONG:
            return name
    cosine = abs(float(dot(normal, LONG_AXIS)))
    if cosine >= SHORT_AXIS:
        return "short-axis orientation"
    return "oblique" if cosine >= LEAST_SHORT_AXIS else "long-axis orientation"


def _parallel(plane: Numbered, normal: np.ndarray) -> bool:
    own = plane[0][1].orientation
    return abs(float(dot(np.cross(own[:3], own[3:]), normal))) >= ALONG


def usual_normal(frames: Iterable[Frame]) -> np.ndarray:
    """Normal of the most frequent plane."""
    counts: Counter[tuple[float, ...]] = Counter()
    for orientation, count in Counter(f.orientation for f in frames).items():
        counts[tuple(round(v, 2) + 0.0 for v in orientation)] += count
    usual = max(counts, key=lambda o: (counts[o], o))
    return unit(np.cross(usual[:3], usual[3:]))


def kind_of(image_type: Sequence[str]) -> str:
    """Kind of picture by ImageType: phase, localiser, derived or magnitude."""
    values = [value.strip().upper() for value in image_type]
    if PHASE & set(values[2:]):
        return "phase"
    if "LOCALIZER" in values[2:]:
        return "localiser"
    derived = values[:1] == ["DERIVED"] or DERIVED & set(values[2:])
    return "derived" if derived else "magnitude"


def series_of(frames: Sequence[Frame]) -> list[Series]:
    """The series of an examination, in order of appearance.

    By study, SeriesInstanceUID, SeriesNumber and kind of picture. An identifier that differs
    between the files of one series, as some programs that remove names leave it, says nothing.
    """
    uid_of = _telling(frames, lambda f: f.origin.series, lambda f: f.series_number)
    study_of = _telling(frames, lambda f: f.origin.study, lambda f: (uid_of(f), f.series_number))
    reference_of = _telling(frames, lambda f: f.reference, lambda f: (uid_of(f), f.series_number))
    found: dict[tuple, list[Frame]] = defaultdict(list)
    for frame in frames:
        key = study_of(frame), uid_of(frame), frame.series_number, kind_of(frame.origin.image_type)
        found[key].append(frame)
    # Those of one number are counted by their identifiers, whatever the order of files.
    same: dict[int, list[tuple]] = defaultdict(list)
    for key in sorted(found):
        same[key[2]].append(key)
    nth = {
        key: i + 1 if len(keys) > 1 else 0 for keys in same.values() for i, key in enumerate(keys)
    }
    return [
        Series(key[0], reference_of(files[0]), key[2], key[3], tuple(files), nth[key])
        for key, files in found.items()
    ]


def _telling(
    frames: Iterable[Frame], value: Callable[[Frame], str], within: Callable[[Frame], object]
) -> Callable[[Frame], str]:
    """The value, or nothing at all where it is another one in each file."""
    values: dict[object, Counter] = defaultdict(Counter)
    for frame in frames:
        values[within(frame)][value(frame)] += 1
    largest = max(values.values(), key=Counter.total, default=Counter())
    return (lambda frame: "") if len(largest) == largest.total() > 2 else value


def distance_mm(frame: Frame, normal: np.ndarray) -> float:
    """Place of an image's centre along a direction, in mm."""
    across = np.array(frame.orientation[:3]) * (frame.pixels.shape[1] - 1) / 2 * frame.spacing_mm[1]
    down = np.array(frame.orientation[3:]) * (frame.pixels.shape[0] - 1) / 2 * frame.spacing_mm[0]
    place = float(dot(np.array(frame.position_mm) + across + down, normal))
    return place if math.isfinite(place) else 0.0
