"""Damaged input, case by case, in a process whose memory and time are limited.

Run as a program with an empty folder and families it writes two lines of JSON per case. What is
good is made once per family; every case gets a copy, damages it and calls what the stages call.
"""

import copy
import gzip
import json
import logging
import os
import resource
import shutil
import signal
import sys
import time
import traceback
import zipfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from types import FrameType

import h5py
import numpy as np
import pandas as pd
import pydicom
import yaml
from PIL import Image

import hdf5_builder
from cmrseg.annotations.carry import carry_shard
from cmrseg.cine import Cine
from cmrseg.contours.qmass import Contours, ContourType, write_con
from cmrseg.dicom.study import import_shard
from cmrseg.fetch.sources import fetch
from cmrseg.fetch.unpack import unpack, unpack_nested
from cmrseg.files import read_table, write_table
from cmrseg.hdf5 import grid_of, reader
from cmrseg.measure.known_volumes import kaggle_volumes
from cmrseg.nifti import read_pair, read_whole
from cmrseg.png import read_pictures
from cmrseg.ready_made import import_studies
from dicom_builder import write_series, write_study
from mutations import (
    BOMB_BYTES,
    damaged_bytes,
    damaged_nifti,
    damaged_places,
    damaged_png,
    damaged_text,
    deflated_zeros,
    extension_bomb,
    nifti_bomb,
    recompressed,
    zeros_gz,
)

MOST_SECONDS, MOST_BYTES = 10, 2**30
ROW = {"subject": "7", "study": "7", "series": "", "set": "train", "annotation": "7"}
ROWS = pd.DataFrame([ROW])
CLEANING = {"mode": "corrected", "max_size_px": 256}


class Hang(BaseException):
    """A case took too long; nothing may catch it."""


@dataclass(frozen=True)
class Case:
    """name: what is damaged, and how. damage: does it to a copy of what is good. run: calls the
    stage and returns what it audited."""

    name: str
    damage: Callable[[Path], None]
    run: Callable[[Path], list[str]]


@dataclass(frozen=True)
class Family:
    """make: writes what is good. cases: what is done to it. names: one of these has to be in an
    error: files or the subject."""

    make: Callable[[Path], None]
    cases: Callable[[Path], Iterator[Case]]
    names: tuple[str, ...]


def content_cases(
    target: str, contents: Iterator[tuple[str, bytes]], run: Callable[[Path], list[str]]
) -> Iterator[Case]:
    """Cases in which one file gets other contents."""
    for name, content in contents:

        def damage(folder: Path, content: bytes = content) -> None:
            (folder / target).write_bytes(content)

        yield Case(f"{target}: {name}", damage, run)


def place_cases(good: Path, target: str, run: Callable[[Path], list[str]]) -> Iterator[Case]:
    """Cases in which something else stands in the place of a file."""
    for i, (name, _) in enumerate(damaged_places(good / target)):

        def damage(folder: Path, i: int = i) -> None:
            list(damaged_places(folder / target))[i][1]()

        yield Case(f"{target}: {name}", damage, run)


def imported(folder: Path, audit: pd.DataFrame, headers: pd.DataFrame) -> list[str]:
    """Audited problems; a subject is either whole, finite and readable, or lost with a reason."""
    write_table(audit, folder / "audit.tsv")
    write_table(headers, folder / "headers.tsv.gz")
    lost = audit[audit["resolution"] == "subject left out"]
    image = folder / "images/7/sa.nii.gz"
    assert image.exists() == lost.empty, f"image: {image.exists()}, lost: {len(lost)}"
    if image.exists():
        cine = Cine.load(image)
        assert np.isfinite(cine.voxels).all(), "voxels are not finite"
        assert min(cine.spacing_mm) > 0, f"spacing {cine.spacing_mm}"
        assert len(read_table(image.parent / "sources.tsv"))
    elif len(lost):
        row = lost.iloc[-1]
        raise Lost(f"{row['subject']}: {row['problem']}: {row['image']}: {row['detail']}")
    return [f"{r.problem}: {r.detail}" for r in audit.itertuples()]


class Lost(Exception):
    """The subject is in the audit with the reason why it was left out."""


# -- DICOM -----------------------------------------------------------------------------------

