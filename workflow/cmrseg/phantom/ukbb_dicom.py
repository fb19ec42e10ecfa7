"""Write images as UK Biobank's bulk files: zips of DICOM files, with a manifest."""

import csv
import io
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np

from cmrseg.phantom.dicom_writer import file_bytes, slice_elements, uid
from cmrseg.phantom.plan import PlannedSlice
from cmrseg.phantom.scanner import Plane

# Field of each sequence's zip file, and the name of its series; {n} counts slices from 1.
FIELDS = {"sa": 20209, "la_2ch": 20208, "la_3ch": 20208, "la_4ch": 20208, "ao": 20210, "tag": 20211}
DESCRIPTIONS = {
    "sa": "CINE_segmented_SAX_b{n}",
    "la_2ch": "CINE_segmented_LAX_2Ch",
    "la_3ch": "CINE_segmented_LAX_3Ch",
    "la_4ch": "CINE_segmented_LAX_4Ch",
    "ao": "CINE_segmented_Ao_dist",
    "tag": "cine_tagging_3sl_SAX_b{n}s",
}
INSTANCE = "2_0"
HEAD = ("filename", "patientid", "studyid", "series discription", "date", "modality")
# Not quoted in the manifest, so that its comma divides it.
DATE = "Jan 5, 2016"
# Seconds from one series to the next, and the time of day of the first.
BREATH_HOLD_S, FIRST_S = 20, 36000
# The same time in every zip file, so that its bytes depend on what it holds.
ZIP_TIME = (2016, 1, 5, 0, 0, 0)

Acquired = Mapping[str, Sequence[tuple[Plane, np.ndarray]]]
# Name of a file, its bytes, and the description of its series.
Written = tuple[str, bytes, str]


def write_zips(
    folder: Path,
    eid: str,
    acquired: Acquired,
    frame_interval_ms: float,
    common: Mapping[str, object],
    instance: str = INSTANCE,
    packed: bool = True,
) -> list[Path]:
    """Write `<folder>/<eid>_<field>_<instance>.zip` for the sequences that were acquired.

    Or, if not packed, folders with the same files.

    acquired: sequence -> plane and images (t, rows, columns) in scanner units of each slice, in
    the order in which they are numbered. frame_interval_ms: between frames. common: elements of
    all images, as `dicom_writer.study_elements`. Every slice is a series. The same arguments give
    the same bytes. Raises ValueError naming a sequence that UK Biobank does not have.
    """
    by_field: dict[int, list[Written]] = {}
    if unknown := [sequence for sequence in acquired if sequence not in FIELDS]:
        raise ValueError(
            f"{eid}: sequence {unknown[0]} has no bulk file; there are {', '.join(FIELDS)}"
        )
    for number, sequence, z in numbered(acquired):
        plane, images = acquired[sequence][z]
        description = DESCRIPTIONS[sequence].format(n=z + 1)
        files = series_files(eid, plane, images, number, description, frame_interval_ms, common)
        by_field.setdefault(FIELDS[sequence], []).extend(files)
    paths = []
    for field, written in sorted(by_field.items()):
        name = f"{eid}_{field}_{instance}"
        paths.append(folder / (f"{name}.zip" if packed else name))
        (write_zip if packed else write_folder)(paths[-1], eid, written)
    return paths


def numbered(acquired: Acquired) -> Iterator[tuple[int, str, int]]:
    """SeriesNumber, sequence and slice (from 0) of each series, in the order of acquisition."""
    slices = ((sequence, z) for sequence, found in acquired.items() for z in range(len(found)))
    for number, (sequence, z) in enumerate(slices, 1):
        yield number, sequence, z


def images_of(eid: str, acquired: Acquired, sequence: str) -> dict[tuple[int, int], str]:
    """SOPInstanceUID of each image of a sequence by its slice and frame, from 0.

    eid, acquired: as of `write_zips`.
    """
    return {
        (z, t): image_uid(eid, number, t)
        for number, name, z in numbered(acquired)
        if name == sequence
        for t in range(len(acquired[name][z][1]))
    }


def image_uid(eid: str, number: int, frame: int) -> str:
    """SOPInstanceUID of a frame of the series with a number."""
    return uid(eid, number, frame)


def series_files(
    eid: str,
    plane: Plane,
    images: np.ndarray,
    number: int,
    description: str,
    frame_interval_ms: float,
    common: Mapping[str, object],
) -> list[Written]:
    """The files of one series of one slice; a file is named by its SOPInstanceUID.

    images: (t, rows, columns). number: SeriesNumber, also the place in time. common: elements of
    all images, which go before those written here, but for the place and the pixels.
    """
    pixels = np.clip(np.rint(images), 0, 65535).astype("<u2")
    planned = PlannedSlice(folder="", series_number=number, plane=plane, frames=(), seed=0)
    clock = FIRST_S + number * BREATH_HOLD_S
    shared = {
        "SeriesInstanceUID": uid(eid, "series", number),
        "StudyInstanceUID": uid(eid, "study"),
        "FrameOfReferenceUID": uid(eid, "reference"),
        "SeriesDescription": description,
        "AcquisitionTime": f"{clock // 3600:02d}{clock // 60 % 60:02d}{clock % 60:02d}",
        **{k: v for k, v in common.items() if k not in ("SeriesDescription", "PatientName")},
        **slice_elements(planned),
        "PatientName": eid,
        "PatientID": eid,
        "CardiacNumberOfImages": len(pixels),
    }
    written = []
    for t, picture in enumerate(pixels):
        own = {
            "SOPInstanceUID": image_uid(eid, number, t),
            "TriggerTime": round(t * frame_interval_ms, 2),
            "InstanceNumber": t + 1,
            "PixelData": picture.tobytes(),
        }
        content = file_bytes(dict(sorted((shared | own).items())))
        written.append((f"{own['SOPInstanceUID']}.dcm", content, description))
    return written


def write_zip(path: Path, eid: str, written: Sequence[Written], manifest: str = "manifest.csv"):
    """Write a zip file of some files, in order of their names, and a manifest.

    Names are hashes, so that neither frames nor series are in order.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    members = {name: content for name, content, _ in sorted(written)}
    members[manifest] = manifest_text(eid, written).encode()
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(zipfile.ZipInfo(name, ZIP_TIME), content, zipfile.ZIP_DEFLATED)


def write_folder(path: Path, eid: str, written: Sequence[Written], manifest: str = "manifest.csv"):
    """Write a folder with the members of a zip file of `write_zip`."""
    path.mkdir(parents=True)
    for name, content, _ in written:
        (path / name).write_bytes(content)
    (path / manifest).write_bytes(manifest_text(eid, written).encode())


def manifest_text(eid: str, written: Sequence[Written]) -> str:
    """The manifest of some files, with dates as UK Biobank writes them."""
    text = io.StringIO()
    table = csv.writer(text, lineterminator="\n")
    table.writerow(HEAD)
    for name, _, description in sorted(written):
        table.writerow((name, eid, "1", description, "@date@", "MR"))
    return text.getvalue().replace("@date@", DATE)
