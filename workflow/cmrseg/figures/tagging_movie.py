"""A tagged slice as a film: the cine, the heart, its landmarks, and strain as it develops."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from matplotlib.patheffects import withStroke
from PIL import Image

from cmrseg.boxes import box_of
from cmrseg.figures import style
from cmrseg.figures.strain_layers import (
    LAYER_LOOKS,
    draw_curve,
    layer_handles,
    limits_of,
    smooth_curve,
    strain_axes,
)
from cmrseg.files import replacing
from cmrseg.measure.ring_curves import Ring, curve, ring_curves
from cmrseg.measure.strain_times import cavity_area_mm2, extreme_frame
from cmrseg.ring import ENDOCARDIUM, EPICARDIUM, MIDWALL, WALLS, by_spoke

# As the published films: 8 x 8 inches, five frames per second.
SIDE_MM, DPI, FRAME_MS = 8 * style.MM_PER_INCH, 100, 200
# Of all grey values; a few bright pixels of fat would make the heart dark.
BRIGHTEST = 99.5
# Landmarks from endocardium to epicardium.
WALL_COLOURS = ("#661144", "#882255", "#AA4466", "#CC6677", "#D58855", "#DDAA33", "#EECC66")
NOW = "#33BBEE"


@dataclass(frozen=True)
class Film:
    """A slice of a subject. name: of its file.

    images: (t, y, x). points_px: (t, 168, 2), landmarks (y, x), nan where unknown. spacing_mm: of
    pixels along y and x. interval_ms: between frames, nan where unknown.
    """

    name: str
    title: str
    images: np.ndarray
    points_px: np.ndarray
    spacing_mm: tuple[float, float]
    interval_ms: float = float("nan")


def write_film(film: Film, path: str | Path) -> None:
    """Write a GIF that runs for ever; the same slice gives the same bytes.

    Raises ValueError where no landmark of the first frame is known.
    """
    pictures = [Image.fromarray(picture) for picture in pictures_of(film)]
    # One palette for all frames: colours do not flicker.
    palette = _palette(pictures[-1])
    frames = [p.quantize(palette=palette, dither=Image.Dither.NONE) for p in pictures]
    with replacing(path) as temporary:
        frames[0].save(
            temporary,
            format="GIF",
            save_all=True,
            append_images=frames[1:],
            duration=FRAME_MS,
            loop=0,
            optimize=False,
        )


def _palette(picture: Image.Image) -> Image.Image:
    """A palette of the colours of a picture, with those of lines and background as they are."""
    exact = [to_rgb(colour) for colour in ("white", style.INK, NOW, *WALL_COLOURS)]
    exact += [to_rgb(look.colour) for look in LAYER_LOOKS]
    few = picture.quantize(256 - len(exact), method=Image.Quantize.MEDIANCUT)
    numbers = [round(255 * part) for colour in exact for part in colour]
    found = Image.new("P", (1, 1))
    found.putpalette([*numbers, *(few.getpalette() or [])][: 3 * 256])
    return found


def pictures_of(film: Film) -> Iterator[np.ndarray]:
    """Each frame of the film as a picture (rows, columns, 3) uint8. Errors as `write_film`."""
    known = np.isfinite(film.points_px[0]).all(axis=1)
    if not known.any():
        raise ValueError(
            f"{film.title}: no landmark is known in the first frame; choose another slice"
        )
    with matplotlib.rc_context(style.SETTINGS):
        drawn = _Drawn(film)
        for frame in range(len(film.images)):
            yield drawn.picture(frame)


class _Drawn:
    """The figure of a film, which is changed from frame to frame."""

    def __init__(self, film: Film) -> None:
        self.film = film
        result = style.figure_mm(SIDE_MM, SIDE_MM)
        # Pictures do not move from frame to frame.
        result.set_layout_engine("none")
        self.canvas = FigureCanvasAgg(result)
        result.set_dpi(DPI)
        result.text(0.02, 0.975, film.title, fontsize=12, weight="bold", va="center")
        whole, heart, marked, chart = (
            result.add_axes(place)
            for place in (
                (0.02, 0.505, 0.47, 0.445),
                (0.51, 0.505, 0.47, 0.445),
                (0.02, 0.03, 0.47, 0.445),
                (0.58, 0.09, 0.4, 0.325),
            )
        )
        rows, columns = film.images.shape[1:]
        box = box_of(film.points_px[0], (rows, columns))
        brightest = np.percentile(film.images, BRIGHTEST)
        self.images = [
            _image(axes, film.images[0], brightest, film.spacing_mm)
            for axes in (whole, heart, marked)
        ]
        (y, x), (height, width) = box[0], box[1] - box[0]
        whole.add_patch(Rectangle((x, y), width, height, fill=False, edgecolor=NOW, linewidth=1.5))
        for axes in (heart, marked):
            _square(axes, box, film.spacing_mm)
        self.words = whole.text(
            0.03,
            0.97,
            "",
            transform=whole.transAxes,
            va="top",
            color="white",
            fontsize=11,
            path_effects=[withStroke(linewidth=2, foreground="black")],
        )
        self._landmarks(marked)
        self._chart(chart, result)

    def _landmarks(self, axes: Axes) -> None:
        self.rings = {
            wall: axes.plot([], [], color="white", linewidth=0.9, alpha=0.75)[0]
            for wall in (ENDOCARDIUM, MIDWALL, EPICARDIUM)
        }
        self.dots = [
            axes.plot(
                [], [], "o", color=colour, markersize=4.2, markeredgewidth=0.4, markeredgecolor="k"
            )[0]
            for colour in WALL_COLOURS
        ]

    def _chart(self, axes: Axes, result: Figure) -> None:
        film = self.film
        points = film.points_px[:, None]
        table = ring_curves(Ring(points, film.spacing_mm, {0: "mid"}))
        self.curves = [
            curve(table, look.direction, look.layer, "mid", "green_percent") for look in LAYER_LOOKS
        ]
        strain_axes(axes, len(film.images), limits_of(self.curves))
        self.smooth = [smooth_curve(values) for values in self.curves]
        for (x, y), look in zip(self.smooth, LAYER_LOOKS, strict=True):
            axes.plot(x, y, color=look.colour, linestyle=look.dashes, linewidth=0.8, alpha=0.35)
        self.lines = [
            draw_curve(axes, values, look)
            for values, look in zip(self.curves, LAYER_LOOKS, strict=True)
        ]
        es = extreme_frame(cavity_area_mm2(points, film.spacing_mm)[:, 0], largest=False)
        if es is not None:
            axes.axvline(es + 1, color=style.PALE, linewidth=0.8, linestyle=(0, (1, 2)))
            axes.annotate(
                "end-systole",
                (es + 1, 0.01),
                xycoords=("data", "axes fraction"),
                xytext=(3, 0),
                textcoords="offset points",
                fontsize=8,
                color=style.PALE,
            )
        axes.set_xlabel(style.FRAME, fontsize=9)
        axes.set_ylabel("Green strain (%)", fontsize=9)
        axes.tick_params(labelsize=8)
        self.now = axes.axvline(1, color=NOW, linewidth=1.2)
        result.legend(
            handles=layer_handles(),
            loc="upper left",
            bbox_to_anchor=(0.56, 0.5),
            ncols=2,
            fontsize=8.5,
            columnspacing=1.5,
        )

    def picture(self, frame: int) -> np.ndarray:
        film = self.film
        for image in self.images:
            image.set_data(film.images[frame])
        time = frame * film.interval_ms
        when = f", {time:.0f} ms" if np.isfinite(time) else ""
        self.words.set_text(f"Frame {frame + 1} of {len(film.images)}{when}")
        rings = by_spoke(film.points_px[frame])
        for wall, line in self.rings.items():
            closed = np.concatenate([rings[:, wall], rings[:1, wall]])
            line.set_data(closed[:, 1], closed[:, 0])
        for wall in range(WALLS):
            self.dots[wall].set_data(rings[:, wall, 1], rings[:, wall, 0])
        self.now.set_xdata([frame + 1])
        for values, (x, y), (line, dots) in zip(self.curves, self.smooth, self.lines, strict=True):
            passed = x <= frame + 1
            line.set_data(x[passed], y[passed])
            dots.set_data(np.arange(frame + 1) + 1, values[: frame + 1])
        self.canvas.draw()
        return np.asarray(self.canvas.buffer_rgba())[..., :3].copy()


def _image(axes: Axes, image: np.ndarray, brightest: float, spacing_mm: tuple[float, float]):
    axes.set_axis_off()
    return axes.imshow(
        image,
        cmap="gray",
        vmin=0,
        vmax=brightest,
        interpolation="bilinear",
        aspect=spacing_mm[0] / spacing_mm[1],
    )


def _square(axes: Axes, box: np.ndarray, spacing_mm: tuple[float, float]) -> None:
    """Limits of a square picture of a box."""
    middle, half_mm = box.mean(axis=0), (np.diff(box, axis=0)[0] * spacing_mm).max() / 2
    half = half_mm / np.asarray(spacing_mm)
    axes.set_xlim(middle[1] - half[1], middle[1] + half[1])
    axes.set_ylim(middle[0] + half[0], middle[0] - half[0])
