"""NIfTI files and folders of pictures that are damaged or lie."""

import gzip
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
from PIL import Image

from bad_cases import ROWS, SUBJECT, Case, Family, content_cases, imported, place_cases
from cmrseg.cine import Cine
from cmrseg.layouts.nifti import read_pair, read_whole
from cmrseg.layouts.png import read_pictures
from cmrseg.layouts.ready_made import import_studies
from mutations import (
    BOMB_BYTES,
    damaged_bytes,
    damaged_nifti,
    damaged_png,
    damaged_text,
    extension_bomb,
    nifti_bomb,
    recompressed,
    zeros_gz,
)

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


FAMILIES = {
    "nifti": Family(make_nifti, nifti_cases, SUBJECT),
    "pictures": Family(make_pictures, picture_cases, SUBJECT),
}
