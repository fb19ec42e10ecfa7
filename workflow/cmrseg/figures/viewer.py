"""A page to view cines and their labels in a browser: one file, no network access.

The page contains NiiVue (workflow/report/vendor), the images and the labels.
"""

import base64
import gzip
import html
import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import TypedDict

import numpy as np

from cmrseg.cine import Cine
from cmrseg.figures.picture import orientation_marks
from cmrseg.labels import COLOURS, NAMES, UNLABELLED, Tissue
from cmrseg.sequences import SEQUENCES, USUAL

REPORT = Path(__file__).resolve().parents[2] / "report"
TEMPLATE = REPORT / "viewer.html"
LIBRARY = REPORT / "vendor" / "niivue-0.69.0.umd.js.gz"

# Larger pages open slowly, and the report embeds them.
MAX_PAGE_MB = 8.0
# Maximum number of frames, reduced until the page is small enough.
FRAMES = (15, 10, 7, 5, 3)
# 64 instead of 256 grey levels look the same and need two thirds of the space.
GREY_LEVELS = 64
GREY_PERCENTILES = (0.5, 99.5)


class Volume(TypedDict):
    """One subject: image (t, z, y, x) and label maps on its grid, by name ("truth", a model)."""

    name: str
    image: Cine
    layers: Sequence[tuple[str, Cine]]


def viewer_page(
    title: str,
    volumes: Sequence[Volume],
    margin_mm: float = 30.0,
    frames: Sequence[int] = FRAMES,
    template: Path = TEMPLATE,
    library: Path = LIBRARY,
    tissues: Sequence[Tissue] = SEQUENCES[USUAL].tissues,
) -> str:
    """HTML of a viewer with all volumes in it; it opens offline and contacts no other host.

    Images are cropped in plane to the labels of their first layer plus margin_mm (a bad network
    has labels anywhere), reduced to 64 grey levels, and reduced to every n-th frame: the first
    number of `frames` with which the page has at most 8 MB. If the first layer has fewer frames
    than that (an expert's end-diastole and end-systole), these are shown as well. Labels outside
    Tissue and unlabelled voxels are not drawn. tissues: those of the legend. Raises ValueError if
    there is nothing to show, a layer does not have the grid of its image, or the page is larger
    than 8 MB with the fewest frames.
    """
    if not volumes:
        raise ValueError("viewer: no volumes, expected at least one")
    for most in frames:
        page = _page(title, volumes, margin_mm, most, template, library, tissues)
        size_mb = len(page.encode()) / 1e6
        if size_mb <= MAX_PAGE_MB:
            return page
    raise ValueError(
        f"viewer: the page has {size_mb:.1f} MB with {most} frames of a cine, expected at most "
        f"{MAX_PAGE_MB:g}; show fewer than {len(volumes)} subjects or fewer labellers"
    )


def _page(
    title: str,
    volumes: Sequence[Volume],
    margin_mm: float,
    max_frames: int,
    template: Path,
    library: Path,
    tissues: Sequence[Tissue],
) -> str:
    data = {
        "subjects": [_subject(volume, margin_mm, max_frames) for volume in volumes],
        "tissues": [
            {"value": int(tissue), "name": NAMES[tissue], "colour": COLOURS[tissue]}
            for tissue in tissues
        ],
    }
    parts = {
        "TITLE": html.escape(title),
        # a closing tag in a text would end the script element
        "LIBRARY": _in_script(gzip.decompress(library.read_bytes()).decode()),
        "DATA": _in_script(json.dumps(data, sort_keys=True)),
    }
    return re.sub(
        r"@@(TITLE|LIBRARY|DATA)@@", lambda match: parts[match[1]], template.read_text("utf-8")
    )


def _in_script(text: str) -> str:
    return re.sub(r"</(script)", r"<\\/\1", text, flags=re.IGNORECASE).replace("<!--", "<\\!--")


def _subject(volume: Volume, margin_mm: float, max_frames: int) -> dict:
    image, layers = volume["image"], volume["layers"]
    for name, labels in layers:
        if labels.voxels.shape != image.voxels.shape:
            raise ValueError(
                f"viewer: subject {volume['name']}: labels {name} have shape "
                f"{labels.voxels.shape}, the image {image.voxels.shape}; they must be equal"
            )
    maps = [np.where(c.voxels == UNLABELLED, 0, c.voxels).astype(np.uint8) for _, c in layers]
    rows, columns = _heart(maps[:1], image, margin_mm)
    count = image.voxels.shape[0]
    frames = _frames(maps[:1], count, max_frames)
    keep = np.s_[frames, :, rows, columns]
    affine = image.affine.copy()
    affine[:3, 3] += affine[:3, 0] * columns.start + affine[:3, 1] * rows.start
    grey = _grey(image.voxels[keep])
    return {
        "name": volume["name"],
        "shape": list(grey.shape),
        "affine": affine.round(6).tolist(),
        "spacing": [round(mm, 6) for mm in reversed(image.spacing_mm)],
        "marks": orientation_marks(image.affine),
        "frames": frames,
        "allFrames": count,
        "frameMs": 1000 * image.frame_interval_s * count / len(frames)
        if np.isfinite(image.frame_interval_s)
        else None,
        "image": _packed(grey),
        "layers": [
            {"name": name, "voxels": _packed(labels[keep])}
            for (name, _), labels in zip(layers, maps, strict=True)
        ],
    }


def _frames(maps: Sequence[np.ndarray], count: int, most: int) -> list[int]:
    """Frames at even steps, and the labelled frames if these are fewer."""
    even = range(0, count, -(-count // most))
    labelled = {int(t) for labels in maps for t in np.flatnonzero(labels.any(axis=(1, 2, 3)))}
    return sorted({*even, *labelled} if len(labelled) < len(even) else even)


def _heart(maps: Sequence[np.ndarray], image: Cine, margin_mm: float) -> tuple[slice, slice]:
    """Rows and columns of the labels with a margin; the whole image without labels."""
    _, _, height, width = image.voxels.shape
    labelled = np.zeros((height, width), bool)
    for labels in maps:
        labelled |= (labels > 0).any(axis=(0, 1))
    if not labelled.any():
        return slice(0, height), slice(0, width)
    result = []
    for axis, size, mm in ((1, height, image.spacing_mm[1]), (0, width, image.spacing_mm[2])):
        at = np.flatnonzero(labelled.any(axis=axis))
        margin = int(np.ceil(margin_mm / mm))
        result.append(slice(max(0, int(at[0]) - margin), min(size, int(at[-1]) + 1 + margin)))
    return result[0], result[1]


def _grey(voxels: np.ndarray) -> np.ndarray:
    """uint8 of the same shape, with the usual range of values in 64 of the 256 levels."""
    low, high = np.percentile(voxels, GREY_PERCENTILES)
    scaled = np.clip((voxels.astype(float) - low) / max(high - low, 1e-9), 0, 1)
    levels = np.round(scaled * (GREY_LEVELS - 1))
    return np.round(levels * (255 / (GREY_LEVELS - 1))).astype(np.uint8)


def _packed(voxels: np.ndarray) -> str:
    """Bytes in the order of `voxels` (x fastest), compressed, as base64."""
    return base64.b64encode(gzip.compress(voxels.tobytes(), 9, mtime=0)).decode("ascii")