DICOM_FILE = "raw/train/train/7/study/sax_6/IM-0006-0002.dcm"
# Values that attributes of one slice get; a file is written with them.
ELEMENTS = [
    *({"PixelSpacing": v} for v in ([-1.5, 1.25], [1e-9, 1e-9], [1e9, 1e9], [1e-300, 1.25])),
    *({"PixelSpacing": v} for v in ([1e38, 1e38], [1e300, 1e300], [1.5], [1.5, 1.25, 1.0])),
    *({"ImagePositionPatient": v} for v in ([1e300] * 3, [1e9, 0, 0], [0, 0], [1e38, 1e38, 0])),
    *({"ImageOrientationPatient": v} for v in ([0] * 6, [1, 0, 0, 1, 0, 0], [2, 0, 0, 0, 2, 0])),
    *({"SliceLocation": v} for v in (1e300, -1e300)),
    *({"SpacingBetweenSlices": v} for v in (-8, 0, 1e300)),
    *({"SliceThickness": v} for v in (-8, 0, 1e300)),
    *({"TriggerTime": v} for v in (-40, 1e300, 0)),
    *({"CardiacNumberOfImages": v} for v in (0, -3, 1, 10**6, 2**31 - 1)),
    *({"SeriesNumber": v} for v in (-1, 2**31 - 1, 0)),
    *({"InstanceNumber": v} for v in (-1, 2**31 - 1, 0)),
    *({"RescaleSlope": v} for v in (0, 1e300, -1)),
    {"RescaleIntercept": 1e300},
    {"Rows": 65535, "Columns": 65535},
    {"Rows": 65535, "Columns": 1},
    {"Rows": 0, "Columns": 0},
    {"Rows": 1, "Columns": 120},
    {"Rows": 120, "Columns": 1},
    {"NumberOfFrames": 10**6},
    {"NumberOfFrames": 0},
    {"NumberOfFrames": -1},
    {"SamplesPerPixel": 3, "PhotometricInterpretation": "RGB", "PlanarConfiguration": 0},
    {"SamplesPerPixel": 65535},
    {"PhotometricInterpretation": "PALETTE COLOR"},
    {"PhotometricInterpretation": "YBR_FULL_422"},
    {"BitsAllocated": 8, "BitsStored": 8, "HighBit": 7},
    {"BitsAllocated": 64, "BitsStored": 64, "HighBit": 63},
    {"BitsAllocated": 1, "BitsStored": 1, "HighBit": 0},
    {"BitsAllocated": 0},
    {"BitsStored": 40},
    {"PixelRepresentation": 7},
    {"SpecificCharacterSet": "ISO_IR 999"},
    {"PatientID": ""},
    {"PatientID": "7" * 64},
    {"SeriesDescription": "x" * 64},
    {"Modality": "CT"},
    {"SOPClassUID": "1.2.840.10008.5.1.4.1.1.88.11"},
]
# A value written by hand, with tag and VR: what pydicom would not write.
RAW_ELEMENTS = {
    "a position of words": (b"\x20\x00\x32\x00", b"DS", b"left\\here\\up"),
    "a position that is not finite": (b"\x20\x00\x32\x00", b"DS", b"nan\\inf\\-inf"),
    "a position of whole numbers": (b"\x20\x00\x32\x00", b"IS", b"1\\2\\3 "),
    "a position that is a sequence": (b"\x20\x00\x32\x00", b"SQ", b""),
    "rows as text": (b"\x28\x00\x10\x00", b"LO", b"twelve"),
    "rows in four bytes": (b"\x28\x00\x10\x00", b"UL", b"\xff\xff\xff\xff"),
    "a VR that is none": (b"\x20\x00\x13\x00", b"ZZ", b"12"),
    "an unknown VR": (b"\x20\x00\x13\x00", b"UN", b"12"),
    "pixels as text": (b"\x28\x00\x30\x00", b"DS", b"1,5\\1,25"),
    "an instance beyond all bounds": (b"\x20\x00\x13\x00", b"IS", b"9" * 300),
}


def make_dicom(folder: Path) -> None:
    write_study(folder / "raw/train/train/7/study", slices=3)


def run_dicom(layout: str, mode: str = "corrected") -> Callable[[Path], list[str]]:
    raw = "raw/train/train/7" if layout == "folder" else "raw"
    rows = ROWS.assign(study="study") if layout == "folder" else ROWS

    def run(folder: Path) -> list[str]:
        settings = {**CLEANING, "mode": mode, "layout": layout}
        return imported(folder, *import_shard(rows, folder / raw, folder / "images", settings))

    return run


def with_element(content: bytes, tag: bytes, kind: bytes, value: bytes) -> bytes:
    """An element's value replaced, whatever its form (short lengths alone)."""
    start = content.index(tag)
    length = int.from_bytes(content[start + 6 : start + 8], "little")
    value = value + b" " * (len(value) % 2)
    written = tag + kind
    if kind == b"SQ":
        written += b"\0\0" + (2**32 - 2).to_bytes(4, "little")
    elif kind in (b"UN", b"ZZ"):
        written += b"\0\0" + len(value).to_bytes(4, "little") + value
    else:
        written += len(value).to_bytes(2, "little") + value
    return content[:start] + written + content[start + 8 + length :]


def dicom_contents(good: bytes, folder: Path) -> Iterator[tuple[str, bytes]]:
    yield from damaged_bytes(good, seed=1, each=6)
    for name, (tag, kind, value) in RAW_ELEMENTS.items():
        yield name, with_element(good, tag, kind, value)
    for name, tag in (("pixels", b"\xe0\x7f\x10\x00OW\0\0"), ("a tag", b"\x20\x00\x32\x00DS")):
        start = good.index(tag) + len(tag)
        yield f"{name} of 4 GB", good[:start] + b"\xfe\xff\xff\xff" + good[start + 4 :]
        yield f"{name} of unknown length", good[:start] + b"\xff\xff\xff\xff" + good[start + 4 :]
    data = pydicom.dcmread(folder / DICOM_FILE)
    for syntax in ("1.2.840.10008.1.2", "1.2.840.10008.1.2.2", "1.2.840.10008.1.2.1.99", "1.2.3"):
        head = good.replace(b"1.2.840.10008.1.2.1\0", syntax.encode().ljust(20, b"\0"))
        yield f"transfer syntax {syntax}", head
    yield "a deflated bomb", deflated_bomb(data, folder)
    for name, changes in (
        ("RLE of 65535 x 65535", {"Rows": 65535, "Columns": 65535}),
        ("RLE of 8000 x 8000", {"Rows": 8000, "Columns": 8000}),
        ("RLE of 1000000 frames", {"NumberOfFrames": 10**6}),
    ):
        packed = copy.deepcopy(data)
        packed.compress(pydicom.uid.RLELossless, generate_instance_uid=False)
        for keyword, value in changes.items():
            setattr(packed, keyword, value)
        packed.save_as(folder / "written")
        yield name, (folder / "written").read_bytes()
    yield "deep sequences", nested_sequences(good, 5000)


def deflated_bomb(data: pydicom.Dataset, folder: Path) -> bytes:
    """A file whose data set would be 1.5 GB of zeros."""
    written = copy.deepcopy(data)
    written.file_meta.TransferSyntaxUID = pydicom.uid.DeflatedExplicitVRLittleEndian
    written.save_as(folder / "written")
    content = (folder / "written").read_bytes()
    behind = 144 + int.from_bytes(content[140:144], "little")
    return content[:behind] + deflated_zeros(BOMB_BYTES)


