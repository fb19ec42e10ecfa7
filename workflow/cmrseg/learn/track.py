"""Points in tagged cines from a trained network: the corners of a box, or landmarks in it."""

import logging
from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from cmrseg.canvas import PREPARATIONS
from cmrseg.cine import Cine
from cmrseg.learn.heart_search import check_certainty, search
from cmrseg.learn.prepare import check_settings
from cmrseg.learn.tag_frames import all_frames, seen_frames
from cmrseg.learn.tag_images import (
    Place,
    place_of_box,
    place_of_truth,
    points_placed,
    prepared,
)
from cmrseg.learn.threads import spread
from cmrseg.nets.tag_motion import TagMotion
from cmrseg.points import read_points, save_points
from cmrseg.results.labelling import check_coarse
from cmrseg.sequences import points_path

logger = logging.getLogger(__name__)

# Called with the number of slices done and of all; an exception stops the work.
Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class PreparedCine:
    """The frames of a cine that a network sees, and where it looks in each slice.

    frames: (t, z, y, x). places: of the slices that can be tracked, by their number. count: frames
    of the cine. subject: for the log.
    """

    frames: np.ndarray
    places: Mapping[int, Place]
    count: int
    subject: str


def track_cine(
    network: torch.nn.Module,
    cine: Cine,
    settings: Mapping[str, Any],
    device: str = "cpu",
    subject: str = "the cine",
    progress: Progress | None = None,
    box: np.ndarray | None = None,
) -> np.ndarray:
    """Points (t, z, p, 2) float64 in every frame and slice of a tagged cine, (y, x) in px.

    settings: task `track`, and preparation and size_px of the training. A network of boxes places
    two corners in the first frame; other frames are nan. One of landmarks needs `box`, points
    (t, z, 2, 2) of its coarse model; one without a coarse model may find the heart itself
    (learn.heart_search). It looks once more in the window around the landmarks that it found there,
    unless its preparation is as published. It sees SEEN_FRAMES frames: a cine of another number is
    sampled in time (learn.tag_frames), which the log says. A slice without a box, or whose
    landmarks are no ring, is nan, with a warning that names `subject`. Raises ValueError if the
    cine has values that are not finite, or box and cine do not fit.
    """
    tracker = Tracker(network, settings, device)
    made = tracker.prepare(cine, coarse=box, subject=subject)
    return tracker.finished(tracker.label(made, progress)(), cine, subject)


class Tracker:
    """A network that places points in one cine after another, as learn.predict.Predictor labels.

    Arguments and errors as of `track_cine`.
    """

    def __init__(
        self, network: torch.nn.Module, settings: Mapping[str, Any], device: str = "cpu"
    ) -> None:
        check_settings(settings)
        check_coarse(settings)
        self.settings, self.device = settings, device
        preparation = PREPARATIONS[settings["preparation"]]
        self.frames = preparation.frames
        # As published, landmarks are placed in the window of the box and nowhere else.
        self.again = self.frames > 1 and preparation.scaled_by != "nothing"
        self.network: torch.nn.Module = network.eval().requires_grad_(False).to(device)

    def read_coarse(self, folder: Path, sequence: str, cine: Cine) -> np.ndarray:
        """The boxes of a subject, from the folder of its coarse model's points."""
        return read_points(points_path(folder, sequence), cine)

    def prepare(
        self,
        *channels: Cine,
        coarse: np.ndarray | None = None,
        subject: str = "the cine",
    ) -> PreparedCine:
        """What `label` takes of a cine. coarse: boxes (t, z, 2, 2), for a network of landmarks."""
        (cine,) = channels
        voxels = cine.voxels
        frames, slices = voxels.shape[:2]
        if not np.isfinite(voxels).all():
            raise ValueError("has values that are not finite; repair the image")
        numbers = seen_frames(frames, self.frames)
        if self.frames > 1 and frames != self.frames:
            logger.warning(
                "%s: %d frames; the network sees %d of them in even steps, and points move evenly "
                "between these",
                *(subject, frames, len(np.unique(numbers))),
            )
        certainty = None
        seen = voxels[numbers]
        if isinstance(self.network, TagMotion) and not self.settings.get("coarse"):
            spacing_mm = cine.spacing_mm[1:]
            boxes, certainty = search(self.network, seen, spacing_mm, self.settings, self.device)
            coarse = boxes[None]
        elif self.frames > 1:
            check_boxes(coarse, voxels.shape)
        places = {}
        for z in range(slices):
            try:
                if certainty is not None:
                    check_certainty(float(certainty[z]))
                corners = None if coarse is None else coarse[0, z]
                places[z] = place_of_box(corners, seen.shape[2:], self.settings)
            except ValueError as error:
                self._leave_out(subject, z, error)
        return PreparedCine(seen, places, frames, subject)

    def _leave_out(self, subject: str, z: int, why: Exception) -> None:
        logger.warning("%s, slice %d: %s; the slice is left out", subject, z + 1, why)

    def label(
        self, made: PreparedCine, progress: Progress | None = None
    ) -> Callable[[], np.ndarray]:
        """A function that gives the points (t, z, p, 2) in px of the image."""
        shape = (made.count, made.frames.shape[1], points_placed(self.settings), 2)
        found, slices = np.full(shape, np.nan), list(made.places)

        def placed(number: int) -> np.ndarray | ValueError:
            z = slices[number]
            seen = made.frames[:, z]
            points = self._said(seen, made.places[z])
            if not self.again:
                return points
            # The box may be some pixels off: once more around what was found in it.
            try:
                place = place_of_truth(points, seen.shape[1:], self.settings)
            except ValueError as error:
                return error
            return self._said(seen, place)

        # A slice at a time: points do not depend on which other slices there are.
        with closing(spread(placed, range(len(slices)), self.device)) as parts:
            for number, points in enumerate(parts):
                if isinstance(points, ValueError):
                    self._leave_out(made.subject, slices[number], points)
                else:
                    found[:, slices[number]] = all_frames(points, made.count)
                if progress is not None:
                    progress(number + 1, len(slices))
        return lambda: found

    @torch.inference_mode()
    def _said(self, seen: np.ndarray, place: Place) -> np.ndarray:
        """Points (frames, p, 2) in px of the image, of the frames (t, y, x) of a slice."""
        size = self.settings["size_px"]
        images = prepared(seen, place, self.settings).reshape(1, self.frames, size, size)
        points = self.network(torch.from_numpy(images).to(self.device))[0].double().cpu()
        return place.to_image(np.asarray(points))

    def finished(self, found: np.ndarray, cine: Cine, subject: str) -> np.ndarray:
        """The points as they are written."""
        return found

    def save(self, found: np.ndarray, cine: Cine, folder: Path, sequence: str) -> None:
        """Write the points into the folder of a subject."""
        save_points(found, cine, points_path(folder, sequence))


def check_boxes(boxes: np.ndarray | None, shape: tuple[int, ...]) -> None:
    """Raise ValueError where there are no boxes of a cine of some shape (t, z, y, x)."""
    if boxes is None:
        raise ValueError(
            "no box around the heart, in which landmarks are placed; label the cine with the "
            "network of boxes first"
        )
    if boxes.shape[1:] != (shape[1], 2, 2):
        raise ValueError(
            f"boxes {boxes.shape} (t, z, corner, 2) of a cine {shape} (t, z, y, x); take those of "
            "the same cine"
        )
