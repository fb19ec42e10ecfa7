"""What a network that places points sees of a slice, by the preparation of its settings.

A preparation of one frame is of whole images, in which a box is found; one of several frames is of
the window around such a box.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from cmrseg.canvas import PREPARATIONS, Canvas
from cmrseg.learn.tag_frames import seen_frames
from cmrseg.learn.tag_window import (
    Mode,
    Window,
    box_around,
    frame_canvas,
    from_canvas,
    on_canvas,
    scaled_greys,
    to_canvas,
)
from cmrseg.ring import CORNERS, LANDMARKS


@dataclass(frozen=True)
class WholeFrame:
    """The first frame of a slice, on a canvas."""

    canvas: Canvas

    def crop(self, frames: np.ndarray) -> np.ndarray:
        """Frames (t, y, x) as (t, S, S) float32."""
        return on_canvas(frames, self.canvas)

    def truth(self, points: np.ndarray) -> np.ndarray:
        """The corners (1, 2, 2) of the box around points (t, p, 2) of the first frame."""
        return to_canvas(box_around(points[0], self.canvas.native), self.canvas)[None]

    def to_image(self, points: np.ndarray) -> np.ndarray:
        """Places (..., 2) on the canvas as places in the image."""
        return from_canvas(points, self.canvas)

    @property
    def enlarged(self) -> float:
        """Pixels of the canvas for one of the image."""
        return max(self.canvas.scaled) / max(self.canvas.native)


@dataclass(frozen=True)
class HeartWindow:
    """The frames of a slice that a network sees, in a window around the heart."""

    window: Window
    frames: int

    def crop(self, frames: np.ndarray) -> np.ndarray:
        """Frames (t, y, x) as (t, S, S) float32."""
        return self.window.crop(frames)

    def truth(self, points: np.ndarray) -> np.ndarray:
        """Points (t, p, 2) of a slice in the frames seen, in px of the window."""
        return self.window.to_window(points[seen_frames(len(points), self.frames)])

    def to_image(self, points: np.ndarray) -> np.ndarray:
        """Places (..., 2) in the window as places in the image."""
        return self.window.to_image(points)

    @property
    def enlarged(self) -> float:
        """Pixels of the window for one of the image."""
        return self.window.size_px / self.window.height


Place = WholeFrame | HeartWindow


def points_placed(settings: Mapping[str, Any]) -> int:
    """Points in each frame that a network of some settings places."""
    return CORNERS if PREPARATIONS[settings["preparation"]].frames == 1 else LANDMARKS


def place_of_box(
    box: np.ndarray | None, shape_px: tuple[int, ...], settings: Mapping[str, Any]
) -> Place:
    """Where a slice of `shape_px` (y, x) lies in what a network sees.

    box: (2, 2), first and last corner of what a window is laid around; not used for whole frames.
    Raises ValueError for a box around which there is no window, and an image that is too large.
    """
    preparation, size = PREPARATIONS[settings["preparation"]], settings["size_px"]
    mode: Mode = "compat" if preparation.scaled_by == "nothing" else "square"
    if preparation.frames == 1:
        return WholeFrame(frame_canvas(shape_px, size, mode))
    if box is None:
        raise ValueError("no box around the heart; find it with a network of boxes first")
    return HeartWindow(Window.of(box, shape_px, size, mode), preparation.frames)


def place_of_truth(
    points: np.ndarray, shape_px: tuple[int, ...], settings: Mapping[str, Any]
) -> Place:
    """The same by points (t, p, 2): a window lies around those of the first frame."""
    return place_of_box(box_around(points[0], shape_px), shape_px, settings)


def prepared(frames: np.ndarray, place: Place, settings: Mapping[str, Any]) -> np.ndarray:
    """The frames (t, y, x) that a network sees as (S, S) of one, else (t, S, S) float32."""
    images = scaled_greys(place.crop(frames), PREPARATIONS[settings["preparation"]])
    return images[0] if len(images) == 1 else images