def nested_sequences(good: bytes, depth: int) -> bytes:
    sequence = b"\x08\x00\x40\x11SQ\0\0\xff\xff\xff\xff\xfe\xff\x00\xe0\xff\xff\xff\xff"
    start = good.index(b"\x10\x00\x10\x00")
    return good[:start] + sequence * depth + good[start:]


def dicom_cases(good: Path) -> Iterator[Case]:
    runs = [run_dicom("kaggle"), run_dicom("folder"), run_dicom("kaggle", "compat")]
    contents = dicom_contents((good / DICOM_FILE).read_bytes(), good)
    for i, (name, content) in enumerate(contents):
        yield from content_cases(DICOM_FILE, iter([(name, content)]), runs[i % 3])
    yield from place_cases(good, DICOM_FILE, runs[0])
    yield from place_cases(good, DICOM_FILE, runs[1])
    for i, elements in enumerate(ELEMENTS):
        for every in (False, True):

            def damage(folder: Path, elements=elements, every=every) -> None:
                study = folder / "raw/train/train/7/study"
                for k in range(3) if every else (1,):
                    pixels = {} if "NumberOfFrames" in elements else elements
                    write_odd(study / f"sax_{5 + k}", 5 + k, 8.0 * k, pixels or elements)

            what = "all slices" if every else "one slice"
            shown = ", ".join(f"{key} {value}" for key, value in elements.items())
            yield Case(f"{what}: {shown}", damage, runs[(i + every) % 3])


def write_odd(folder: Path, series: int, location_mm: float, elements: dict) -> None:
    """A slice of 12 x 10 pixels whose header says what it likes."""
    shutil.rmtree(folder)
    write_series(folder, series, location_mm=location_mm)
    for path in folder.iterdir():
        data = pydicom.dcmread(path)
        for keyword, value in elements.items():
            setattr(data, keyword, value)
        data.save_as(path)


# -- NIfTI and pictures ----------------------------------------------------------------------

GRID_MM = np.array([[-1.5, 0, 0, 20], [0, 0, 2, 30], [0, -1.5, 0, 50], [0, 0, 0, 1.0]])
SHAPE = (3, 4, 12, 10)
VOXELS = np.arange(np.prod(SHAPE)).reshape(SHAPE).astype(np.float32)


def make_nifti(folder: Path) -> None:
    Cine(VOXELS, GRID_MM, 0.3).save(folder / "raw/7.nii.gz")
    for frame in ("ED", "ES"):
        Cine(VOXELS[:1], GRID_MM).save(folder / f"pairs/7/sa_{frame}.nii.gz")


def run_ready(read, raw: str = "raw") -> Callable[[Path], list[str]]:
    def run(folder: Path) -> list[str]:
        (folder / "images").mkdir()
        return imported(folder, *import_studies(ROWS, folder / raw, folder / "images", read))

    return run


def nifti_contents(
    good: bytes, seed: int, each: int, fields: bool = True
) -> Iterator[tuple[str, bytes]]:
    """Damage to a compressed NIfTI and to what is compressed in it; fields: of its header too."""
    plain = gzip.decompress(good)
    yield from damaged_bytes(good, seed, each)
    for name, content in damaged_bytes(plain, seed + 1, each):
        yield f"within: {name}", recompressed(content)
    for name, content in damaged_nifti(plain) if fields else ():
        yield f"within: {name}", recompressed(content)
    yield "not compressed", plain
    yield "compressed twice", recompressed(good)
    yield "a bomb", nifti_bomb(plain)
    yield "an extension that is a bomb", extension_bomb(plain)
    yield "a bomb of nothing", zeros_gz(BOMB_BYTES)


def nifti_cases(good: Path) -> Iterator[Case]:
    whole, pair = run_ready(read_whole), run_ready(read_pair, "pairs")
    content = (good / "raw/7.nii.gz").read_bytes()
    yield from content_cases("raw/7.nii.gz", nifti_contents(content, 11, 2, False), whole)
    yield from place_cases(good, "raw/7.nii.gz", whole)
    target = "pairs/7/sa_ES.nii.gz"
    content = (good / target).read_bytes()
    yield from content_cases(target, nifti_contents(content, 12, 1, False), pair)
    yield from place_cases(good, target, pair)
    for name, content in damaged_nifti(gzip.decompress((good / "raw/7.nii.gz").read_bytes())):

        def damage(folder: Path, content: bytes = content) -> None:
            (folder / "raw/7.nii.gz").unlink()
            (folder / "raw/7.nii").write_bytes(content)

        yield Case(f"raw/7.nii: {name}", damage, whole)
    for value in (np.nan, np.inf, 1e300):

        def spoil(folder: Path, value: float = value) -> None:
            voxels = VOXELS.astype(np.float64)
            voxels[1, 2, 3, 4] = value
            Cine(voxels, GRID_MM, 0.3).save(folder / "raw/7.nii.gz")

        yield Case(f"raw/7.nii.gz: a voxel is {value}", spoil, whole)


PICTURE = "raw/images/7/7-frame001-slice002.png"
DIMENSIONS = (
    "pid\tX\tY\tpixelSpacingX\tpixelSpacingY\tsliceSpacing\tscaleFactor\n"
    "8\t10\t12\t1.25\t1.5\t8\t1.0\n7\t10\t12\t1.25\t1.5\t8\t1.0\n"
)


def make_pictures(folder: Path) -> None:
    place = folder / "raw/images/7"
    place.mkdir(parents=True)
    for t, z in np.ndindex(SHAPE[:2]):
        picture = Image.fromarray(VOXELS[t, z].astype(np.uint8))
        picture.save(place / f"7-frame{t:03d}-slice{z:03d}.png")
    (folder / "raw/patient_dimensions.tsv").write_text(DIMENSIONS)


