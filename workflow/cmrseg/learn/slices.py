"""Training slices: one memory-mapped array of images, one of labels, and an index table."""

import logging
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from cmrseg.canvas import PREPARATIONS
from cmrseg.cine import Cine
from cmrseg.files import read_table, replacing, sha256, write_table
from cmrseg.known import known_tissues
from cmrseg.labels import UNLABELLED, Tissue, in_order, pixels_column, tissues_of, values_of
from cmrseg.learn.prepare import (
    as_float,
    check_one_grid,
    check_settings,
    prepare_labels,
    prepare_volume,
    with_channels,
)
from cmrseg.sequences import channels_of, labelled_sequence

logger = logging.getLogger(__name__)

FILES = ("images.npy", "labels.npy", "index.tsv")


def make_slices(
    images: Iterable[tuple[str, str, Sequence[str | Path], str | Path]],
    settings: Mapping,
    folder: str | Path,
) -> pd.DataFrame:
    """Prepare all labelled slices of some subjects and write them into a folder.

    images: (subject, split, image file of each channel, label file) of each subject; the order is
    kept, within a subject frames, then slices. settings: sequence, tissues, preparation, size_px,
    intensity. Writes images.npy (n, size, size) uint8 or uint16, of several channels (n, channels,
    size, size), labels.npy (n, size, size) uint8 and index.tsv, one row per slice: row, subject,
    split, slice, frame, volume (running number of subject and frame), lv_pixels, my_pixels and
    those of the target's other tissues (counted on the native grid, so that they do not depend on
    the preparation), whole (0 if the cavity is unknown in a slice of the frame, so that
    lv_pixels of its slices do not add up to its volume). Other tissues become background;
    UNLABELLED is kept. Slices without any labelled pixel are left out, and also slices without any
    tissue in a frame whose myocardium was not drawn, as it would become background. Slices whose
    labels are cropped partly or completely are kept, with a warning. Returns the index. One
    subject is in memory at a time. Raises ValueError naming the subject and file, and if no
    background is left for training.
    """
    check_settings(settings)
    images = list(images)
    if len({subject for subject, *_ in images}) < len(images):
        raise ValueError("make_slices: a subject is listed twice; list each subject once")
    dtype = PREPARATIONS[settings["preparation"]].dtype
    shape = (settings["size_px"], settings["size_px"])
    channels = len(channels_of(settings["sequence"]))
    rows: list[tuple] = []
    background = False
    pixels = [pixels_column(tissue) for tissue in _counted(settings)]
    columns = ["row", "subject", "split", "slice", "frame", "volume", *pixels, "whole"]
    with replacing(folder) as temporary:
        temporary.mkdir()
        with (
            _stack(temporary / FILES[0], dtype, image_shape(channels, shape)) as add_images,
            _stack(temporary / FILES[1], np.uint8, shape) as add_labels,
        ):
            for subject, split, image_paths, label_path in images:
                slices = _subject(subject, image_paths, label_path, settings)
                for planes, targets, places, with_background in slices:
                    background |= with_background
                    add_images(planes)
                    add_labels(targets)
                    first, volume = len(rows), rows[-1][5] + 1 if rows else 0
                    rows.extend(
                        (first + i, subject, split, z, t, volume, *others)
                        for i, (z, t, *others) in enumerate(places)
                    )
        if not rows:
            raise ValueError(
                f"no labelled slice in {len(images)} subjects; check the labeller and the splits"
            )
        if not background:
            raise ValueError(
                f"no background is labelled in {len(images)} subjects: a network would learn that "
                "all is heart; add labels with the muscle, as contours of the epicardium"
            )
        index = pd.DataFrame(rows, columns=columns)
        write_table(index, temporary / FILES[2])
    return index


