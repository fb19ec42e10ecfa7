"""Damaged annotations of every form: contours, masks, frames, volumes."""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
from PIL import Image

from bad_cases import CLEANING, ROWS, SUBJECT, Case, Family, Lost, content_cases, place_cases
from bad_images import GRID_MM, SHAPE, make_nifti, nifti_contents
from cmrseg.annotations.carry import carry_shard
from cmrseg.cine import Cine
from cmrseg.contours.cvi42 import write_cvi42
from cmrseg.contours.qmass import Contours, ContourType, write_con
from cmrseg.dicom.study import import_shard
from cmrseg.layouts.nifti import read_whole
from cmrseg.layouts.ready_made import import_studies
from dicom_builder import write_series
from mutations import damaged_bytes, damaged_png, damaged_text

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
        settings = {"sequence": "sa", "form": form, "folder": "annotations/truth", "layout": layout}
        places = (folder / name for name in ("raw", "images", "labels"))
        audit = carry_shard(ROWS, "truth", settings, *places)
        path = folder / "labels/7/sa.nii.gz"
        if not path.exists() and len(audit):
            raise Lost(f"7: {audit.iloc[-1]['problem']}: {audit.iloc[-1]['detail']}")
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


def make_workspace(folder: Path) -> None:
    imported_dicom(folder)
    drawn = dict(
        zip(("saendocardialContour", "saepicardialContour"), TRIANGLES.values(), strict=True)
    )
    # The names of the files stand for identifiers.
    contours = {f"IM-{z:04d}-{3 * z + 1:04d}": drawn for z in range(2)}
    write_cvi42(contours, folder / TRUTH / "7.cvi42wsx")


def workspace_cases(good: Path) -> Iterator[Case]:
    target, run = f"{TRUTH}/7.cvi42wsx", run_carry("cvi42")
    content = (good / target).read_bytes()
    yield from content_cases(target, damaged_bytes(content, 81, 2), run)
    yield from content_cases(target, damaged_text(content.decode(), 82), run)
    yield from place_cases(good, target, run)
    number, bomb = b"<Point:x>12<", b"<!DOCTYPE z [<!ENTITY a 'aaaa'><!ENTITY b '&a;&a;'>]>"
    for old, new in (
        (b"<Hash:item", bomb + b"<Hash:item"),
        (number, b"<Point:x>1e300<"),
        (number, b"<Point:x>nan<"),
        (number, b"<Point:x>" + b"9" * 10**6 + b"<"),
        (number, b"<Point:x>" + b"<a>" * 10**5 + b"12" + b"</a>" * 10**5 + b"<"),
        (b'Resolution">4<', b'Resolution">0<'),
        (b'Resolution">4<', b'Resolution">-4<'),
        (b'"IM-0000-0001"', b'"' + b"9" * 10**6 + b'"'),
        (b'"saendocardialContour"', b'"saepicardialContour"'),
    ):
        changed = content.replace(old, new, 1)
        name = f"{old.decode()} became {new.decode()[:11]}"
        yield from content_cases(target, iter([(name, changed)]), run)


FAMILIES = {
    "qmass": Family(make_qmass, qmass_cases, SUBJECT),
    "text": Family(make_text, text_cases, SUBJECT),
    "cvi42": Family(make_workspace, workspace_cases, SUBJECT),
    "masks": Family(make_masks, mask_cases, SUBJECT),
    "frames": Family(make_frames, frame_cases, SUBJECT),
    "volumes": Family(make_volumes, volume_cases, SUBJECT),
}