def picture_cases(good: Path) -> Iterator[Case]:
    run, content = run_ready(read_pictures), (good / PICTURE).read_bytes()
    yield from content_cases(PICTURE, damaged_bytes(content, 21, 2), run)
    yield from content_cases(PICTURE, damaged_png(content), run)
    yield from place_cases(good, PICTURE, run)
    table = "raw/patient_dimensions.tsv"
    yield from content_cases(table, damaged_text(DIMENSIONS, 22), run)
    yield from content_cases(table, damaged_bytes(DIMENSIONS.encode(), 23, 1), run)
    yield from place_cases(good, table, run)
    for value in ("-10", "0", "1000000", "1e9", "10.5"):
        text = DIMENSIONS.replace("7\t10", f"7\t{value}").encode()
        yield from content_cases(table, iter([(f"{value} columns", text)]), run)
    for number in ("999999999", "9" * 30):

        def rename(folder: Path, number: str = number) -> None:
            (folder / PICTURE).rename(folder / f"raw/images/7/7-frame{number}-slice002.png")

        yield Case(f"{PICTURE}: frame {number}", rename, run)


# -- annotations -----------------------------------------------------------------------------

TRIANGLES = {
    ContourType.ENDOCARDIUM: np.array([[3.0, 3], [6, 3], [6, 7]]),
    ContourType.EPICARDIUM: np.array([[1.0, 1], [8, 1], [8, 9]]),
}
TRUTH = "raw/annotations/truth"
HEART = np.zeros(SHAPE, np.uint8)
HEART[:, 1:3, 4:9, 3:8] = 2
HEART[:, 1:3, 5:8, 4:7] = 1


def imported_dicom(folder: Path, mode: str = "corrected") -> None:
    """Images of a study, with numbers that all forms of contours can use."""
    for z in range(3):
        place = folder / f"raw/train/train/7/study/sax_{z}"
        frames, name = range(3 * z + 1, 3 * z + 4), f"IM-{z:04d}-{{frame:04d}}.dcm"
        write_series(place, z, frames, 8.0 * z, name=name)
    settings = {**CLEANING, "mode": mode, "layout": "folder"}
    import_shard(
        ROWS.assign(study="study"), folder / "raw/train/train/7", folder / "images", settings
    )
    shutil.rmtree(folder / "raw")


def run_carry(form: str, layout: str = "folder") -> Callable[[Path], list[str]]:
    def run(folder: Path) -> list[str]:
        (folder / "labels").mkdir()
        settings = {"form": form, "folder": "annotations/truth", "layout": layout}
        places = (folder / name for name in ("raw", "images", "labels"))
        carry_shard(ROWS, "truth", settings, *places)
        path = folder / "labels/7/sa.nii.gz"
        if path.exists():
            labels = Cine.load(path).voxels
            assert set(np.unique(labels)) <= {0, 1, 2, 3, 255}
            assert labels.shape == Cine.load(folder / "images/7/sa.nii.gz").voxels.shape
        return []

    return run


def make_qmass(folder: Path) -> None:
    imported_dicom(folder)
    points = {(z, t, k): xy for z in range(2) for t in (0,) for k, xy in TRIANGLES.items()}
    write_con(Contours("7", (12, 10), points), folder / TRUTH / "7.con")


def qmass_cases(good: Path) -> Iterator[Case]:
    target, run = f"{TRUTH}/7.con", run_carry("qmass")
    content = (good / target).read_bytes()
    yield from content_cases(target, damaged_bytes(content, 31, 2), run)
    yield from content_cases(target, damaged_text(content.decode(), 32), run)
    yield from place_cases(good, target, run)
    for old, new in (
        (b"10x12", b"99999x99999"),
        (b"10x12", b"-10x-12"),
        (b"10x12", b"10"),
        (b"0 0 0 1.0", b"0 -1 0 1.0"),
        (b"0 0 0 1.0", b"999999999999 0 0 1.0"),
        (b"0 0 0 1.0", b"0 0 77 1.0"),
        (b"\n3\r", b"\n1000000000\r"),
        (b"\n3\r", b"\n-3\r"),
        (b"\n3\r", b"\n0\r"),
        (b"3.000 3.000", b"1e30 1e30"),
        (b"3.000 3.000", b"1e300 -1e300"),
        (b"3.000 3.000", b"-2147483649 5"),
        (b"3.000 3.000", b"100000 100000"),
        (b"3.000 3.000", b"3.000"),
    ):
        changed = content.replace(old, new, 1)
        name = f"{old.decode().strip()} became {new.decode().strip()}"
        yield from content_cases(target, iter([(name, changed)]), run)


def make_text(folder: Path) -> None:
    imported_dicom(folder)
    place = folder / TRUTH / "7/contours"
    place.mkdir(parents=True)
    for kind, xy in zip("io", TRIANGLES.values(), strict=True):
        lines = [f"{x:.2f} {y:.2f}" for x, y in xy]
        (place / f"IM-0001-0002-{kind}contour-manual.txt").write_text("\n".join(lines) + "\n")


def text_cases(good: Path) -> Iterator[Case]:
    target, run = f"{TRUTH}/7/contours/IM-0001-0002-icontour-manual.txt", run_carry("text")
    content = (good / target).read_bytes()
    yield from content_cases(target, damaged_bytes(content, 41, 1), run)
    yield from content_cases(target, damaged_text(content.decode(), 42), run)
    yield from place_cases(good, target, run)
    for number in ("0000", "0099", "9" * 30):

        def rename(folder: Path, number: str = number) -> None:
            path = folder / target
            path.rename(path.with_name(f"IM-0001-{number}-icontour-manual.txt"))

        yield Case(f"{target}: image {number}", rename, run)
    for point in ("1e30 1e30", "1e300 -1e300", "-2147483649 5", "100000 100000"):
        changed = content.replace(b"3.00 3.00", point.encode())
        yield from content_cases(target, iter([(f"a point {point}", changed)]), run)


