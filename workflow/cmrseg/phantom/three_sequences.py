"""Three short-axis pictures of one heart at end-diastole: cine, late enhancement and T2.

As in the MyoPS challenge (Li et al. 2023, doi:10.1016/j.media.2023.102808): few thick slices, the
same grid for all, x from the right ventricle to the left one, y to the anterior wall, slice 0 at
the apex.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from cmrseg.phantom.body import Signals
from cmrseg.phantom.heart import Heart, HeartParameters
from cmrseg.phantom.image_plane import Plane
from cmrseg.phantom.injury import Injury, injured_at
from cmrseg.phantom.kaggle import (
    BREATHING_DIRECTION,
    OFF_CENTRE_MM,
    Protocol,
    generator,
    scanner_of,
)
from cmrseg.phantom.plan import moved, turned_about
from cmrseg.phantom.receiver import zero_filled
from cmrseg.phantom.scanner import ScannerSettings, acquire, short_axis_planes

# Late after contrast, muscle nulled.
_LATE = Signals(
    blood=330, vein=320, myocardium=88, muscle=130, fat=370, liver=175,
    spleen=150, lung=14, marrow=210, fluid=60, skin=190,
)  # fmt: skip
_LATE_INJURY = Injury(scar=4.6, grey=2.8, obstruction=1.2, edema=1.1, old=4.6)
# Turbo spin echo with black blood.
_T2 = Signals(
    blood=36, vein=42, myocardium=150, muscle=120, fat=300, liver=105,
    spleen=260, lung=14, marrow=170, fluid=750, skin=220,
)  # fmt: skip
_T2_INJURY = Injury(scar=1.8, grey=1.75, obstruction=1.2, edema=1.65, old=0.9)
# The same with inversion of fat (STIR).
_STIR_FAT, _STIR_MARROW, _STIR_SKIN = 60.0, 70.0, 90.0
STIR_SHARE = 0.3
# Slices of a stack, and how far inside the base and the cavity's apex they begin, over the length.
SLICES = (3, 6)
BELOW_BASE, ABOVE_APEX = 0.10, 0.10
# By how much pictures are turned about their normal, in degrees: mean and standard deviation.
TURNED_DEG = (0.0, 5.0)
# Along the normal sequences are less off than in the plane.
THROUGH_PLANE = 0.35
# Planes that are averaged through a slice: it is thick, and the apex narrows within it.
PLANES = 5
# More noise would be scanned again.
NOISIEST = 24.0
# Factors of the pixels' values: mean and standard deviation of the logarithm.
GAIN = {"c0": (2.6, 0.2), "de": (1.35, 0.35), "t2": (1.7, 0.3)}


@dataclass(frozen=True)
class Stills:
    """One sequence: images (z, y, x) in the scanner's units and their place (RAS mm).

    planes: of each slice, LPS, in the order of the images.
    """

    images: np.ndarray
    planes: tuple[Plane, ...]


def late_enhancement(scanner: ScannerSettings, rng: np.random.Generator) -> ScannerSettings:
    """The scanner while it takes late enhancement: scar and blood bright, muscle nearly black.

    rng: how well the inversion time nulls muscle, and how much contrast agent is left in the blood.
    """
    nulled, blood = float(np.exp(rng.normal(0, 0.3))), float(np.exp(rng.normal(0, 0.12)))
    muscle = _LATE.myocardium * nulled
    scar = _LATE.myocardium * _LATE_INJURY.scar * float(np.exp(rng.normal(0, 0.1)))
    injury = replace(
        _LATE_INJURY,
        scar=scar / muscle,
        old=scar / muscle,
        grey=(0.45 * scar + 0.55 * muscle) / muscle,
    )
    signals = replace(_LATE, myocardium=muscle, blood=_LATE.blood * blood, vein=_LATE.vein * blood)
    return replace(
        scanner,
        signals=signals,
        injury=injury,
        noise=min(1.6 * scanner.noise, NOISIEST),
        flow=0.3,
        papillary=0.8,
        trabeculae=0.5,
        bands=0.0,
        grain=1.8 * scanner.grain,
        ghosting=0.012,
        blur_px=1.15 * scanner.blur_px,
    )


def t2_weighted(scanner: ScannerSettings, rng: np.random.Generator) -> ScannerSettings:
    """The scanner while it takes T2-weighted pictures: blood black, oedema bright.

    rng: whether fat is suppressed, how black the blood is, how bright oedema.
    """
    signals = replace(_T2, blood=_T2.blood * float(np.exp(rng.normal(0, 0.35))))
    if rng.random() < STIR_SHARE:
        signals = replace(signals, fat=_STIR_FAT, marrow=_STIR_MARROW, skin=_STIR_SKIN)
    brighter = float(np.clip(rng.normal(1, 0.12), 0.75, 1.3))
    injury = replace(
        _T2_INJURY,
        scar=1 + (_T2_INJURY.scar - 1) * brighter,
        grey=1 + (_T2_INJURY.grey - 1) * brighter,
        edema=1 + (_T2_INJURY.edema - 1) * brighter,
        obstruction=float(rng.uniform(0.8, 1.5)),
    )
    return replace(
        scanner,
        signals=signals,
        injury=injury,
        noise=min(0.9 * scanner.noise, NOISIEST),
        flow=0.0,
        papillary=0.95,
        trabeculae=1.0,
        bands=0.0,
        grain=1.6 * scanner.grain,
        ghosting=0.02,
        stasis=float(rng.uniform(0.3, 0.8)),
        shading=1.3 * scanner.shading,
        blur_px=1.3 * scanner.blur_px,
    )


CONTRASTS = {"c0": lambda scanner, rng: scanner, "de": late_enhancement, "t2": t2_weighted}


def plan_planes(row: Mapping, parameters: HeartParameters, protocol: Protocol) -> list[Plane]:
    """The slices of a subject from apex to base, all sequences alike.

    As many as fit into the ventricle at the protocol's distance, within SLICES, or slice_count.
    How they are turned in the plane, and how far off the heart is, depends on the subject.
    """
    heart, rng = Heart(parameters), generator(row, "three sequences")
    apex_mm = parameters.apex_wall_mm
    usable = (1 - BELOW_BASE - ABOVE_APEX) * (heart.length_mm - apex_mm)
    count = protocol.slice_count
    if count is None:
        count = int(np.clip(math.floor(usable / protocol.slice_distance_mm) + 1, *SLICES))
    planes = short_axis_planes(
        parameters,
        rows=protocol.rows,
        columns=protocol.columns,
        spacing_mm=protocol.spacing_mm,
        slice_distance_mm=protocol.slice_distance_mm,
        thickness_mm=protocol.thickness_mm,
        count=count,
        off_centre_mm=tuple((rng.normal(0, 1, 2) * OFF_CENTRE_MM).tolist()),
    )
    # The stack lies in the middle of the ventricle, off by up to a quarter of what is left.
    middle = ABOVE_APEX * (heart.length_mm - apex_mm) + apex_mm + usable / 2
    left = max(usable - (count - 1) * protocol.slice_distance_mm, 0)
    middle += float(rng.uniform(-0.5, 0.5)) * left
    first = heart.length_mm - middle - (count - 1) / 2 * protocol.slice_distance_mm
    down = first + 0.5 * protocol.slice_distance_mm
    angle_deg = float(rng.normal(*TURNED_DEG))
    planes = [
        turned_about(moved(plane, down * heart.axis), plane.normal, angle_deg) for plane in planes
    ]
    return planes[::-1]


def sequence_shift_mm(row: Mapping, sequence: str, plane: Plane, spread_mm: float) -> np.ndarray:
    """Where another breath-hold has put the heart against that of the cine, LPS mm.

    spread_mm: standard deviation along rows and columns.
    """
    if sequence == "c0" or not spread_mm:
        return np.zeros(3)
    rng = generator(row, "sequence shift", sequence)
    along_rows, along_columns, across = rng.normal(0, spread_mm, 3) * (1, 1, THROUGH_PLANE)
    in_plane = along_rows * np.asarray(plane.row_direction)
    in_plane = in_plane + along_columns * np.asarray(plane.column_direction)
    return in_plane + across * plane.normal


def acquire_sequences(
    row: Mapping,
    parameters: HeartParameters,
    protocol: Protocol,
    sequence_spread_mm: float = 0.0,
    interpolation: int = 1,
) -> tuple[dict[str, Stills], np.ndarray]:
    """The sequences c0, de and t2 of a subject, and the labels (z, y, x) of the grid of c0.

    sequence_spread_mm: as of `sequence_shift_mm`; a slice's own breath-hold moves all sequences
    alike. interpolation: stored over acquired rows and columns.
    """
    planes = plan_planes(row, parameters, protocol)
    shifts = generator(row, "three shifts").normal(0, protocol.breath_hold_shift_mm, len(planes))
    site = replace(scanner_of(row, protocol), through_plane_samples=PLANES)
    found, labels = {}, []
    for sequence, contrast in CONTRASTS.items():
        rng = generator(row, "contrast", sequence)
        scanner = contrast(site, rng)
        mean, spread = GAIN[sequence]
        scanner = replace(scanner, gain=mean * float(np.exp(rng.normal(0, spread))))
        noise = generator(row, "noise", sequence)
        images = []
        for plane, shift in zip(planes, shifts, strict=True):
            moved_mm = shift * BREATHING_DIRECTION
            moved_mm = moved_mm + sequence_shift_mm(row, sequence, plane, sequence_spread_mm)
            coarse = replace(
                plane,
                rows=plane.rows // interpolation,
                columns=plane.columns // interpolation,
                row_spacing_mm=plane.row_spacing_mm * interpolation,
                column_spacing_mm=plane.column_spacing_mm * interpolation,
            )
            image, _ = acquire(parameters, coarse, (0.0,), scanner, noise, tuple(moved_mm))
            images.append(zero_filled(image, interpolation)[0])
            if sequence == "c0":
                labels.append(true_labels(parameters, plane, moved_mm))
        found[sequence] = Stills(np.stack(images), tuple(planes))
    return found, np.stack(labels)


def true_labels(parameters: HeartParameters, plane: Plane, shift_mm: np.ndarray) -> np.ndarray:
    """Labels (rows, columns) at the pixels' centres in the middle of a slice, at end-diastole."""
    heart = Heart(parameters)
    points = plane.points_mm(slice(0, plane.rows), slice(0, plane.columns))[0] - shift_mm
    return injured_at(heart, heart.coordinates(points), 0.0)
