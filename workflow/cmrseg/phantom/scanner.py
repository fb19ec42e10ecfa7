"""The scanner: images of a digital subject in any plane, with realistic artefacts."""

import math
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from cmrseg.phantom.beat import Beat, outline_mm
from cmrseg.phantom.body import Signals, render_body
from cmrseg.phantom.coils import sensitivity
from cmrseg.phantom.geometry import Coordinates, classify
from cmrseg.phantom.heart import Heart, HeartParameters
from cmrseg.phantom.image_plane import Plane, heart_box
from cmrseg.phantom.injury import Injury
from cmrseg.phantom.look import Look
from cmrseg.phantom.receiver import detected, with_ghosts
from cmrseg.vectors import dot, length

# In short-axis pictures the right ventricle lies left of the left one and this much lower.
RV_BELOW_DEG = 14.0


@dataclass(frozen=True)
class ScannerSettings:
    """Imaging properties of a scanner.

    field_t: tesla. signals: of tissues. noise: standard deviation in each of the two channels, in
    scanner units. shading: how much weaker coils far from the chest wall see.
    bands: depth of dark bands of the transmit field, 0 to 1. papillary, trabeculae: contrast of
    these muscles. flow: inflow brightness and dephasing at the valves. fold_over: strength of
    what lies beside the picture and is folded into it along phase encoding (the shorter side).
    blur_px: width of an edge in pixels. grain: strength of textures. through_plane_samples: odd
    number of planes averaged through the slice. gain: factor of everything. inflow: swirls of
    bright and dark blood while it streams. ghosting: strength of the copies, shifted along the
    columns, that breathing leaves. magnification: how much larger than life the body is made,
    against which waves of the field are as much shorter. stasis: of black blood, how much of it
    stays bright where it rests. injury: how an infarct looks; None as
    muscle does.
    """

    field_t: float
    signals: Signals
    noise: float = 12.0
    shading: float = 0.8
    bands: float = 0.0
    papillary: float = 0.9
    trabeculae: float = 0.7
    flow: float = 1.0
    fold_over: float = 0.3
    blur_px: float = 1.6
    grain: float = 1.0
    through_plane_samples: int = 3
    gain: float = 1.0
    inflow: float = 0.0
    ghosting: float = 0.0
    magnification: float = 1.0
    stasis: float = 0.0
    injury: Injury | None = None


# Relative brightness of balanced cine at 1.5T and 3T, and of gradient echo cine at 7T.
_BALANCED = Signals(
    blood=500, vein=470, myocardium=145, muscle=110, fat=640, liver=150,
    spleen=220, lung=14, marrow=210, fluid=480, skin=200,
)  # fmt: skip
_GRADIENT_ECHO = Signals(
    blood=560, vein=450, myocardium=225, muscle=200, fat=450, liver=235,
    spleen=250, lung=30, marrow=240, fluid=230, skin=240,
)  # fmt: skip
# The same of spoiled gradient echo at 9.4T with a short repetition time: fresh blood is bright.
_SPOILED = Signals(
    blood=620, vein=560, myocardium=215, muscle=195, fat=330, liver=225,
    spleen=230, lung=35, marrow=170, fluid=150, skin=230,
)  # fmt: skip
SCANNERS = {
    "1.5T": ScannerSettings(1.5, _BALANCED),
    "3T": ScannerSettings(3.0, _BALANCED, noise=9.0, shading=1.3, bands=0.35),
    "7T": ScannerSettings(
        7.0, _GRADIENT_ECHO, noise=16.0, shading=1.5, bands=0.65, papillary=0.8, flow=1.8,
        fold_over=0.5, blur_px=1.8,
    ),
    # Mice, in a volume resonator; the body fits into the picture.
    "9.4T": ScannerSettings(
        9.4, _SPOILED, noise=24.0, shading=0.3, bands=0.3, papillary=0.9, trabeculae=0.75,
        flow=1.5, fold_over=0.0, blur_px=1.3, inflow=0.35, ghosting=0.04, magnification=13.0,
    ),
}  # fmt: skip