def make_masks(folder: Path) -> None:
    imported_dicom(folder)
    place = folder / TRUTH / "train/train/7/study/sax_1"
    place.mkdir(parents=True)
    Image.fromarray(HEART[0, 1]).save(place / "IM-0001-0005.png")


def mask_cases(good: Path) -> Iterator[Case]:
    target, run = (
        f"{TRUTH}/train/train/7/study/sax_1/IM-0001-0005.png",
        run_carry("masks", "kaggle"),
    )
    content = (good / target).read_bytes()
    yield from content_cases(target, damaged_bytes(content, 51, 2), run)
    yield from content_cases(target, damaged_png(content), run)
    yield from place_cases(good, target, run)


def make_frames(folder: Path) -> None:
    imported_dicom(folder, "compat")
    place = folder / TRUTH / "7"
    place.mkdir(parents=True)
    Image.fromarray(HEART[0, 1]).save(place / "7-frame001-slice001.png")


def frame_cases(good: Path) -> Iterator[Case]:
    target, run = f"{TRUTH}/7/7-frame001-slice001.png", run_carry("frames", "kaggle")
    content = (good / target).read_bytes()
    yield from content_cases(target, damaged_bytes(content, 61, 1), run)
    yield from content_cases(target, damaged_png(content), run)
    yield from place_cases(good, target, run)


def make_volumes(folder: Path) -> None:
    make_nifti(folder)
    (folder / "images").mkdir()
    import_studies(ROWS, folder / "raw", folder / "images", read_whole)
    Cine(HEART, GRID_MM).save(folder / TRUTH / "7.nii.gz")


def volume_cases(good: Path) -> Iterator[Case]:
    target, run = f"{TRUTH}/7.nii.gz", run_carry("nifti", "nifti")
    content = (good / target).read_bytes()
    yield from content_cases(target, nifti_contents(content, 71, 1), run)
    yield from place_cases(good, target, run)


# -- HDF5 ------------------------------------------------------------------------------------

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
        found.id.write_direct_chunk((0, 0, 0, 0), zlib_bomb())
    return path.read_bytes()


def zlib_bomb() -> bytes:
    packer, piece = zlib.compressobj(9), bytes(2**20)
    parts = [packer.compress(piece) for _ in range(BOMB_BYTES // len(piece))]
    return b"".join([*parts, packer.flush()])


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


# -- tables and config -----------------------------------------------------------------------

SUBJECTS = (
    "subject\tstudy\tsplit\tedv_ml\tesv_ml\n7\t7\ttrain\t150\t60\n8\t8\tvalidate\t120.5\t50\n"
)
MODELS = (
    "model network encoder width classes cohort labeller subset splits start preparation intensity "
    "size_px augmentation loss batch schedule lr_frozen epochs_frozen lr epochs seed\n"
    "fcn fcn  4 4 people truth all train random fcn linear 64 fcn ce 2 constant 0 0 0.001 2 1\n"
).replace(" ", "\t")
CONFIG = {
    "study": "small",
    "cohorts": {
        "people": {
            "subjects": "subjects.tsv",
            "subjects_per_job": 2,
            "layout": "kaggle",
            "raw": "raw",
            "annotators": {"truth": "masks"},
        }
    },
    "models": "models.tsv",
    "evaluate": [{"cohort": "people", "labellers": ["fcn"], "reference": "truth"}],
    "weights": {"given": "given"},
    "figures": {"errors": {"figure": "ef_error", "cohort": "people"}},
}
CHECKSUMS = "source\tpath\tsize\tsha256\nmine\ta/b.txt\t5\t" + "0123456789abcdef" * 4 + "\n"
SOURCES = "mine: {kind: files, url: 'https://example.org/{path}'}\n"
RECORD = {
    "settings": {
        **{"network": "fcn", "encoder": "", "width": 4, "classes": 4},
        **{"preparation": "fcn", "intensity": "linear", "size_px": 64},
    }
}


def make_study(folder: Path) -> None:
    (folder / "resources").mkdir()
    (folder / "given").mkdir()
    (folder / "given/weights.safetensors").touch()
    (folder / "given/record.json").write_text(json.dumps(RECORD))
    (folder / "resources/weights.yaml").write_text("{}\n")
    (folder / "resources/sources.yaml").write_text(SOURCES)
    (folder / "resources/checksums.tsv").write_text(CHECKSUMS)
    (folder / "subjects.tsv").write_text(SUBJECTS)
    (folder / "models.tsv").write_text(MODELS)
    (folder / "config.yaml").write_text(yaml.safe_dump(CONFIG, sort_keys=False))
    for name in ("train.csv", "validate.csv"):
        (folder / name).write_text("Id,Systole,Diastole\n7,60.5,150\n8,50,120.5\n")
    (folder / "solution.csv").write_text("Id,Volume\n9_Diastole,150\n9_Systole,60.5\n")


def run_study(folder: Path) -> list[str]:
    from snakemake.common.configfile import load_configfile

    from study import Study

    os.chdir(folder)
    try:
        config = load_configfile("config.yaml")
    except Exception as error:
        # Snakemake's own reading of the file comes before the project's.
        raise Lost(f"config.yaml: {error}") from error
    study = Study(config)
    for cohort in study.cohorts:
        for shard in study.shards(cohort):
            study.rows(cohort, shard)
    study.labelled()
    return []


def run_known(folder: Path) -> list[str]:
    rows = [
        {"subject": s, "study": s, "split": "train", "set": set_}
        for s, set_ in (("7", "train"), ("8", "validate"), ("9", "test"))
    ]
    table = kaggle_volumes(rows, [folder])
    volumes = table[["edv_ml", "esv_ml"]].to_numpy(float)
    assert np.isfinite(volumes).all(), "volumes are not finite"
    assert (volumes > 0).all(), "volumes are not positive"
    return []


def run_table(name: str) -> Callable[[Path], list[str]]:
    def run(folder: Path) -> list[str]:
        read_table(folder / name)
        return []

    return run


def table_cases(good: Path) -> Iterator[Case]:
    for seed, (name, text) in enumerate((("subjects.tsv", SUBJECTS), ("models.tsv", MODELS))):
        yield from content_cases(name, damaged_text(text, 80 + seed), run_study)
        yield from content_cases(name, damaged_bytes(text.encode(), 82 + seed, 2), run_study)
        yield from place_cases(good, name, run_study)
    for name in ("train.csv", "solution.csv"):
        text = (good / name).read_text()
        yield from content_cases(name, damaged_text(text, 84), run_known)
        yield from content_cases(name, damaged_bytes(text.encode(), 85, 1), run_known)
        yield from place_cases(good, name, run_known)
    yield from content_cases("subjects.tsv", damaged_text(SUBJECTS, 86), run_table("subjects.tsv"))
    yield from place_cases(good, "subjects.tsv", run_table("subjects.tsv"))


def nested(depth: int, inner: str) -> str:
    return "".join("  " * i + "a:\n" for i in range(depth)) + "  " * depth + inner


def billion(levels: int) -> str:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    for i in range(1, levels):
        lines.append(f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 10)}]")
    return "\n".join(lines)


