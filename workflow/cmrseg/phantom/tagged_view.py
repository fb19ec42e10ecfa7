"""Tagged short-axis cines of the digital heart: the muscle carries its tags along."""

import math
from collections.abc import Sequence
from dataclasses import fields, replace
from typing import Any

import numpy as np
from scipy.ndimage import gaussian_filter

from cmrseg.phantom.beat import Beat, outline_mm
from cmrseg.phantom.body import Signals, render_body
from cmrseg.phantom.coils import sensitivity
from cmrseg.phantom.heart import Heart, HeartParameters
from cmrseg.phantom.image_plane import Plane, heart_box
from cmrseg.phantom.look import Look
from cmrseg.phantom.receiver import detected
from cmrseg.phantom.scanner import SCANNERS, ScannerSettings
from cmrseg.phantom.tagging import Tagging, t1_ms, tagged_signals
from cmrseg.vectors import dot

# Steady state of a spoiled gradient echo with small flip angle: muscle and blood are alike.
_GRADIENT_ECHO = Signals(
    blood=63, vein=60, myocardium=48, muscle=47, fat=76, liver=58,
    spleen=50, lung=5, marrow=60, fluid=44, skin=70,
)  # fmt: skip
# Standard deviation in each channel, in the same units: stored images are integers up to about 140.
NOISE = 1.0
# Planes through the slice lie so far apart, and off the pixel's centre along rows and columns, over
# thickness and pixel: together they fill the voxel.
VOXEL = ((-1 / 3, -1 / 3, 0.0), (0.0, 1 / 3, 1 / 3), (1 / 3, 0.0, -1 / 3))
# Standard deviation of the point spread over the scanner's blur: fewer samples are taken than the
# picture has pixels.
SPREAD = 0.22
# Classes of resting tissue by T1, each with the tissue whose T1 it has. Blood keeps no tags.
SLOW, FAST, BLOOD = "muscle", "fat", "blood"
CLASSES = {
    **dict.fromkeys(("muscle", "liver", "spleen", "lung", "fluid", "myocardium"), SLOW),
    **dict.fromkeys(("fat", "marrow", "skin"), FAST),
    **dict.fromkeys(("blood", "vein"), BLOOD),
}


def tag_scanner(site: ScannerSettings, preset: str) -> ScannerSettings:
    """The scanner of a site while it takes tagged cines: what differs there, differs here."""
    usual = SCANNERS[preset]
    signals = {
        field.name: getattr(_GRADIENT_ECHO, field.name)
        * (getattr(site.signals, field.name) / getattr(usual.signals, field.name))
        for field in fields(Signals)
    }
    return replace(
        site,
        signals=Signals(**signals),
        noise=NOISE * site.noise / usual.noise,
        papillary=0.6,
        trabeculae=0.4,
        flow=0.3,
        grain=0.6,
    )


class TaggedBeat(Beat):
    """A beat whose signals are those of tagged tissue.

    axes: directions of the picture's rows and columns. shift_mm: of the heart in the scanner, in
    which tags have their places. beat_ms: duration of the beat.
    """

    def __init__(
        self,
        heart: Heart,
        points_mm: np.ndarray,
        scanner: ScannerSettings,
        look: Look,
        tagging: Tagging,
        axes: tuple[np.ndarray, np.ndarray],
        shift_mm: np.ndarray,
        beat_ms: float,
    ):
        super().__init__(heart, points_mm, scanner.signals, look)
        self.steady, self.field_t, self.tagging = scanner.signals, scanner.field_t, tagging
        self.axes, self.shift_mm, self.beat_ms = axes, shift_mm, beat_ms

    def carry(self, origins_mm: np.ndarray, phase: float) -> None:
        """Set the textures, and the signals of tissue that was tagged at its origins."""
        super().carry(origins_mm, phase)
        x, y = (
            (dot(origins_mm, axis) + dot(self.shift_mm, axis)).astype(np.float32)
            for axis in self.axes
        )
        pattern = self.tagging.pattern_at(x, y)
        signals: dict[str, Any] = tagged_signals(
            self.tagging, self.steady, self.field_t, phase * self.beat_ms, pattern
        )
        self.signals = replace(self.steady, **signals)


