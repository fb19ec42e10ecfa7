"""Write digital subjects as the Second Annual Data Science Bowl gives its patients."""

import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from PIL import Image

from cmrseg.dicom import audit
from cmrseg.files import write_table
from cmrseg.phantom.dicom_writer import study_elements, write_slice
from cmrseg.phantom.faults import LARGEST_SIDE_PX, apply_faults, wide_image
from cmrseg.phantom.heart import HeartParameters
from cmrseg.phantom.image_plane import Plane
from cmrseg.phantom.kaggle_tables import truth_tables
from cmrseg.phantom.plan import PlannedSlice, Stack
from cmrseg.phantom.population import draw_parameters
from cmrseg.phantom.replanned import replanned
from cmrseg.phantom.scanner import ScannerSettings, acquire, short_axis_planes
from cmrseg.phantom.scans import (
    BREATH_HOLDS,
    POSITION,
    SCANNER,
    SLICE_OFFSET,
    anew,
    examination,
    has_scan,
)
from cmrseg.phantom.sites import site_scanner
from cmrseg.phantom.views import long_axis_plane

# Frames of a long-axis cine: an importer has to exclude them, so a few are enough.
LONG_AXIS_FRAMES = 2
# Breathing moves the heart towards the head and a little to the front: (left, back, head).
BREATHING_DIRECTION = np.array([0.0, -0.3, 1.0])
# Standard deviation of how far the heart lies from the middle of the picture, along rows and
# columns: nobody plans the slices exactly, and a network must not learn the place by heart.
OFF_CENTRE_MM = 10.0
# Series numbers of a second stack start this far above those of the first.
SECOND_STACK = 100


@dataclass(frozen=True)
class Protocol:
    """How the subjects of a cohort are scanned; the keys of the `phantom` settings.

    scanner: preset of `scanner.SCANNERS`. frames: phases of a cine. rows, columns: matrix in
    pixels; fewer rows than columns give pictures turned right by 90 degrees. spacing_mm: of
    the pixels. slice_distance_mm: of slice centres. thickness_mm: of a slice. slice_count:
    None covers the left ventricle. breath_hold_shift_mm: standard deviation of the heart's
    displacement from slice to slice. variety: how much the scanners of the subjects differ.
    """

    scanner: str
    frames: int
    rows: int
    columns: int
    spacing_mm: float
    slice_distance_mm: float
    thickness_mm: float
    slice_count: int | None = None
    breath_hold_shift_mm: float = 0.0
    variety: float = 0.0


def scanner_of(row: Mapping, protocol: Protocol) -> ScannerSettings:
    """The scanner of a subject's site."""
    rng = generator(row, "site", *anew(row, SCANNER))
    return site_scanner(protocol.scanner, protocol.variety, rng)


def generator(row: Mapping, *what: str) -> np.random.Generator:
    """Random numbers for one purpose, which depend on the subject's seed and the purpose alone."""
    return np.random.default_rng([int(row["seed"]), *(zlib.crc32(w.encode()) for w in what)])


def names_in(cell: object) -> list[str]:
    """The comma separated names in a cell of the subject table; an empty cell may be nan."""
    return [] if pd.isna(cell) else [name for name in str(cell).split(",") if name]