def config_contents(text: str) -> Iterator[tuple[str, bytes]]:
    yield from damaged_text(text, 90)
    yield from damaged_bytes(text.encode(), 91, 3)
    yield "deep lists", b"[" * 5000 + b"]" * 5000
    yield "deep mappings", nested(900, "x: 1").encode()
    yield (
        "deep mappings below a known key",
        (text + "published_tables:\n" + nested(60, "x: 1")).encode(),
    )
    yield "deep JSON", b'{"study": ' * 5000 + b"1" + b"}" * 5000
    yield "a billion laughs", (text + billion(12)).encode()
    laughs = text.replace("figures:", billion(12) + "\nfigures: *a11\nx:")
    yield "a billion laughs in its figures", laughs.encode()
    inner = billion(12).replace("\n", "\n  ").replace("a0:", "  a0:", 1)
    yield "a billion laughs as weights", text.replace("weights:", f"weights:\n{inner}\n").encode()
    yield "a cycle", (text + "x: &x [*x]\n").encode()
    yield "a cycle in its cohorts", text.replace("cohorts:", "cohorts: &c\n  again: *c").encode()
    yield "a cycle in its subjects", text.replace("subjects.tsv", "&s [*s]").encode()
    yield "an unknown anchor", (text + "x: *nowhere\n").encode()
    yield "a Python object", (text + "x: !!python/object/apply:os.system [echo]\n").encode()
    yield "an expression", ("__use_yte__: true\n" + text + "x: ?1/0\n").encode()
    yield "an unknown tag", (text + "x: !mine 1\n").encode()
    yield "a date as name", text.replace("small", "2026-01-01").encode()
    yield "a number as name", text.replace("small", "1e5").encode()
    yield "a name that leads out", text.replace("small", "../../x").encode()
    yield "a name with a line end", text.replace("study: small", 'study: "small\\n"').encode()
    yield "a very long name", text.replace("small", "x" * 5000).encode()
    yield "numbers as keys", (text + "1: 2\n").encode()
    yield "nothing as key", (text + "null: 2\n").encode()
    yield "a list as key", (text + "? [1, 2]\n: 3\n").encode()
    yield "a key twice", (text + "study: other\n").encode()
    yield "a list", b"- 1\n- 2\n"
    yield "a word", b"study"
    yield "nothing", b"null\n"
    yield "infinity as fraction", (text + "max_failed_fraction: .inf\n").encode()
    yield "not a number as fraction", (text + "max_failed_fraction: .nan\n").encode()
    yield "no subjects per job", text.replace("per_job: 2", "per_job: 0").encode()
    yield "a huge number per job", text.replace("per_job: 2", "per_job: 1" + "0" * 30).encode()
    yield "the whole study as its cohort", text.replace("people:", "&p people:").encode()
    yield "subjects in place", text.replace("subjects.tsv", "[{subject: 7, split: train}]").encode()
    yield "subjects of nothing", text.replace("subjects.tsv", "[]").encode()
    yield "subjects that are a device", text.replace("subjects.tsv", "/dev/zero").encode()
    yield "subjects that are a folder", text.replace("subjects.tsv", ".").encode()
    yield "a zero byte in a path", text.replace("subjects.tsv", '"sub\\0jects.tsv"').encode()
    yield "a path too long", text.replace("subjects.tsv", "x" * 5000).encode()
    yield "weights with a zero byte", text.replace("given: given", 'given: "gi\\0ven"').encode()
    yield "weights with a long path", text.replace("given: given", f"given: {'x' * 5000}").encode()


def config_cases(good: Path) -> Iterator[Case]:
    text = (good / "config.yaml").read_text()
    yield from content_cases("config.yaml", config_contents(text), run_study)
    record = json.dumps(RECORD)
    yield from content_cases("given/record.json", damaged_bytes(record.encode(), 92, 1), run_study)
    for name, content in (("deep", "[" * 10**5), ("a list", "[]"), ("settings", '{"settings": 3}')):
        yield from content_cases("given/record.json", iter([(name, content.encode())]), run_study)
    yield from place_cases(good, "given/record.json", run_study)
    for name, content in (
        ("deep", b"[" * 5000),
        ("a list", b"- 1\n"),
        ("nothing", b""),
        ("a word", b"x"),
        ("not UTF-8", b"\xff\xfe\xfd"),
        ("not YAML", b"a: [1"),
    ):
        yield from content_cases("resources/weights.yaml", iter([(name, content)]), run_study)
    yield from place_cases(good, "resources/weights.yaml", run_study)


