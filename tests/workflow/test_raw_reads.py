"""What the state of a subject is made of is what its import and its annotations read."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from cmrseg.annotations.carry import carry_shard
from cmrseg.dicom.study import import_shard
from cmrseg.layouts.nifti import read_pair, read_whole
from cmrseg.layouts.png import read_pictures
from cmrseg.layouts.ready_made import import_studies
from cmrseg.phantom import kaggle, seven_tesla, ukbb
from cmrseg.phantom.population import draw_subjects
from disk_study import write_person
from study import raw_state
from tiny_study import SCAN

PEOPLE = ["71", "72"]
OPENED: list[str] | None = None


def hook(event: str, arguments: tuple) -> None:
    if event == "open" and OPENED is not None and isinstance(arguments[0], str | os.PathLike):
        OPENED.append(os.path.realpath(arguments[0]))


sys.addaudithook(hook)


@contextmanager
def opened(raw: Path) -> Iterator[set[Path]]:
    """Files below a folder that Python opens while the block runs."""
    global OPENED
    OPENED, found = [], set()
    try:
        yield found
    finally:
        paths, OPENED = map(Path, OPENED), None
        top = raw.resolve()
        found |= {path for path in paths if path.is_file() and path.is_relative_to(top)}


def heart_of(writer, **settings):
    rows = draw_subjects(2, 3, PEOPLE, ["train", "test"])
    return lambda raw: writer.write_shard(rows, SCAN | settings, raw)


def nifti(raw: Path) -> None:
    for study in PEOPLE:
        write_person(raw, study)


def pictures(raw: Path) -> None:
    for study in PEOPLE:
        for folder in ("images", "masks"):
            place = raw / folder / study
            place.mkdir(parents=True)
            pixels = np.full((6, 5), 1, np.uint8)
            Image.fromarray(pixels).save(place / f"{study}-frame000-slice000.png")
    head = "pid\tX\tY\tpixelSpacingX\tpixelSpacingY\tsliceSpacing\n"
    rows = [f"{study}\t5\t6\t1\t1\t8\n" for study in PEOPLE]
    (raw / "patient_dimensions.tsv").write_text(head + "".join(rows))


# Layout: what writes it, how it is read if it is no DICOM, an annotator's form and folder.
LAYOUTS = {
    "kaggle": (heart_of(kaggle, frames=2), None, "masks", "annotations/truth"),
    "folder": (heart_of(seven_tesla, frames=2), None, "qmass", "annotations/expert1"),
    "ukbb": (heart_of(ukbb), read_pair, "nifti", "."),
    "nifti": (nifti, read_whole, "nifti", "annotations/reader"),
    "png": (pictures, read_pictures, "frames", "masks"),
}


@pytest.fixture(params=LAYOUTS)
def raw(request, tmp_path):
    """Raw files of two people, their rows, the layout and what is known of it."""
    tmp_path.joinpath("raw").mkdir()
    LAYOUTS[request.param][0](tmp_path / "raw")
    keys = {"subject": PEOPLE, "study": PEOPLE, "annotation": PEOPLE, "set": ["train", "test"]}
    return tmp_path / "raw", pd.DataFrame(keys).assign(series=""), request.param


def state(what: str, raw: Path, layout: str, row: dict) -> str:
    raw_state._frames.cache_clear()
    raw_state._rows.cache_clear()
    if what == "images":
        return raw_state.image_state(layout, str(raw), row)
    *_, form, folder = LAYOUTS[layout]
    return raw_state.label_state(layout, form, f"{raw}/{folder}", row)


def check(what: str, files: set[Path], raw: Path, layout: str, rows: pd.DataFrame) -> None:
    """Each file that was read is part of the state of one of the subjects, and of that alone."""
    known = rows.to_dict("records")
    before = [state(what, raw, layout, row) for row in known]
    assert all(before)
    read = 0
    for path in files:
        if path.suffix in (".tsv", ".csv"):
            continue
        read += 1
        times = path.stat()
        os.utime(path, ns=(1, 1))
        after = [state(what, raw, layout, row) for row in known]
        assert sum(a != b for a, b in zip(before, after, strict=True)) == 1, path
        os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))
    assert read >= len(PEOPLE)


def imported(raw: Path, rows: pd.DataFrame, layout: str, images: Path) -> None:
    _, read, *_ = LAYOUTS[layout]
    if read is None:
        settings = {"mode": "corrected", "layout": layout, "max_size_px": 256}
        audit, _ = import_shard(rows, raw, images, settings)
    else:
        images.mkdir()
        audit, _ = import_studies(rows, raw, images, read)
    assert "subject excluded" not in set(audit["resolution"])


def test_images_that_are_read_are_looked_at(raw, tmp_path):
    folder, rows, layout = raw
    with opened(folder) as files:
        imported(folder, rows, layout, tmp_path / "images")
    check("images", files, folder, layout, rows)


def test_labels_that_are_read_are_looked_at(raw, tmp_path):
    folder, rows, layout = raw
    imported(folder, rows, layout, tmp_path / "images")
    (tmp_path / "labels").mkdir()
    *_, form, place = LAYOUTS[layout]
    settings = {"sequence": "sa", "form": form, "folder": place, "layout": layout}
    with opened(folder) as files:
        carry_shard(rows, "reader", settings, folder, tmp_path / "images", tmp_path / "labels")
    check("labels", files, folder, layout, rows)
