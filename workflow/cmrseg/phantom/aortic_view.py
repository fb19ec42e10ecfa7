"""Cines across the aorta at the level of the pulmonary artery."""

import math
from collections.abc import Sequence

import numpy as np

from cmrseg.phantom.aorta import AorticArch
from cmrseg.phantom.body import Signals, ellipsoid_depth, soft, texture
from cmrseg.phantom.heart import Heart, HeartParameters
from cmrseg.phantom.image_plane import Plane
from cmrseg.phantom.long_axis import ViewSettings, plane_around
from cmrseg.phantom.receiver import detected, with_ghosts
from cmrseg.phantom.scanner import ScannerSettings, offsets_mm, resting

WALL_MM = 1.6
# What lies around an ascending aorta of USUAL_MM radius, in mm from its middle to the patient's
# left and to the back: from, to and radius. Vessels with blood of the right heart (the trunk and
# both arteries of the lungs, the superior vena cava), then airways.
USUAL_MM = 16.0
VEINS = (
    ((31.0, -9.0), (27.0, 12.0), 12.5),
    ((27.0, 18.0), (-38.0, 27.0), 7.5),
    ((28.0, 16.0), (50.0, 36.0), 8.5),
    ((-25.0, 8.0), (-25.0, 8.0), 9.0),
)
AIRWAYS = (((13.0, 45.0), (22.0, 47.0), 6.0), ((-14.0, 43.0), (-24.0, 45.0), 6.5))
# Middle and semi-axes of the mediastinum.
MEDIASTINUM = ((3.0, 18.0), (43.0, 44.0))


def aortic_plane(parameters: HeartParameters, settings: ViewSettings) -> Plane:
    """The plane across both vessels, its middle between them and the middle of the chest."""
    arch = AorticArch(Heart(parameters))
    x = 0.3 * arch.descending_mm[0] - 0.5 * float(arch.origin_mm[0])
    middle = arch.origin_mm + x * arch.row + 0.45 * arch.descending_mm[1] * arch.column
    return plane_around(middle, arch.row, arch.column, settings)


def acquire_aorta(
    parameters: HeartParameters,
    plane: Plane,
    phases: Sequence[float] | np.ndarray,
    scanner: ScannerSettings,
    rng: np.random.Generator,
    shift_mm=(0.0, 0.0, 0.0),
) -> tuple[np.ndarray, np.ndarray]:
    """Images (t, rows, columns) of an aortic plane and its labels; arguments as of `acquire`.

    Raises ValueError if the parameters have no aorta.
    """
    heart, shift = Heart(parameters), np.asarray(shift_mm, float)
    arch = AorticArch(heart)
    rest, sensitivity = resting(heart, plane, scanner, shift_mm)
    points = plane.points_mm(
        slice(0, plane.rows), slice(0, plane.columns), offsets_mm(plane, scanner)
    )
    points = points - shift
    edge = scanner.blur_px * math.sqrt(plane.row_spacing_mm * plane.column_spacing_mm)
    vessels = Vessels(arch, points, scanner.signals, edge, scanner.flow)
    still = vessels.around(rest)
    images = np.empty((len(phases), plane.rows, plane.columns), np.float32)
    exact = plane.points_mm(slice(0, plane.rows), slice(0, plane.columns))[0] - shift
    labels = np.empty(images.shape, np.uint8)
    for t, phase in enumerate(phases):
        image = vessels.draw(still, float(phase)).mean(axis=0) * sensitivity
        if scanner.ghosting > 0:
            image = with_ghosts(image, scanner.ghosting, phase)
        detected(image, scanner.noise, rng, out=images[t])
        labels[t] = arch.labels(exact, float(phase))
    if scanner.gain != 1:
        images *= np.float32(scanner.gain)
    return images, labels


