"""The series of one cardiac examination: pictures with their planes and times, not yet files."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from cmrseg.phantom import contrasts
from cmrseg.phantom.heart import HeartParameters
from cmrseg.phantom.image_plane import Plane
from cmrseg.phantom.kaggle import Protocol, acquire_slice, generator, plan_stack, scanner_of
from cmrseg.phantom.pacs.vendors import (
    CINE,
    ENHANCEMENT,
    FLOW,
    LOCALISER,
    LONG_AXES,
    MAGNITUDE,
    MAP,
    PERFUSION,
    PHASE,
    SECOND_CINE,
    T1_MAP,
    T1_SOURCE,
)
from cmrseg.phantom.plan import PlannedSlice
from cmrseg.phantom.scanner import ScannerSettings, acquire
from cmrseg.phantom.views import flow_plane, localiser_planes, long_axis_views

# Pictures of one heartbeat each are taken while the heart rests.
RESTING_PHASE = 0.75
PERFUSION_BEATS = 40
PERFUSION_PHASES = (0.15, 0.4, 0.65)  # of the three planes within one beat
# Inversion times in ms of the first picture after each of MOLLI's two inversions, and pictures.
MOLLI = ((100.0, 5), (180.0, 3))
VENC_CM_S = 150.0
# Blood and muscle are both brighter in a cine after contrast.
AFTER_CONTRAST = {"blood": 1.05, "vein": 1.05, "myocardium": 1.6, "muscle": 1.2}


@dataclass(frozen=True)
class Picture:
    """One picture of a series.

    pixels: (rows, columns) scanner units, cm/s for PHASE, ms for MAP. z: place of the plane in its
    series; of a short-axis cine along the normal, lowest first. t: frame. trigger_ms: after the R
    wave, None without triggering. time_s: of the measurement, after the series began.
    """

    plane: Plane
    pixels: np.ndarray
    z: int
    t: int
    trigger_ms: float | None
    time_s: float
    shows: str = MAGNITUDE
    elements: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True)
class Series:
    """Pictures that were acquired together, in order. elements: keyword -> value of all images."""

    kind: str
    pictures: tuple[Picture, ...]
    elements: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True)
class Examination:
    """One subject in one scanner on one day: makes series.

    slices: of the short-axis cine, base to apex. day: 0, or another for a second examination.
    """

    row: Mapping
    parameters: HeartParameters
    protocol: Protocol
    scanner: ScannerSettings
    slices: tuple[PlannedSlice, ...]
    day: int

    @property
    def beat_ms(self) -> float:
        return 60000 / self.parameters.heart_rate_bpm

    def __post_init__(self):
        if len(self.slices) < 3:
            raise ValueError(
                f"subject {self.row['subject']}: {len(self.slices)} short-axis slices, expected 3 "
                "or more; set slice_count or a smaller slice_distance_mm"
            )

    def rng(self, *what: str) -> np.random.Generator:
        return generator(self.row, "pacs", str(self.day), *what)


def examination(
    row: Mapping, parameters: HeartParameters, protocol: Protocol, day: int
) -> Examination:
    """The subject in the scanner; on another `day` than 0 it lies and is planned otherwise."""
    if day:
        place = np.asarray(parameters.centre_mm) + np.array([3.0, -2.0, 4.0]) * day
        parameters = replace(parameters, centre_mm=tuple(place.tolist()))
    planned = plan_stack({**row, "seed": int(row["seed"]) + day}, parameters, protocol, 1)
    return Examination(row, parameters, protocol, scanner_of(row, protocol), planned.slices, day)


def short_axis_cine(
    exam: Examination, kind: str = CINE, attempt: int = 0
) -> tuple[Series, np.ndarray]:
    """The cine, slices from base to apex, and its labels (t, z, y, x), z along the normal.

    kind: CINE or SECOND_CINE, which is after contrast. attempt: decides the noise.
    """
    frames, scanner = exam.protocol.frames, exam.scanner
    if kind == SECOND_CINE:
        signals = {k: getattr(scanner.signals, k) * f for k, f in AFTER_CONTRAST.items()}
        scanner = replace(scanner, signals=replace(scanner.signals, **signals))
    pictures, labels = [], []
    for i, planned in enumerate(exam.slices):
        planned = replace(planned, seed=int(exam.rng(kind, str(attempt), str(i)).integers(2**31)))
        phases = np.arange(frames) / frames
        images, truth = acquire_slice(exam.parameters, planned, scanner, phases)
        labels.append(truth)
        z = len(exam.slices) - 1 - i
        pictures += [
            Picture(planned.plane, image, z, t, exam.beat_ms * t / frames, 12.0 * i)
            for t, image in enumerate(images)
        ]
    elements = {"CardiacNumberOfImages": frames}
    return Series(kind, tuple(pictures), elements), np.stack(labels[::-1], axis=1)


def long_axis_cine(exam: Examination, view: str) -> Series:
    """A two-, three- or four-chamber cine of the same frames as the short-axis one."""
    frames = exam.protocol.frames
    plane = long_axis_views(exam.parameters, exam.slices[0].plane)[view]
    images, _ = acquire(
        exam.parameters, plane, np.arange(frames) / frames, exam.scanner, exam.rng(view)
    )
    pictures = tuple(
        Picture(plane, image, 0, t, exam.beat_ms * t / frames, 0.0)
        for t, image in enumerate(images)
    )
    return Series(view, pictures, {"CardiacNumberOfImages": frames})


def localiser(exam: Examination) -> Series:
    """Three orthogonal orientations, three pictures of each, one after the other."""
    rng, pictures = exam.rng(LOCALISER), []
    planes = localiser_planes(exam.parameters, exam.slices[0].plane)
    for z, plane in enumerate(plane for group in planes for plane in group):
        (image,), _ = acquire(exam.parameters, plane, (RESTING_PHASE,), exam.scanner, rng)
        pictures.append(Picture(plane, image, z, 0, None, 0.7 * z))
    return Series(LOCALISER, tuple(pictures))


def late_enhancement(exam: Examination) -> Series:
    """Late enhancement in the planes of the cine, one picture each, muscle nulled."""
    scanner, pictures = contrasts.enhanced(exam.scanner), []
    for i, planned in enumerate(exam.slices):
        rng, phases = exam.rng(ENHANCEMENT, str(i)), (0.0,)
        (image,), _ = acquire(
            exam.parameters, planned.plane, phases, scanner, rng, planned.shift_mm
        )
        z, trigger = len(exam.slices) - 1 - i, 0.8 * exam.beat_ms
        pictures.append(Picture(planned.plane, image, z, 0, trigger, 11.0 * i))
    elements = {"InversionTime": 310.0, "CardiacNumberOfImages": 1, "EchoTime": 3.2}
    return Series(ENHANCEMENT, tuple(pictures), elements)


def t1_mapping(exam: Examination) -> tuple[Series, Series]:
    """MOLLI of three planes of the cine: pictures at eight inversion times, and the maps."""
    parameters, beat_ms = exam.parameters, exam.beat_ms
    trigger_ms = RESTING_PHASE * beat_ms
    times_ms = sorted(first + beat * beat_ms for first, beats in MOLLI for beat in range(beats))
    sources, maps = [], []
    for i, planned in enumerate(_three(exam)):
        plane, shift_mm, rng, z = planned.plane, planned.shift_mm, exam.rng(T1_MAP, str(i)), 2 - i
        for t, inversion_ms in enumerate(times_ms):
            scanner = contrasts.inverted(exam.scanner, inversion_ms)
            (image,), _ = acquire(parameters, plane, (RESTING_PHASE,), scanner, rng, shift_mm)
            own = {"InversionTime": round(inversion_ms, 1)}
            time_s = 14.0 * i + t * beat_ms / 1000
            sources.append(Picture(plane, image, z, t, trigger_ms, time_s, elements=own))
        image = contrasts.t1_map_ms(parameters, plane, RESTING_PHASE, exam.scanner, rng, shift_mm)
        maps.append(Picture(plane, image, z, 0, trigger_ms, 14.0 * i, MAP))
    elements = {"CardiacNumberOfImages": 1, "EchoTime": 1.1}
    return Series(T1_SOURCE, tuple(sources), elements), Series(T1_MAP, tuple(maps), elements)


def perfusion(exam: Examination) -> Series:
    """The first pass of contrast in three planes of the cine: a picture of each in every beat."""
    pictures, beat_ms = [], exam.beat_ms
    for i, (planned, phase) in enumerate(zip(_three(exam), PERFUSION_PHASES, strict=True)):
        rng, plane = exam.rng(PERFUSION, str(i)), planned.plane
        images = contrasts.first_pass(
            exam.parameters, plane, phase, PERFUSION_BEATS, exam.scanner, rng, planned.shift_mm
        )
        pictures += [
            Picture(plane, image, 2 - i, t, phase * beat_ms, t * beat_ms / 1000)
            for t, image in enumerate(images)
        ]
    pictures.sort(key=lambda p: (p.t, p.trigger_ms))
    elements = {"CardiacNumberOfImages": 1, "InversionTime": 110.0, "EchoTime": 1.0}
    return Series(PERFUSION, tuple(pictures), elements)


def flow(exam: Examination) -> Series:
    """Phase contrast across the aorta: all magnitude pictures, then all velocities."""
    frames = exam.protocol.frames
    plane = flow_plane(exam.parameters, exam.slices[0].plane)
    measured = contrasts.measured_flow(
        exam.parameters,
        plane,
        np.arange(frames) / frames,
        VENC_CM_S,
        exam.scanner,
        exam.rng(FLOW),
    )
    pictures = tuple(
        Picture(plane, image, 0, t, exam.beat_ms * t / frames, 0.0, shows)
        for shows, images in (
            (MAGNITUDE, measured.magnitude),
            (PHASE, measured.velocity_cm_s),
        )
        for t, image in enumerate(images)
    )
    return Series(FLOW, pictures, {"CardiacNumberOfImages": frames, "EchoTime": 2.6})


def _three(exam: Examination) -> Sequence[PlannedSlice]:
    """A basal, a middle and an apical slice of the cine."""
    middle, step = (len(exam.slices) - 1) // 2, max((len(exam.slices) - 1) // 4, 1)
    return [exam.slices[i] for i in (middle - step, middle, middle + step)]


def before_the_cine(exam: Examination, kinds: Collection[str]) -> list[Series]:
    """Series of these kinds that are acquired before the short-axis cine, in order."""
    series = [localiser(exam)] if LOCALISER in kinds else []
    return series + [long_axis_cine(exam, view) for view in LONG_AXES if view in kinds]


def after_the_cine(exam: Examination, kinds: Collection[str]) -> list[Series]:
    """Series of these kinds that are acquired after the short-axis cine, in order."""
    series = list(t1_mapping(exam)) if T1_MAP in kinds else []
    others = ((FLOW, flow), (PERFUSION, perfusion), (ENHANCEMENT, late_enhancement))
    return series + [make(exam) for kind, make in others if kind in kinds]