def ventricles_at(heart: Heart, at: Coordinates, phase: float) -> np.ndarray:
    """Labels of the ventricles at points in the heart's coordinates."""
    state = heart.state(phase)
    return classify(at, heart.surfaces(at, state), state)


def acquire(
    parameters: HeartParameters,
    plane: Plane,
    phases,
    settings: ScannerSettings,
    rng: np.random.Generator,
    shift_mm=(0.0, 0.0, 0.0),
    labels_at: Callable[[Heart, Coordinates, float], np.ndarray] = ventricles_at,
) -> tuple[np.ndarray, np.ndarray]:
    """Images of one plane at the given phases, and the ground truth.

    phases: (t,) fractions of the RR interval. shift_mm: where this slice's breath-hold has put
    the heart and the organs below it (LPS). Returns images (t, rows, columns) float32 in scanner
    units and labels (t, rows, columns) uint8 `Tissue` at the pixel centres of the slice's middle.
    labels_at: gives the labels of points in the heart's coordinates at a phase.
    Raises ValueError if `through_plane_samples` is not odd and positive.
    """
    shift = np.asarray(shift_mm, float)
    heart = Heart(parameters)
    offsets = offsets_mm(plane, settings)
    samples = len(offsets)
    rest = _resting(heart, plane, offsets, settings, shift)
    seen = _sensitivity(heart, plane, settings)
    box = heart_box(heart, plane, shift)
    images = np.empty((len(phases), plane.rows, plane.columns), np.float32)
    labels = np.zeros(images.shape, np.uint8)
    beat = None
    if box is not None:
        pixel_mm = math.sqrt(plane.row_spacing_mm * plane.column_spacing_mm)
        look = Look(
            edge_mm=settings.blur_px * pixel_mm,
            step_mm=max(plane.thickness_mm / samples, 0.5),
            papillary=settings.papillary,
            trabeculae=settings.trabeculae,
            flow=settings.flow,
            grain=settings.grain,
            inflow=settings.inflow,
            stasis=settings.stasis,
            injury=settings.injury,
            edge_px=settings.blur_px,
        )
        points = plane.points_mm(*box, offsets) - shift
        beat = Beat(heart, points, settings.signals, look)
        exact = heart.coordinates(points[samples // 2])
    still = rest * seen
    for t, phase in enumerate(phases):
        image = still.copy()
        if beat is not None:
            image[box] = beat.draw(rest[box], phase) * seen[box]
            labels[t][box] = labels_at(heart, exact, float(phase))
        if settings.ghosting > 0:
            image = with_ghosts(image, settings.ghosting, phase)
        detected(image, settings.noise, rng, out=images[t])
    if settings.gain != 1:
        images *= np.float32(settings.gain)
    return images, labels


def offsets_mm(plane: Plane, settings: ScannerSettings) -> np.ndarray:
    """Places along the normal of the planes that are averaged through a slice."""
    samples = settings.through_plane_samples
    if samples < 1 or samples % 2 == 0:
        raise ValueError(f"through_plane_samples must be odd and positive, got {samples}")
    return ((np.arange(samples) + 0.5) / samples - 0.5) * plane.thickness_mm


def resting(
    heart: Heart, plane: Plane, settings: ScannerSettings, shift_mm=(0.0, 0.0, 0.0)
) -> tuple[np.ndarray, np.ndarray]:
    """Signal (rows, columns) of all that rests in a plane, and the coils' sensitivity there."""
    rest = _resting(
        heart, plane, offsets_mm(plane, settings), settings, np.asarray(shift_mm, float)
    )
    return rest, _sensitivity(heart, plane, settings)


def _resting(heart: Heart, plane: Plane, offsets, settings: ScannerSettings, shift) -> np.ndarray:
    """Signal (rows, columns) of static tissue, including fold-over."""
    edge = settings.blur_px * math.sqrt(plane.row_spacing_mm * plane.column_spacing_mm)

    def render(rows: slice, columns: slice, offsets) -> np.ndarray:
        points = plane.points_mm(rows, columns, offsets)
        at = heart.coordinates(points - shift, np.float32)
        return render_body(
            points,
            heart.parameters.body,
            settings.signals,
            (outline_mm(heart, at), at.cos),
            edge,
            settings.grain,
            shift,
        )

    rows, columns = slice(0, plane.rows), slice(0, plane.columns)
    image = render(rows, columns, offsets)
    if settings.fold_over > 0:
        # Outside the field of view, receiver filter and coils become less sensitive.
        if plane.rows <= plane.columns:
            n = plane.rows
            fade = settings.fold_over * np.linspace(1, 0, n, dtype=np.float32)[:, None] ** 2
            image += fade * render(slice(n, 2 * n), columns, (0.0,))
            image += fade[::-1] * render(slice(-n, 0), columns, (0.0,))
        else:
            n = plane.columns
            fade = settings.fold_over * np.linspace(1, 0, n, dtype=np.float32) ** 2
            image += fade * render(rows, slice(n, 2 * n), (0.0,))
            image += fade[::-1] * render(rows, slice(-n, 0), (0.0,))
    return image


def _sensitivity(heart: Heart, plane: Plane, settings: ScannerSettings) -> np.ndarray:
    points = plane.points_mm(slice(0, plane.rows), slice(0, plane.columns))[0]
    p, field_t = heart.parameters, settings.field_t / settings.magnification
    place = np.asarray(p.centre_mm), p.body.half_depth_mm
    return sensitivity(points, *place, settings.shading, settings.bands, field_t, p.seed)


def short_axis_planes(
    parameters: HeartParameters,
    rows: int,
    columns: int,
    spacing_mm: float,
    slice_distance_mm: float,
    thickness_mm: float,
    count: int | None = None,
    centre_mm=None,
    off_centre_mm: tuple[float, float] = (0.0, 0.0),
) -> list[Plane]:
    """Short-axis planes from base to apex, as they are planned on a scanner.

    The first lies one slice beyond the base at end-diastole, the last one at least one slice
    beyond the apex unless `count` says how many there are. centre_mm: LPS point that the middle
    of each picture lies over (default: the axis, moved towards the right ventricle so that both
    fit). off_centre_mm: by how much the middle lies further along the rows and the columns.
    The right ventricle is on the left of the picture, the anterior wall on top.
    """
    heart = Heart(parameters)
    base, apex = heart.base_apex_mm(0.0)
    if count is None:
        count = math.ceil(length(apex - base) / slice_distance_mm) + 2
    angle = math.radians(RV_BELOW_DEG)
    row = -math.cos(angle) * heart.towards_rv + math.sin(angle) * heart.towards_inferior
    column = math.cos(angle) * heart.towards_inferior + math.sin(angle) * heart.towards_rv
    if centre_mm is None:
        centre = base + 0.5 * heart.short_mm * heart.towards_rv
    else:
        offset = np.asarray(centre_mm, float) - base
        centre = base + offset - dot(offset, heart.axis) * heart.axis
    centre = centre + off_centre_mm[0] * row + off_centre_mm[1] * column
    corner = centre - spacing_mm * ((columns - 1) / 2 * row + (rows - 1) / 2 * column)
    first = Plane(
        position_mm=(0.0, 0.0, 0.0),
        row_direction=tuple(row.tolist()),
        column_direction=tuple(column.tolist()),
        row_spacing_mm=spacing_mm,
        column_spacing_mm=spacing_mm,
        rows=rows,
        columns=columns,
        thickness_mm=thickness_mm,
    )
    places = (corner + (i - 0.5) * slice_distance_mm * heart.axis for i in range(count))
    return [replace(first, position_mm=tuple(place.tolist())) for place in places]