@dataclass(frozen=True)
class Slices:
    """Prepared slices of a cohort: images (n, y, x) integers, labels (n, y, x) uint8, index.

    Images of several channels are (n, c, y, x).
    """

    images: np.ndarray
    labels: np.ndarray
    index: pd.DataFrame
    folder: Path

    @classmethod
    def load(cls, folder: str | Path) -> "Slices":
        """Open the slices of a folder without reading the arrays.

        Raises ValueError naming the folder if the arrays and the index differ in length.
        """
        folder = Path(folder)
        images, labels = (np.load(folder / name, mmap_mode="r") for name in FILES[:2])
        index = read_table(folder / FILES[2])
        if not len(images) == len(labels) == len(index):
            raise ValueError(
                f"{folder}: {len(images)} images, {len(labels)} labels and {len(index)} index "
                "rows, expected the same number; make the slices again"
            )
        return cls(images, labels, index, folder)

    def select(self, splits: Iterable[str]) -> pd.DataFrame:
        """Index rows of some splits. Raises ValueError where there is none."""
        splits = list(splits)
        rows = self.index[self.index["split"].isin(splits)]
        if rows.empty:
            raise ValueError(
                f"{self.folder}: no slice of split {', '.join(splits)}; "
                f"the splits are {', '.join(sorted(set(self.index['split'])))}"
            )
        return rows

    def batch(self, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Images (n, [c,] y, x) float32 in 0...1 and labels (n, y, x) uint8 of some rows."""
        return as_float(self.images[rows]), self.labels[rows]

    @cached_property
    def digest(self) -> str:
        """sha256 of each file, joined: what a trained model depends on."""
        return " ".join(sha256(self.folder / name) for name in FILES)


def image_shape(channels: int, shape: tuple[int, int]) -> tuple[int, ...]:
    """Shape of one stored image: a single channel has no axis of its own."""
    return shape if channels == 1 else (channels, *shape)


def _counted(settings: Mapping[str, Any]) -> tuple[Tissue, ...]:
    """The tissues whose pixels are in the index."""
    return in_order((Tissue.LV, Tissue.MYO, *tissues_of(settings["tissues"])))


@contextmanager
def _stack(
    path: Path, dtype: type[np.unsignedinteger], shape: tuple[int, ...]
) -> Iterator[Callable[[np.ndarray], None]]:
    """Write an .npy file of planes (n, y, x) whose number is known at the end.

    Gives what adds planes. The file has the bytes of `numpy.save`, which leaves room for any n.
    """
    header = {"descr": np.dtype(dtype).str, "fortran_order": False}
    count = 0
    with open(path, "wb") as file:

        def add(planes: np.ndarray) -> None:
            nonlocal count
            if planes.dtype != dtype or planes.shape[1:] != shape:
                raise ValueError(f"{path.name}: {planes.dtype} {planes.shape}, not {dtype} {shape}")
            file.write(np.ascontiguousarray(planes).data)
            count += len(planes)

        np.lib.format.write_array_header_1_0(file, header | {"shape": (0, *shape)})
        begin = file.tell()
        yield add
        file.seek(0)
        np.lib.format.write_array_header_1_0(file, header | {"shape": (count, *shape)})
        assert file.tell() == begin


def _read_labels(subject: str, path: str | Path, shown: tuple[Tissue, ...]) -> np.ndarray:
    labels = Cine.load(path).voxels
    if not np.issubdtype(labels.dtype, np.integer):
        raise ValueError(
            f"subject {subject}: labels in {path} are {labels.dtype}, expected an integer type"
        )
    # Before conversion to uint8, which would turn -1 into 255.
    known = values_of(shown)
    unknown = np.setdiff1d(np.unique(labels), [*known, UNLABELLED])
    if unknown.size:
        raise ValueError(
            f"subject {subject}: labels in {path} have the values {unknown[:5].tolist()}, expected "
            f"{known}, or {UNLABELLED} where nothing is labelled; correct the labels"
        )
    return labels


def _labelled(labels: np.ndarray, known: np.ndarray) -> np.ndarray:
    """(t, z): whether the plane can be used for training. known: from `known_tissues`."""
    empty = (labels == Tissue.BACKGROUND).all(axis=(2, 3))
    return (labels != UNLABELLED).any(axis=(2, 3)) & ~(empty & ~known[..., Tissue.MYO])


def _read_channels(
    subject: str, paths: Sequence[str | Path], label_path: str | Path, shape: tuple[int, ...]
) -> list[np.ndarray]:
    """Voxels (t, z, y, x) of each channel, all on the grid of the first one."""
    cines = [Cine.load(path) for path in paths]
    for path, cine in zip(paths, cines, strict=True):
        if cine.voxels.shape != shape:
            raise ValueError(
                f"subject {subject}: image {path} has shape {cine.voxels.shape}, labels "
                f"{label_path} {shape} (t, z, y, x), expected the same; label this image again"
            )
        if not np.isfinite(cine.voxels).all():
            raise ValueError(
                f"subject {subject}: image {path} has values that are not finite; "
                "repair or leave out the subject"
            )
    try:
        check_one_grid(cines)
    except ValueError as error:
        raise ValueError(f"subject {subject}: {', '.join(map(str, paths))}: {error}") from error
    return [cine.voxels for cine in cines]


def _subject(
    subject: str, image_paths: Sequence[str | Path], label_path: str | Path, settings: Mapping
):
    """Per labelled frame: images and labels (n, S, S), [(slice, frame, lv, my, rv, whole)].

    And whether any of the labels are background on the native grid.
    """
    shown = labelled_sequence(settings["sequence"]).tissues
    labels = _read_labels(subject, label_path, shown)
    channels = _read_channels(subject, image_paths, label_path, labels.shape)
    tissues = known_tissues(labels, shown)
    whole = tissues[..., Tissue.LV].all(axis=1).astype(int)
    told = [Tissue.BACKGROUND, *tissues_of(settings["tissues"]), UNLABELLED]
    counted, cut = _counted(settings), []
    for t, chosen in enumerate(_labelled(labels, tissues)):
        slices = np.flatnonzero(chosen)
        if not len(slices):
            continue
        frame = labels[t, slices]
        # Scaling over all slices of the frame needs unlabelled slices, too.
        joint = PREPARATIONS[settings["preparation"]].joint
        some = slice(None) if joint else slices
        prepared = [prepare_volume(voxels[t][some], settings) for voxels in channels]
        canvas = prepared[0][1]
        planes = with_channels([images for images, _ in prepared])
        if joint:
            planes = planes[slices]
        pixels = np.stack([(frame == tissue).sum(axis=(1, 2)) for tissue in counted], axis=1)
        targets = np.where(np.isin(frame, told), frame, Tissue.BACKGROUND).astype(np.uint8)
        counts = zip(slices.tolist(), pixels.tolist(), strict=True)
        places = [(z, t, *each, int(whole[t])) for z, each in counts]
        background = bool((targets == Tissue.BACKGROUND).any())
        placed = prepare_labels(targets, canvas)
        if not PREPARATIONS[settings["preparation"]].resized:
            lost = _tissue_pixels(placed) < _tissue_pixels(targets)
            cut += [f"{t + 1}/{z + 1}" for z in slices[lost].tolist()]
        yield planes, placed, places, background
    if cut:
        logger.warning(
            "subject %s: size_px %d cuts off labels of %d images; frame/slice from 1: %s%s",
            *(subject, settings["size_px"], len(cut), ", ".join(cut[:10])),
            ", ..." if len(cut) > 10 else "",
        )


def _tissue_pixels(labels: np.ndarray) -> np.ndarray:
    """(n,) pixels of any tissue in planes (n, y, x)."""
    return ((labels != Tissue.BACKGROUND) & (labels != UNLABELLED)).sum(axis=(1, 2))