class Vessels:
    """One plane's points and the brightness of the vessels there at each phase.

    points_mm: (k, y, x, 3) LPS mm, k planes through the slice.
    """

    def __init__(
        self, arch: AorticArch, points_mm: np.ndarray, signals: Signals, edge_mm: float, flow: float
    ):
        self.arch, self.signals, self.edge_mm, self.flow = arch, signals, edge_mm, flow
        x, y = arch.places(points_mm)
        self.x, self.y = x.astype(np.float32), y.astype(np.float32)
        seed = arch.heart.parameters.seed
        middle = points_mm[len(points_mm) // 2 :][:1].astype(np.float32)
        self.fat, self.fine = (texture(middle, seed, i, cell) for i, cell in ((2, 6.0), (1, 2.4)))
        lumen = arch.lumens(arch.aorta.peak_phase)[0]
        self.spread = max(1.0, lumen.long_mm / USUAL_MM)
        swirl = texture(middle, seed, 3, 7.0) * 1.5
        self.swirl = np.cos(swirl), np.sin(swirl)

    def around(self, rest: np.ndarray) -> np.ndarray:
        """The resting body (y, x) with mediastinum, airways and fat; (k, y, x)."""
        signals, edge = self.signals, self.edge_mm
        image = np.broadcast_to(rest, self.x.shape).copy()

        def over(value, part):
            nonlocal image
            image += (value - image) * part

        (cx, cy), (hx, hy) = MEDIASTINUM
        flat = np.stack([self.x, self.y, np.zeros_like(self.x)], axis=-1)
        inside = ellipsoid_depth(flat, (cx, cy, 0), (hx, hy, 50)) + 4 * self.fat
        mixed = 0.6 + 0.22 * self.fat + 0.12 * self.fine
        tissue = signals.muscle + (0.8 * signals.fat - signals.muscle) * np.clip(mixed, 0, 1)
        vessels = np.maximum.reduce([self._tube_mm(tube) for tube in VEINS])
        over(tissue, soft(np.maximum(inside, vessels + 3 + 2 * self.fat), edge))
        airways = np.maximum.reduce([self._tube_mm(tube) for tube in AIRWAYS])
        over(signals.muscle, soft(airways + 1.5, edge))
        over(signals.lung * 0.6, soft(airways, edge))
        # The descending aorta covers the resting one of the torso.
        x, y = self.arch.descending_mm
        bed = 15.5 + 0.8 * self.fat - np.hypot(self.x - x, self.y - y)
        over(tissue, soft(bed, edge))
        return image

    def draw(self, still: np.ndarray, phase: float) -> np.ndarray:
        """Brightness (k, y, x) at a phase over what `around` gives."""
        signals, edge = self.signals, self.edge_mm
        image = still.copy()

        def over(value, part):
            nonlocal image
            image += (value - image) * part

        heart = self.arch.heart
        es = heart.parameters.es_phase
        turn = 2 * math.pi * phase
        swirl = self.swirl[0] * math.cos(turn) - self.swirl[1] * math.sin(turn)
        pace = math.sin(math.pi * phase / es) if phase < es else 0.0
        fresh = 0.95 + self.flow * (0.05 * swirl + 0.10 * pace)
        veins = np.maximum.reduce([self._tube_mm(tube) for tube in VEINS])
        veins = veins + 0.8 * self.fat + 0.6 * heart.state(phase).contraction
        wall = signals.muscle * 0.75
        over(wall, soft(veins + 1.2, edge))
        over(signals.vein * (fresh - self.flow * 0.12 * pace * (1 + swirl)), soft(veins, edge))
        for lumen, speed in zip(self.arch.lumens(phase), (1.0, 0.7), strict=True):
            depth = lumen.depth_mm(self.x, self.y)
            over(wall, soft(depth + WALL_MM, edge))
            # In systole the stream is bright in the middle and dephases along the wall.
            rim = self.flow * 0.22 * pace * speed * np.exp(-((np.maximum(depth, 0) / 3.0) ** 2))
            over(signals.blood * (fresh - rim), soft(depth, edge))
        return image

    def _tube_mm(self, tube) -> np.ndarray:
        """Depth below the wall of a vessel that lies in the plane."""
        (ax, ay), (bx, by) = (tuple(self.spread * place for place in end) for end in tube[:2])
        dx, dy = bx - ax, by - ay
        length2 = dx * dx + dy * dy
        x, y = self.x - ax, self.y - ay
        along = np.clip((x * dx + y * dy) / length2, 0, 1) if length2 else 0.0
        return tube[2] - np.hypot(x - along * dx, y - along * dy)