# -- archives and downloads ------------------------------------------------------------------


def make_archive(folder: Path) -> None:
    with zipfile.ZipFile(folder / "a.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.txt", b"hello" * 100)
        archive.writestr("b/c.txt", b"world" * 100)


def run_unpack(folder: Path) -> list[str]:
    unpack(folder / "a.zip", folder / "out", 10**6)
    unpack_nested(folder / "out", 10**6)
    assert sum(p.stat().st_size for p in (folder / "out").rglob("*") if p.is_file()) <= 10**6
    return []


def archive_cases(good: Path) -> Iterator[Case]:
    content = (good / "a.zip").read_bytes()
    yield from content_cases("a.zip", damaged_bytes(content, 101, 6), run_unpack)
    yield from place_cases(good, "a.zip", run_unpack)


def run_checksums(folder: Path) -> list[str]:
    from study_sources import read_checksums, read_sources

    os.chdir(folder)
    sources, rows = read_sources(), read_checksums()
    # Without a connection: nothing answers at this address.
    for source, entry in sources.items():
        entry = {**entry, "kind": "by_hand", "how": "x"} if entry.get("kind") == "files" else entry
        entry.pop("url", None)
        try:
            fetch(source, entry, rows.get(source, []), folder / "out", folder / "downloads")
        except FileNotFoundError as error:
            if "is put there by hand" not in str(error):
                raise
    return []


def source_cases(good: Path) -> Iterator[Case]:
    table, entries = "resources/checksums.tsv", "resources/sources.yaml"
    yield from content_cases(table, damaged_text(CHECKSUMS, 111), run_checksums)
    yield from content_cases(table, damaged_bytes(CHECKSUMS.encode(), 112, 1), run_checksums)
    yield from place_cases(good, table, run_checksums)
    for path in ("../x", "/etc/x", "a/../../x", "", "a\\b", "x" * 5000):
        text = CHECKSUMS.replace("a/b.txt", path)
        yield from content_cases(table, iter([(f"path {path[:9]}", text.encode())]), run_checksums)
    yield from content_cases(entries, damaged_text(SOURCES, 113), run_checksums)
    yield from content_cases(entries, damaged_bytes(SOURCES.encode(), 114, 1), run_checksums)
    yield from place_cases(good, entries, run_checksums)
    for name, text in (
        ("deep", "[" * 5000),
        ("a cycle", "mine: &x {kind: *x}"),
        ("no mapping", "mine: 3"),
        ("kind is a list", "mine: {kind: [files]}"),
        ("holds is a number", "mine: {kind: by_hand, how: x, holds: 3}"),
        ("holds a number", "mine: {kind: by_hand, how: x, holds: [3]}"),
        ("numbers as keys", "mine: {kind: by_hand, how: x, 1: 2}"),
        ("how is a number", "mine: {kind: by_hand, how: 1}"),
        ("unpacked is a word", "mine: {kind: archive, url: 'http://x', sha256: 0, unpacked_gb: x}"),
    ):
        yield from content_cases(entries, iter([(name, text.encode())]), run_checksums)


# -- weights ---------------------------------------------------------------------------------


def make_weights(folder: Path) -> None:
    import torch

    from bundle_writer import write_bundle
    from cmrseg.learn.weights import save_weights
    from cmrseg.nets.build import empty_network
    from cmrseg.nets.published import checkpoint_variables

    settings = {key: RECORD["settings"][key] for key in ("network", "encoder", "width", "classes")}
    state = empty_network({**settings, "width": 1}).state_dict()
    weights = {name: torch.zeros(value.shape, dtype=value.dtype) for name, value in state.items()}
    save_weights(weights, folder / "model/weights.safetensors")
    record = {"settings": {**RECORD["settings"], "width": 1}}
    (folder / "model/record.json").write_text(json.dumps(record))
    (folder / "torch").mkdir()
    torch.save({"conv1.weight": torch.zeros(2, 2)}, folder / "torch/resnet34.pth")
    entry = {"network": "fcn", "width": 1, "classes": 4}
    rng = np.random.default_rng(0)
    (folder / "bundle").mkdir()
    write_bundle(
        folder / "bundle/FCN_sa",
        {
            name: rng.random(shape).astype(dtype)
            for name, (dtype, shape) in checkpoint_variables(entry).items()
        },
    )


def run_model(folder: Path) -> list[str]:
    from cmrseg.learn.label import load_model

    load_model(folder / "model")
    return []


def run_torch(folder: Path) -> list[str]:
    from cmrseg.learn.imagenet import convert_imagenet

    convert_imagenet(folder / "torch", "resnet34", folder / "out.safetensors")
    return []


def run_bundle(folder: Path) -> list[str]:
    from cmrseg.nets.published import read_published

    read_published(folder / "bundle/FCN_sa", {"network": "fcn", "width": 1, "classes": 4})
    return []


def odd_weights(good: bytes) -> Iterator[tuple[str, bytes]]:
    """Headers of safetensors files: a length, then JSON."""
    length = int.from_bytes(good[:8], "little")
    body = good[8 + length :]

    def headed(head: bytes, announced: int | None = None) -> bytes:
        return (len(head) if announced is None else announced).to_bytes(8, "little") + head + body

    yield "a header of 2^63 bytes", headed(good[8 : 8 + length], 2**63)
    yield "a header of 4 GB", headed(good[8 : 8 + length], 2**32)
    yield "a deep header", headed(b'{"a":' * 10**5 + b"1" + b"}" * 10**5)
    yield (
        "a huge tensor",
        headed(b'{"a":{"dtype":"F32","shape":[1000000,1000000],"data_offsets":[0,4000000000000]}}'),
    )
    yield (
        "a tensor beyond the end",
        headed(b'{"a":{"dtype":"F32","shape":[1],"data_offsets":[999999996,1000000000]}}'),
    )
    yield "a pickle", b"\x80\x04\x8c\x05posix\x94\x8c\x06system\x94\x93\x94\x8c\x04echo\x94\x85R."