def acquire_tags(
    parameters: HeartParameters,
    plane: Plane,
    phases: Sequence[float] | np.ndarray,
    scanner: ScannerSettings,
    tagging: Tagging,
    rng: np.random.Generator,
    shift_mm: Sequence[float] = (0.0, 0.0, 0.0),
) -> np.ndarray:
    """Tagged images (t, rows, columns) float32 of a plane across the long axis.

    phases: (t,) parts of the RR interval from the tags, which are made at end-diastole. scanner: as
    of `tag_scanner`. shift_mm: where the breath-hold has put the heart (LPS). The body is drawn in
    one plane, as it has no edges that a slice softens; nothing is folded over.
    """
    shift = np.asarray(shift_mm, float)
    heart = Heart(replace(parameters, moving_textures=True))
    beat_ms = 60000 / parameters.heart_rate_bpm
    axes = np.asarray(plane.row_direction, float), np.asarray(plane.column_direction, float)
    still = resting_classes(heart, plane, scanner, shift)
    points = plane.points_mm(slice(0, plane.rows), slice(0, plane.columns))[0]
    pattern = tagging.pattern_at(*(dot(points, axis).astype(np.float32) for axis in axes))
    # Below the base the ventricles alone move.
    box = heart_box(Heart(replace(parameters, atria=None)), plane, shift)
    beat = None
    if box is not None:
        look = Look(
            edge_mm=0.6 * scanner.blur_px * plane.row_spacing_mm,
            step_mm=plane.thickness_mm / len(VOXEL),
            papillary=scanner.papillary,
            trabeculae=scanner.trabeculae,
            flow=scanner.flow,
            grain=scanner.grain,
            edge_px=scanner.blur_px,
        )
        within = voxel_points_mm(plane, *box) - shift
        beat = TaggedBeat(heart, within, scanner, look, tagging, axes, shift, beat_ms)
    p, wave_t = parameters, scanner.field_t / scanner.magnification
    place = np.asarray(p.centre_mm), p.body.half_depth_mm
    seen = sensitivity(points, *place, scanner.shading, scanner.bands, wave_t, p.seed)
    images = np.empty((len(phases), plane.rows, plane.columns), np.float32)
    for t, phase in enumerate(phases):
        image = np.zeros(images.shape[1:], np.float32)
        for tissue, part in still.items():
            a, b = tagging.faded(1.0, phase * beat_ms, t1_ms(tissue, scanner.field_t))
            tags = pattern if tissue != BLOOD else np.float32(tagging.mean)
            image += part * (np.float32(a) + np.float32(b) * tags)
        if beat is not None:
            image[box] = beat.draw(image[box], float(phase))
        image = gaussian_filter(image * seen, SPREAD * scanner.blur_px, truncate=3.0)
        detected(image, scanner.noise, rng, out=images[t])
    return images * np.float32(scanner.gain)


def voxel_points_mm(plane: Plane, rows: slice, columns: slice) -> np.ndarray:
    """Points (k, y, x, 3) that fill the voxels of a plane, as VOXEL says."""
    found = []
    for along, right, down in VOXEL:
        (points,) = plane.points_mm(rows, columns, (along * plane.thickness_mm,))
        right_mm = right * plane.column_spacing_mm * np.asarray(plane.row_direction)
        down_mm = down * plane.row_spacing_mm * np.asarray(plane.column_direction)
        found.append(points + right_mm + down_mm)
    return np.stack(found)


def resting_classes(
    heart: Heart, plane: Plane, scanner: ScannerSettings, shift_mm: np.ndarray
) -> dict[str, np.ndarray]:
    """Steady-state signal (rows, columns) of resting tissue, in parts by CLASSES."""
    points = plane.points_mm(slice(0, plane.rows), slice(0, plane.columns))
    at = heart.coordinates(points - shift_mm, np.float32)
    sac = outline_mm(heart, at), at.cos
    edge = 0.6 * scanner.blur_px * math.sqrt(plane.row_spacing_mm * plane.column_spacing_mm)
    found = {}
    for part in dict.fromkeys(CLASSES.values()):
        signals = Signals(
            **{
                name: getattr(scanner.signals, name) if of == part else 0.0
                for name, of in CLASSES.items()
            }
        )
        body = heart.parameters.body
        found[part] = render_body(points, body, signals, sac, edge, scanner.grain, shift_mm)
    return found