def plan_stack(
    row: Mapping,
    parameters: HeartParameters,
    protocol: Protocol,
    first_series: int,
    folders: list[str] | None = None,
    named: bool = True,
) -> Stack:
    """The intact stack of one row of the subject table, base to apex.

    folders: the slices go there (several in one where there are fewer folders than slices)
    instead of one folder each from sax_<first_series> on. named: whether file names carry a
    file number besides the frame's, as on the Kaggle disks.
    """
    rng = generator(row, "stack", *examination(row))
    # Of the study alone: its stacks are planned on one scout.
    off_centre = generator(row, "off centre", *anew(row, POSITION))
    sides = protocol.rows, protocol.columns
    planes = short_axis_planes(
        parameters,
        rows=max(sides),
        columns=min(sides),
        spacing_mm=protocol.spacing_mm,
        slice_distance_mm=protocol.slice_distance_mm,
        thickness_mm=protocol.thickness_mm,
        count=protocol.slice_count,
        off_centre_mm=tuple((off_centre.normal(0, 1, 2) * OFF_CENTRE_MM).tolist()),
    )
    for what in (POSITION, SLICE_OFFSET):
        if words := anew(row, what):
            own = generator(row, "planes", what, *words)
            planes = replanned(planes, protocol.slice_distance_mm, own, what)
    folders = folders or [f"sax_{first_series + i}" for i in range(len(planes))]
    if len(folders) > len(planes):
        raise ValueError(
            f"subject {row['subject']}: {len(folders)} series for {len(planes)} slices; "
            "name at most as many"
        )
    first_file = int(rng.integers(100, 9000))
    breaths = generator(row, BREATH_HOLDS, *anew(row, BREATH_HOLDS)) if has_scan(row) else rng
    shifts = breaths.normal(0, 1, len(planes)) * protocol.breath_hold_shift_mm
    slices: list[PlannedSlice] = []
    rows: list[tuple[tuple[str, str], str]] = []
    for f, members in enumerate(np.array_split(np.arange(len(planes)), len(folders))):
        if len(members) > 1:
            rows.append((audit.TWO_SLICES, folders[f]))
        for part, i in enumerate(members):
            slices.append(
                PlannedSlice(
                    folder=folders[f],
                    series_number=int(folders[f].split("_")[-1]),
                    plane=planes[i],
                    frames=tuple(range(protocol.frames)),
                    seed=int(rng.integers(2**31)),
                    index=int(i),
                    file_number=first_file + f if named else None,
                    part=part + 1 if len(members) > 1 else None,
                    shift_mm=tuple((shifts[i] * BREATHING_DIRECTION).tolist()),
                )
            )
    stack = Stack(
        subject=str(row["subject"]),
        slices=tuple(slices),
        frames=protocol.frames,
        spacing_mm=protocol.slice_distance_mm,
        free=tuple(range(len(planes))) if not rows else (),
        rows=tuple(rows),
    )
    if protocol.rows < protocol.columns:
        stack = wide_image(stack, rng)
    if max(sides) > LARGEST_SIDE_PX:
        stack = stack.expect(audit.LARGE_IMAGE, "")
    return stack


def acquire_slice(
    parameters: HeartParameters,
    planned: PlannedSlice,
    scanner: ScannerSettings,
    phases: np.ndarray,
) -> tuple[np.ndarray, np.ndarray]:
    """Images (t, rows, columns) in scanner units and truth of the same shape.

    phases: (t,) parts of the RR interval, 0 at end-diastole.
    """
    return acquire(
        parameters,
        planned.plane,
        phases,
        scanner,
        np.random.default_rng(planned.seed),
        shift_mm=planned.shift_mm,
    )


def long_axis_slices(
    parameters: HeartParameters, like: Plane, first_series: int, rng: np.random.Generator
) -> list[PlannedSlice]:
    """A two- and a four-chamber view: planes along the long axis, apex at the top."""
    down = -np.asarray(parameters.long_axis, float)
    to_right_ventricle = np.asarray(parameters.rv_direction, float)
    across = {"4ch": -to_right_ventricle, "2ch": np.cross(down, to_right_ventricle)}
    slices = []
    for number, (view, right) in enumerate(sorted(across.items()), first_series):
        slices.append(
            PlannedSlice(
                folder=f"{view}_{number}",
                series_number=number,
                plane=long_axis_plane(parameters, like, right),
                frames=tuple(range(LONG_AXIS_FRAMES)),
                seed=int(rng.integers(2**31)),
                file_number=number,
                elements={"SeriesDescription": view, "CardiacNumberOfImages": LONG_AXIS_FRAMES},
            )
        )
    return slices


