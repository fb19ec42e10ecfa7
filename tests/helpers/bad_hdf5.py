"""HDF5 files of mice with damaged bytes, and whole ones that hold what no cine does."""

import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import h5py
import numpy as np

import hdf5_builder
from bad_annotations import run_carry
from bad_cases import ROWS, SUBJECT, Case, Family, content_cases, place_cases
from bad_images import run_ready
from cmrseg.layouts.hdf5 import grid_of, reader
from cmrseg.layouts.ready_made import import_studies
from mutations import BOMB_BYTES, damaged_bytes, zlib_zeros

MOUSE = "raw/7.h5"
GRIDS = {"7": grid_of(0.1, 1.0, 5.0)}


def make_hdf5(folder: Path) -> None:
    hdf5_builder.write(folder / MOUSE)
    (folder / "images").mkdir()
    import_studies(ROWS, folder / "raw", folder / "images", reader(GRIDS))


def run_hdf5(folder: Path) -> list[str]:
    shutil.rmtree(folder / "images")
    return run_ready(reader(GRIDS))(folder)


def run_sparse(folder: Path) -> list[str]:
    (folder / "raw/annotations").mkdir(exist_ok=True)
    (folder / "raw/annotations/truth").symlink_to("..")
    return run_carry("hdf5", "hdf5")(folder)


def packed_hdf5(folder: Path) -> bytes:
    """The same file in compressed chunks: other parts of the format."""
    path = folder / "written"
    with h5py.File(path, "w") as file:
        for name, data in (("Images", hdf5_builder.images()), ("Masks", hdf5_builder.masks())):
            file.create_dataset(name, data=data, chunks=(6, 5, 3, 1), compression="gzip")
        file["Frames_with_ROI"] = np.array(hdf5_builder.LABELLED)
    return path.read_bytes()


def odd_hdf5(folder: Path) -> Iterator[tuple[str, bytes]]:
    """Files that are whole, and hold what no cine does."""
    changes: dict[str, Callable[[h5py.File], object]] = {
        "2 TB of nothing": lambda f: f.create_dataset("Images", (9999, 9999, 99, 99), "u2"),
        "2 TB in chunks": lambda f: f.create_dataset(
            "Images", (9999, 9999, 99, 99), "u2", chunks=(64, 64, 1, 1), compression="gzip"
        ),
        "a chunk of 2 GB": lambda f: f.create_dataset(
            "Images", (12, 10, 3, 4), "u2", maxshape=(None,) * 4, chunks=(1000, 1000, 100, 10)
        ),
        "an axis that is empty": lambda f: f.create_dataset("Images", (12, 10, 0, 4), "u2"),
        "a scalar": lambda f: f.create_dataset("Images", data=1),
        "nothing in it": lambda f: f.create_dataset("Images", data=h5py.Empty("u2")),
        "text": lambda f: f.create_dataset("Images", data="text"),
        "rows of any length": lambda f: f.create_dataset(
            "Images", (3, 3, 3, 3), h5py.vlen_dtype(np.uint16)
        ),
        "a structure": lambda f: f.create_dataset("Images", (3, 3, 3, 3), [("a", "u2")]),
        "references": lambda f: f.create_dataset("Images", (3, 3, 3, 3), h5py.ref_dtype),
        "truth values": lambda f: f.create_dataset("Images", data=np.ones((3, 3, 3, 3), bool)),
        "a group": lambda f: f.create_group("Images"),
        "a link to itself": lambda f: f.__setitem__("Images", h5py.SoftLink("/Images")),
        "a link elsewhere": lambda f: f.__setitem__(
            "Images", h5py.ExternalLink("/etc/passwd", "/Images")
        ),
        "data elsewhere": lambda f: f.create_dataset(
            "Images", (12, 10, 3, 4), "u2", external=[("/etc/passwd", 0, 2880)]
        ),
    }
    path = folder / "written"
    for name, change in changes.items():
        hdf5_builder.write(path, Images=None)
        with h5py.File(path, "a") as file:
            change(file)
        yield name, path.read_bytes()
    yield "a chunk that is a bomb", chunk_bomb(path)
    for name, frames in (("frame -1", [-1]), ("frame 2**62", [2**62]), ("no frame", [])):
        hdf5_builder.write(path, Frames_with_ROI=np.array(frames, np.int64))
        yield name, path.read_bytes()
    hdf5_builder.write(path, Masks=np.full(hdf5_builder.SHAPE, 7))
    yield "labels of 7", path.read_bytes()


def chunk_bomb(path: Path) -> bytes:
    """A chunk whose few bytes unpack to 1.5 GB."""
    hdf5_builder.write(path, Images=None)
    with h5py.File(path, "a") as file:
        found = file.create_dataset(
            "Images", (12, 10, 3, 4), "u2", chunks=(12, 10, 3, 4), compression="gzip"
        )
        found.id.write_direct_chunk((0, 0, 0, 0), zlib_zeros(BOMB_BYTES))
    return path.read_bytes()


def hdf5_cases(good: Path) -> Iterator[Case]:
    content = (good / MOUSE).read_bytes()
    packed = packed_hdf5(good)
    for i, run in enumerate((run_hdf5, run_sparse)):
        yield from named(run, content_cases(MOUSE, damaged_bytes(content, 81 + i, 6), run))
        contents = ((f"packed: {name}", c) for name, c in damaged_bytes(packed, 83 + i, 6))
        yield from named(run, content_cases(MOUSE, contents, run))
        yield from named(run, content_cases(MOUSE, odd_hdf5(good), run))
        yield from named(run, place_cases(good, MOUSE, run))


def named(run: Callable, cases: Iterator[Case]) -> Iterator[Case]:
    """Cases that say what was read of the file."""
    what = "images" if run is run_hdf5 else "labels"
    return (replace(case, name=f"{what} of {case.name}") for case in cases)


FAMILIES = {
    "hdf5": Family(make_hdf5, hdf5_cases, SUBJECT),
}
