"""Landmarks and strain of tagged slices as an HDF5 file of results in the published form.

A row per slice: boxes, landmarks and strains with the names, axes and units of the result files of
Ferdian et al. 2020, doi:10.1148/ryct.2020190032 (x before y, strain as a fraction).
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

import h5py
import numpy as np

from cmrseg.boxes import box_of
from cmrseg.files import replacing
from cmrseg.measure.ring_strain import LAYERS, Tensor, layer_strain, link_lengths_mm
from cmrseg.ring import LANDMARKS, WALLS

# Side of the square that a published network of landmarks sees, in px.
LOCAL_PX = 128
SHAPES: dict[str, tuple[int, ...]] = {
    "bbox_predictions": (4,),
    "landmark_local_predictions": (0, 2, LANDMARKS),
    "landmark_predictions": (0, 2, LANDMARKS),
    "resize_ratios": (),
    "rr_strains": (0, 1),
    "cc_strains": (0, WALLS + 1),
    "rr_linear_strains": (0, 1),
    "cc_linear_strains": (0, WALLS + 1),
}
# Whose row it is; not in published files.
SUBJECTS, SLICES = "_cases", "_slices"
TENSORS: tuple[tuple[str, Tensor], ...] = (("", "green"), ("_linear", "lagrangian"))
RINGS = [replace(LAYERS[0], rings=(wall,)) for wall in range(WALLS)]
AROUND = next(layer for layer in LAYERS if layer.rings == tuple(range(WALLS)))
ACROSS = next(layer for layer in LAYERS if layer.direction == "radial")


@dataclass(frozen=True)
class ResultSlice:
    """A slice of a subject. points_px: (t, 168, 2), (y, x). spacing_mm: of pixels along y and x.

    box_px: two corners (y, x), the smaller first; nan where only the landmarks tell. shape: rows
    and columns of the image.
    """

    subject: str
    slice_index: int
    points_px: np.ndarray
    box_px: np.ndarray
    spacing_mm: tuple[float, float]
    shape: tuple[int, int]


def write_results(slices: Iterable[ResultSlice], path: str | Path) -> int:
    """Write the rows of some slices; returns their number.

    Datasets are float32 and resizable along the rows, and nan where a value is unknown. Cines of
    fewer frames than the longest have nan behind their last one. Raises ValueError where there is
    no slice.
    """
    count = 0
    with replacing(path) as temporary, h5py.File(temporary, "w") as file:
        for count, part in enumerate(slices, start=1):
            if count == 1:
                _make(file)
            for name, value in result_of(part).items():
                _append(file[name], count, value)
            for name, text in ((SUBJECTS, part.subject), (SLICES, str(part.slice_index))):
                file[name].resize(count, axis=0)
                file[name][count - 1] = text
        if not count:
            raise ValueError(f"{path}: no slice has landmarks; nothing to write")
    return count


def result_of(part: ResultSlice) -> dict[str, np.ndarray]:
    """The row of a slice: a value of each of SHAPES.

    bbox_predictions: x1, y1, x2, y2, of landmarks alone their box (`box_of`). Local landmarks are
    those in the published window of 128 px: the box rounded outwards, its height scaled to it.
    """
    box = part.box_px
    if not np.isfinite(box).all():
        box = box_of(part.points_px[0], part.shape)
    (y1, x1), (y2, x2) = box
    published = np.moveaxis(part.points_px[..., ::-1], -1, 1)
    height = np.ceil(y2) - np.floor(y1)
    ratio = LOCAL_PX / height if height > 0 else np.nan
    corner = np.array([np.floor(x1), np.floor(y1)])[:, None]
    found = {
        "bbox_predictions": np.array([x1, y1, x2, y2]),
        "landmark_local_predictions": (published - corner) * ratio,
        "landmark_predictions": published,
        "resize_ratios": np.array(ratio),
    }
    return found | _strains(part)


def _strains(part: ResultSlice) -> dict[str, np.ndarray]:
    """Radial strain (t, 1) and circumferential (t, 8): walls 0 to 6, then their mean."""
    lengths_mm = link_lengths_mm(part.points_px[:, None], part.spacing_mm)
    found = {}
    for ending, tensor in TENSORS:
        found[f"rr{ending}_strains"] = layer_strain(lengths_mm, ACROSS, tensor)
        rings = [layer_strain(lengths_mm, layer, tensor) for layer in (*RINGS, AROUND)]
        found[f"cc{ending}_strains"] = np.hstack(rings)
    return found


def _make(file: h5py.File) -> None:
    for name, shape in SHAPES.items():
        # Frames grow with the longest cine.
        most = tuple(length or None for length in shape)
        file.create_dataset(
            name, (0, *shape), "f4", maxshape=(None, *most), chunks=True, fillvalue=np.nan
        )
    for name in (SUBJECTS, SLICES):
        file.create_dataset(name, (0,), h5py.string_dtype(), maxshape=(None,), chunks=True)


def _append(dataset: h5py.Dataset, count: int, value: np.ndarray) -> None:
    dataset.resize(count, axis=0)
    if value.ndim > 1:
        dataset.resize(max(dataset.shape[1], len(value)), axis=1)
    dataset[(count - 1, *(slice(0, length) for length in value.shape))] = value