def plan_study(rows: list[Mapping], parameters: HeartParameters, protocol: Protocol) -> list[Stack]:
    """One stack for each row of the subject table that has this study, with its faults.

    A row whose `series` names folders (sax_10) is written there, the other stack of the same
    study elsewhere. Raises ValueError where a fault would add a folder that `series` excludes,
    and where the rows leave out (!sax_10) a stack that none of them has.
    """
    for row in rows:
        if str(row["series"]).startswith("!") and len(rows) == 1:
            raise ValueError(
                f"subject {row['subject']}: series {row['series']} needs the other stack of study "
                f"{row['study']}; keep both rows in one shard"
            )
    named = [s for r in rows for s in names_in(r["series"]) if not r["series"].startswith("!")]
    first = int(generator(rows[0], "series").integers(5, 40))
    if named:
        first += max(int(n.split("_")[-1]) for n in named)
    stacks = []
    for number, row in enumerate(rows):
        own = [] if str(row["series"]).startswith("!") else names_in(row["series"])
        stack = plan_stack(row, parameters, protocol, first + number * SECOND_STACK, own or None)
        stack = apply_faults(stack, names_in(row["faults"]), int(row["seed"]))
        outside = {s.folder for s in stack.slices} - set(own)
        if own and outside:
            raise ValueError(
                f"subject {row['subject']}: its faults write {sorted(outside)}, which series "
                f"{row['series']} excludes; use other faults"
            )
        if row["series"]:
            stack = stack.expect(audit.REPEATED_STACK, "")
        stacks.append(stack)
    return stacks


def write_study(rows: list[Mapping], protocol: Protocol, folder: Path) -> pd.DataFrame:
    """Write one study (all rows of the subject table that share it); returns its manifest."""
    row = rows[0]
    parameters = draw_parameters(row, protocol.frames)
    stacks = plan_study(rows, parameters, protocol)
    path = Path(row["set"]) / row["set"] / str(row["study"]) / "study"
    study, truth = folder / path, folder / "annotations" / "truth" / path
    scanner = scanner_of(row, protocol)
    common = study_elements(row, scanner.field_t, protocol.frames, generator(row, "headers"))
    frame_interval_ms = 60000 / parameters.heart_rate_bpm / protocol.frames
    for stack in stacks:
        for planned in stack.slices:
            images, labels = acquire_slice(
                parameters, planned, scanner, np.arange(protocol.frames) / protocol.frames
            )
            write_slice(study, planned, common, images, frame_interval_ms)
            (truth / planned.folder).mkdir(parents=True, exist_ok=True)
            for frame in planned.frames:
                target = (truth / planned.file(frame)).with_suffix(".png")
                Image.fromarray(labels[frame].astype(np.uint8)).save(target, compress_level=1)
        for name, content in stack.strays:
            (study / name).parent.mkdir(parents=True, exist_ok=True)
            if content is None:
                (study / name).mkdir()
            else:
                (study / name).write_bytes(content)
    phases = np.arange(LONG_AXIS_FRAMES) / LONG_AXIS_FRAMES
    like = stacks[0].slices[0].plane
    for planned in long_axis_slices(parameters, like, 1, generator(row, "long axis")):
        images, _ = acquire_slice(parameters, planned, scanner, phases)
        interval_ms = 60000 / parameters.heart_rate_bpm / LONG_AXIS_FRAMES
        write_slice(study, planned, common, images, interval_ms)
    return pd.concat([s.manifest() for s in stacks], ignore_index=True)


def write_shard(rows: pd.DataFrame, settings: Mapping, folder: Path) -> None:
    """Write the subjects of a shard as a Kaggle tree, with manifest and true label images.

    rows: rows of the subject table (subject, study, series, set, edv_ml, esv_ml, sex, age_y,
    seed, faults, ...). settings: the fields of `Protocol`. Rows of one study are written as
    one study with a stack each. A subject's files do not depend on the other rows. The long
    axis views 2ch_N, 4ch_N have LONG_AXIS_FRAMES frames. Everything is below `folder`:
    <set>/<set>/<study>/study/<series>/*.dcm, annotations/truth/... (8-bit PNG),
    train.csv, validate.csv, solution.csv, manifest.tsv.
    """
    protocol = Protocol(**settings)
    folder.mkdir(parents=True, exist_ok=True)
    manifests = [
        write_study(members.to_dict("records"), protocol, folder)
        for _, members in rows.groupby("study", sort=False)
    ]
    for name, table in truth_tables(rows).items():
        table.to_csv(folder / name, index=False, lineterminator="\n")
    write_table(pd.concat(manifests, ignore_index=True), folder / "manifest.tsv")
