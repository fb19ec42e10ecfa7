"""A folder like a PACS export of whole examinations, and its ground truth."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd

from cmrseg.cine import Cine
from cmrseg.phantom.kaggle import Protocol, generator, names_in
from cmrseg.phantom.pacs import acquired
from cmrseg.phantom.pacs.acquired import Examination, Series, examination
from cmrseg.phantom.pacs.directory import directory
from cmrseg.phantom.pacs.headers import numbered, of_images, of_study, resent, stored_pixels
from cmrseg.phantom.pacs.items import Item, other_items, series_items
from cmrseg.phantom.pacs.variant import (
    DIRECTORY,
    REASONS,
    SECOND_EXAMINATION,
    TEXT,
    Variant,
)
from cmrseg.phantom.pacs.vendors import CINE, SECOND_CINE, VENDORS, Vendor
from cmrseg.phantom.population import draw_parameters

NOTE = b"This medium holds DICOM images. Open DICOMDIR with a viewer.\r\n"
# Folders below DICOM/ that the files are spread over, whatever their series.
FOLDERS = 4
SECOND_CINE_REASON = "a second short-axis cine, after contrast"
SECOND_EXAMINATION_REASON = "of an earlier examination"


@dataclass(frozen=True)
class Truth:
    """One short-axis cine. cine: pixels after the slope, z along the normal. labels: `Tissue`."""

    cine: Cine
    labels: np.ndarray


@dataclass(frozen=True)
class Export:
    """The files written, and their ground truth.

    files: a row for each file: file (below the folder), examination (1, the latest, or 2), kind (of
    `variant.KINDS`, or of `vendors`), series_number, series_uid, instance_uid, description, slice
    (place of the plane in its series, from 0; of short-axis ones along the normal), frame (from 0),
    copy_of (the file that it equals), not_cine (why it is not the short-axis cine). Cells are empty
    where there is nothing to say.
    cines: by (examination, kind). edv_ml, esv_ml: of the heart, exactly.
    """

    files: pd.DataFrame
    cines: Mapping[tuple[int, str], Truth]
    edv_ml: float
    esv_ml: float

    @property
    def truth(self) -> Truth:
        """The short-axis cine of the latest examination."""
        return self.cines[1, CINE]


def write_export(
    folder: Path, row: Mapping, protocol: Protocol, variant: Variant | None = None, seed: int = 0
) -> Export:
    """Write the export of one subject below a folder; the same arguments give the same bytes.

    row: of the subject table. seed: decides UIDs, names and the order of files. Raises ValueError
    naming the subject where its row wants faults or series, which belong to other layouts, or
    where a stack has fewer than three slices.
    """
    variant = variant or Variant()
    if names_in(row["faults"]) or names_in(row["series"]):
        raise ValueError(
            f"subject {row['subject']}: faults and selected series are not written in an export; "
            "leave both columns empty"
        )
    parameters = draw_parameters(row, protocol.frames)
    cines: dict[tuple[int, str], Truth] = {}
    items: list[Item] = []
    for day in range(1 + variant.second_examination):
        exam = examination(row, parameters, protocol, day)
        items += _examination_items(exam, variant, seed, cines)
    table = _write(folder, items, variant, generator(row, "pacs", "names", str(seed)))
    return Export(table, cines, float(row["edv_ml"]), float(row["esv_ml"]))


def _examination_items(
    exam: Examination, variant: Variant, seed: int, cines: dict[tuple[int, str], Truth]
) -> list[Item]:
    vendor = VENDORS[variant.vendor]
    kinds = [k for k in variant.kinds if not exam.day or k in SECOND_EXAMINATION]
    series = acquired.before_the_cine(exam, kinds)
    wanted = [CINE] if CINE in kinds else []
    wanted += [SECOND_CINE] if variant.second_cine and not exam.day else []
    for kind in wanted:
        cine, labels = acquired.short_axis_cine(exam, kind)
        cines[exam.day + 1, kind] = _truth(exam, cine, labels, vendor)
        series.append(_acquired_again(exam, cine) if variant.again == "acquired" else cine)
    series += acquired.after_the_cine(exam, kinds)
    common = of_images(exam, vendor, seed)
    items: list[Item] = []
    for written in numbered(exam, series, vendor, variant.cine_as, seed):
        cine_again = variant.again == "resent" and written.kind == CINE
        for one in [written, resent(written, seed)] if cine_again else [written]:
            items += series_items(one, vendor, common, variant.cine_as)
    if exam.day:
        return items
    if CINE in kinds:
        truth = cines[1, CINE]
        middle = truth.labels.shape[1] // 2
        picture, labels = truth.cine.voxels[0, middle], truth.labels[0, middle]
    else:
        picture = series[0].pictures[0].pixels
        labels = np.zeros(picture.shape, np.uint8)
    volumes_ml = {"EDV": float(exam.row["edv_ml"]), "ESV": float(exam.row["esv_ml"])}
    study = of_study(exam, vendor, seed)
    return items + other_items(study, kinds, vendor, picture, labels, volumes_ml, items)


def _acquired_again(exam: Examination, cine: Series) -> Series:
    """The cine with every slice acquired a second time, later and with other noise."""
    repeated, _ = acquired.short_axis_cine(exam, cine.kind, attempt=1)
    later_s = 30.0 + max(picture.time_s for picture in cine.pictures)
    more = [
        replace(
            picture,
            time_s=picture.time_s + later_s,
            elements={**picture.elements, "AcquisitionNumber": 2},
        )
        for picture in repeated.pictures
    ]
    return replace(cine, pictures=(*cine.pictures, *more))


def _truth(exam: Examination, cine: Series, labels: np.ndarray, vendor: Vendor) -> Truth:
    voxels = np.zeros(labels.shape, np.float32)
    for picture in cine.pictures:
        stored, meaning = stored_pixels(picture, vendor)
        slope = float(str(meaning.get("RescaleSlope", 1)))
        voxels[picture.t, picture.z] = stored * np.float32(slope)
    lowest = next(picture.plane for picture in cine.pictures if picture.z == 0)
    affine = np.eye(4)
    affine[:3, 0] = np.multiply(lowest.row_direction, lowest.column_spacing_mm)
    affine[:3, 1] = np.multiply(lowest.column_direction, lowest.row_spacing_mm)
    affine[:3, 2] = lowest.normal * exam.protocol.slice_distance_mm
    affine[:3, 3] = lowest.position_mm
    affine[:2] *= -1  # LPS to RAS
    return Truth(Cine(voxels, affine, exam.beat_ms / exam.protocol.frames / 1000), labels)


def _write(
    folder: Path, items: list[Item], variant: Variant, rng: np.random.Generator
) -> pd.DataFrame:
    """Write the files under names that tell nothing, in any order; returns `Export.files`."""
    names = _names(len(items), rng)
    rows = [_row(name, item) for name, item in zip(names, items, strict=True)]
    contents = {name: item.content for name, item in zip(names, items, strict=True)}
    order = rng.permutation(len(items)).tolist()
    cine = [i for i in order if items[i].kind == CINE]  # one of them is copied, if any is
    for i in list(dict.fromkeys([*cine[:1], *order]))[: variant.copies]:
        stem, dot, ending = names[i].rpartition(".")
        copy = f"{stem}(1){dot}{ending}" if dot else f"{names[i]}(1)"
        rows.append({**rows[i], "file": copy, "copy_of": names[i]})
        contents[copy] = items[i].content
    if DIRECTORY in variant.kinds:
        content = directory((n, item.elements) for n, item in zip(names, items, strict=True))
        contents["DICOMDIR"] = content
        rows.append(_row("DICOMDIR", Item(DIRECTORY, content)))
    if TEXT in variant.kinds:
        contents["README.TXT"] = NOTE
        rows.append(_row("README.TXT", Item(TEXT, NOTE)))
    written = list(contents)
    for i in rng.permutation(len(written)):
        path = folder / written[i]
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(contents[written[i]])
    table = pd.DataFrame(rows).sort_values("file", ignore_index=True)
    whole = ["examination", "series_number", "slice", "frame"]
    return table.astype(dict.fromkeys(whole, "Int64"))


def _names(count: int, rng: np.random.Generator) -> list[str]:
    """As many paths: hexadecimal or running numbers, some with an ending, folders at random."""
    folders = [f"DICOM/{number:08X}" for number in rng.integers(2**32, size=FOLDERS)]
    numbers = rng.permutation(count) + int(rng.integers(1, 1000))
    random = rng.choice(2**32, size=count, replace=False)
    names = []
    for number, other in zip(numbers, random, strict=True):
        name = f"IM{number:06d}" if rng.random() < 0.5 else f"{other:08X}"
        ending = ("", "", ".dcm", ".DCM")[rng.integers(4)]
        names.append(f"{folders[rng.integers(FOLDERS)]}/{name}{ending}")
    return names


def _row(name: str, item: Item) -> dict[str, object]:
    """A row of `Export.files`."""
    reason = {CINE: "", SECOND_CINE: SECOND_CINE_REASON, **REASONS}[item.kind]
    if item.examination == 2:
        reason = "; ".join(part for part in (SECOND_EXAMINATION_REASON, reason) if part)
    return {
        "file": name,
        "examination": item.examination,
        "kind": item.kind,
        "series_number": item.elements.get("SeriesNumber"),
        "series_uid": item.elements.get("SeriesInstanceUID", ""),
        "instance_uid": item.elements.get("SOPInstanceUID", ""),
        "description": item.elements.get("SeriesDescription", ""),
        "slice": item.slice_,
        "frame": item.frame,
        "copy_of": "",
        "not_cine": reason,
    }
