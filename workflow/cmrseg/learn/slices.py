"""Training slices: one memory-mapped array of images, one of labels, and an index table."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import pandas as pd

from cmrseg.canvas import PREPARATIONS
from cmrseg.channels import channel_count
from cmrseg.files import read_table, replacing, sha256, write_table
from cmrseg.labels import pixels_column
from cmrseg.learn.prepare import as_float, check_settings
from cmrseg.learn.subject_slices import by_cine, counted_tissues, subject_slices

FILES = ("images.npy", "labels.npy", "index.tsv")
# Column of the index: 0 of a slice that nobody labelled.
DRAWN = "drawn"


def make_slices(
    images: Iterable[tuple[str, str, Sequence[str | Path], str | Path]],
    settings: Mapping,
    folder: str | Path,
    coarse: Mapping[str, str | Path] | None = None,
) -> pd.DataFrame:
    """Prepare all labelled slices of some subjects and write them into a folder.

    images: (subject, split, image file of each channel, label file) of each subject; the order is
    kept, within a subject frames, then slices. settings: sequence, tissues, preparation, size_px,
    intensity, and `coarse` (the name of a model) and `coarse_channel` where there is one. coarse:
    its label map of each subject. Writes images.npy (n, size, size) uint8 or uint16, of several
    channels (n, channels, size, size), labels.npy (n, size, size) uint8 and index.tsv, one row per
    slice: row, subject, split, slice, frame, volume (running number of subject and frame),
    lv_pixels, my_pixels and those of the target's other tissues (counted on the native grid, so
    that they do not depend on the preparation), whole (0 where the cavity is unknown in a slice of
    the frame, so that lv_pixels of its slices do not add up to its volume). Tissues that are none
    of these become background; UNLABELLED stays. A slice of a frame without any labelled pixel is
    left out, and one without any tissue in a frame whose muscle was not drawn: its muscle would be
    background. Slices whose labels a crop removes in part or altogether stay, and are a warning. Of
    preparation zscore, which scales a cine as a whole and is of networks over time, all frames of a
    labelled slice are written. Those that nobody labelled are there for windows around others
    alone: they are UNLABELLED, and have 0 in one more column, `drawn`. Returns the index. One
    subject is in memory at a time. Raises ValueError naming the subject and file, and where no
    background is left to learn from.
    """
    check_settings(settings)
    images = list(images)
    if len({subject for subject, *_ in images}) < len(images):
        raise ValueError("make_slices: a subject is listed twice; list each subject once")
    dtype = PREPARATIONS[settings["preparation"]].dtype
    shape = (settings["size_px"], settings["size_px"])
    channels = channel_count(settings)
    rows: list[tuple] = []
    background = False
    pixels = [pixels_column(tissue) for tissue in counted_tissues(settings)]
    columns = ["row", "subject", "split", "slice", "frame", "volume", *pixels, "whole"]
    if by_cine(settings):
        columns.append(DRAWN)
    with replacing(folder) as temporary:
        temporary.mkdir()
        with (
            stack(temporary / FILES[0], dtype, image_shape(channels, shape)) as add_images,
            stack(temporary / FILES[1], np.uint8, shape) as add_labels,
        ):
            for subject, split, image_paths, label_path in images:
                slices = subject_slices(
                    *(subject, image_paths, label_path, settings), (coarse or {}).get(subject)
                )
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
        """Index rows of some splits, without those that are there for windows around others alone.

        Raises ValueError where there is none.
        """
        splits = list(splits)
        rows = self.index[self.index["split"].isin(splits)]
        if DRAWN in rows:
            rows = rows[rows[DRAWN] == 1]
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


@contextmanager
def stack(
    path: Path, dtype: type, shape: tuple[int, ...]
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