def weight_cases(good: Path) -> Iterator[Case]:
    target = "model/weights.safetensors"
    content = (good / target).read_bytes()
    yield from content_cases(target, damaged_bytes(content, 121, 2), run_model)
    yield from content_cases(target, odd_weights(content), run_model)
    yield from place_cases(good, target, run_model)
    target = "model/record.json"
    text = (good / target).read_text()
    yield from content_cases(target, damaged_bytes(text.encode(), 122, 1), run_model)
    for key, value in (
        *(("width", v) for v in (0, -1, 10**9, 1e300, "4", None, [1])),
        *(("classes", v) for v in (0, -1, 10**9, "4")),
        *(("network", v) for v in ("", 3, None, [1])),
        *(("encoder", v) for v in ("resnet34", 3, None)),
    ):
        settings = {**json.loads(text)["settings"], key: value}
        changed = json.dumps({"settings": settings}).encode()
        yield from content_cases(target, iter([(f"{key} is {value}", changed)]), run_model)
    yield from content_cases(target, iter([("deep", b"[" * 10**5)]), run_model)
    yield from place_cases(good, target, run_model)
    target = "torch/resnet34.pth"
    content = (good / target).read_bytes()
    yield from content_cases(target, damaged_bytes(content, 123, 2), run_torch)
    yield from content_cases(target, iter([odd_weights(content * 8).__next__()]), run_torch)
    yield from place_cases(good, target, run_torch)
    for target in ("bundle/FCN_sa.index", "bundle/FCN_sa.data-00000-of-00001"):
        content = (good / target).read_bytes()
        yield from content_cases(target, damaged_bytes(content, 124, 3), run_bundle)
        yield from place_cases(good, target, run_bundle)


SUBJECT = ("7: ",)
FAMILIES = {
    "dicom": Family(make_dicom, dicom_cases, SUBJECT),
    "nifti": Family(make_nifti, nifti_cases, SUBJECT),
    "pictures": Family(make_pictures, picture_cases, SUBJECT),
    "qmass": Family(make_qmass, qmass_cases, SUBJECT),
    "text": Family(make_text, text_cases, SUBJECT),
    "masks": Family(make_masks, mask_cases, SUBJECT),
    "frames": Family(make_frames, frame_cases, SUBJECT),
    "volumes": Family(make_volumes, volume_cases, SUBJECT),
    "hdf5": Family(make_hdf5, hdf5_cases, SUBJECT),
    "tables": Family(make_study, table_cases, (".tsv", ".csv", "model ", "cohort ")),
    "config": Family(
        make_study,
        config_cases,
        ("config", "weights", "cohort ", "model ", "subjects", "table with tabs"),
    ),
    "archives": Family(make_archive, archive_cases, ("a.zip",)),
    "sources": Family(make_study, source_cases, ("resources/", "source ")),
    "weights": Family(make_weights, weight_cases, ("model", "resnet34", "FCN_sa", "torch")),
}


# -- the process -----------------------------------------------------------------------------


def limit_memory() -> None:
    """Let the process take no more than MOST_BYTES beyond what it has."""
    status = Path("/proc/self/status")
    if status.exists():
        size = memory_bytes("VmSize") + MOST_BYTES
        resource.setrlimit(resource.RLIMIT_AS, (size, size))


def memory_bytes(field: str) -> int:
    """A line of the kernel's account of this process; 0 where there is none."""
    status = Path("/proc/self/status")
    lines = status.read_text().splitlines() if status.exists() else []
    return next((int(x.split()[1]) * 1024 for x in lines if x.startswith(f"{field}:")), 0)


def ring(number: int, frame: FrameType | None) -> None:
    raise Hang


def tried(case: Case, folder: Path) -> dict[str, object]:
    """Outcome, message, seconds and peak memory of a case."""
    case.damage(folder)
    before = memory_bytes("VmRSS")
    if Path("/proc/self/clear_refs").exists():
        Path("/proc/self/clear_refs").write_text("5")  # the peak starts anew
    told: dict[str, object] = {"outcome": "ok", "kind": "", "message": "", "trace": ""}
    signal.setitimer(signal.ITIMER_REAL, MOST_SECONDS)
    started = time.perf_counter()
    try:
        audited = case.run(folder)
        if audited:
            told |= {"outcome": "audited", "message": "; ".join(audited)}
    except Hang:
        told |= {"outcome": "hang", "trace": traceback.format_exc()}
    except BaseException as error:
        kind = type(error).__name__
        told |= {"outcome": "error", "kind": kind, "message": str(error)}
        told["trace"] = "".join(traceback.format_exception(error))[-3000:]
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
    told["seconds"] = round(time.perf_counter() - started, 3)
    told["bytes"] = max(memory_bytes("VmHWM") - before, 0)
    return told


def main(place: Path, names: list[str]) -> None:
    logging.basicConfig(filename=place / "log", level=logging.INFO)
    logging.captureWarnings(True)
    signal.signal(signal.SIGALRM, ring)
    for name in names:
        (place / name).mkdir()
        FAMILIES[name].make(place / name)
    limit_memory()
    for name in names:
        for i, case in enumerate(FAMILIES[name].cases(place / name)):
            print(json.dumps({"started": f"{name}: {case.name}"}), flush=True)
            folder = place / f"{name}{i}"
            shutil.copytree(place / name, folder)
            told = tried(case, folder)
            print(json.dumps({"family": name, "name": case.name, **told}), flush=True)
            os.chdir(place)
            shutil.rmtree(folder)


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2:])
