"""Import of DICOM, beside the published way, dcm2niix, and reading the bytes of each file once.

Seconds are those of the processor, in all rows: each program uses one core, and what else the
machine does counts less. Ours runs in this process and starts anew each time: what it remembers of
headers is forgotten. Its start-up is a row of its own; that of the published way is not counted.
"""

import os
import resource
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import wraps
from pathlib import Path

import numpy as np
import pandas as pd
import pydicom

from cmrseg.cine import Cine
from cmrseg.dicom import headers, plain
from cmrseg.dicom.study import import_shard, import_study, study_folder
from cmrseg.files import write_table
from cmrseg.phantom import kaggle
from compare import ROOT, Row, Work, Worker, compare, environment

PUBLISHED, FLOOR = "the published way", "bytes read, pixels as an array"
# A study of the Kaggle data, but for the heart: frames, rows, columns; and slices.
PROTOCOL = {
    **{"scanner": "1.5T", "frames": 30, "rows": 256, "columns": 192, "spacing_mm": 1.4},
    **{"slice_distance_mm": 10.0, "thickness_mm": 8.0, "variety": 0.35},
}
PERSON = {
    **{"series": "", "set": "train", "edv_ml": 140.0, "esv_ml": 55.0, "disease": "healthy"},
    **{"sex": "F", "age_y": 50, "heart_rate_bpm": 70, "faults": ""},
}
COMPAT = {"mode": "compat", "layout": "kaggle", "max_size_px": 256}
CORRECTED = {**COMPAT, "mode": "corrected"}
# Ours and scikit-image differ by rounding; values are 0 to 1.
SAME = 1e-5


@dataclass(frozen=True)
class Tree:
    """A Kaggle tree below raw, of the studies in rows."""

    raw: Path
    rows: pd.DataFrame

    @property
    def files(self) -> list[Path]:
        return sorted(self.raw.rglob("sax_*/*.dcm"))

    def what(self) -> str:
        data = pydicom.dcmread(self.files[0])
        studies = f"{len(self.rows)} stud{'ies' if len(self.rows) > 1 else 'y'}"
        return f"{studies}, {len(self.files)} files of {data.Rows} x {data.Columns}"


def rows(work: Path) -> Iterator[Row]:
    python = environment("import")
    usual = phantom(work / "usual", studies=2, slices=10)
    yield beside_published(python, work, usual, "Kaggle tree")
    yield beside_published(python, work, phantom(work / "large", 1, 4, 384, 288), "scaled")
    yield from beside_dcm2niix(python, work, usual)
    yield in_memory(usual)
    real = sunnybrook(work / "sunnybrook")
    if real is None:
        print("import: no row of Sunnybrook, set CMRSEG_DATA to its folder", file=sys.stderr)
    else:
        yield beside_published(python, work, real, "Sunnybrook")
    yield start_up()


def beside_published(python: Path, work: Path, tree: Tree, name: str) -> Row:
    """Headers, audit and images of a tree; the images of both have to be the same."""
    ours, theirs = (work / f"{tree.raw.name}_{who}" for who in ("ours", "theirs"))
    theirs.mkdir()
    with Worker(python, "import_published", tree.raw / "train/train", theirs) as peer:
        runs = {"ours": importing(tree, COMPAT, ours), "peer": peer, "floor": reading(tree)}
        row = compare("import", f"{name}: {tree.what()}", runs, PUBLISHED, FLOOR)
    for subject, study in tree.rows[["subject", "study"]].itertuples(index=False):
        mine = Cine.load(ours / "images" / subject / "sa.nii.gz")
        other = Cine.load(theirs / study / "sa.nii.gz")
        assert mine.voxels.shape == other.voxels.shape
        np.testing.assert_allclose(mine.voxels, other.voxels, atol=SAME)
        np.testing.assert_allclose(mine.affine, other.affine, atol=1e-4)
    return row


def beside_dcm2niix(python: Path, work: Path, tree: Tree) -> Iterator[Row]:
    """Images as gzip NIfTI, by its own gzip, as it comes and at its fastest."""
    program, target = python.parent / "dcm2niix", work / "dcm2niix"
    for level in ([], ["-1"]):

        @processor_time
        def convert(options: list[str] = level) -> None:
            shutil.rmtree(target, ignore_errors=True)
            target.mkdir()
            for row in tree.rows.itertuples(index=False):
                folder = study_folder(row, tree.raw, CORRECTED)
                command = [program, "-z", "i", *options, "-b", "n", "-o", target, folder]
                subprocess.run(command, check=True, stdout=subprocess.DEVNULL)

        runs = {"ours": importing(tree, CORRECTED, work / "corrected"), "peer": convert}
        name = " ".join(["dcm2niix -z i", *level])
        yield compare(
            "import", f"Kaggle tree: {tree.what()}", runs | {"floor": reading(tree)}, name, FLOOR
        )


def in_memory(tree: Tree) -> Row:
    """Reading and cleaning alone."""
    runs = {"ours": lambda: clean(tree), "floor": reading(tree)}
    return compare("import", f"in memory, nothing written: {tree.what()}", runs, floor=FLOOR)


def start_up() -> Row:
    """From the start of Python to the first study, beside the packages that this needs."""

    @processor_time
    def loading(what: str) -> None:
        subprocess.run([sys.executable, "-c", f"import {what}"], cwd=ROOT / "workflow", check=True)

    runs = {
        "ours": lambda: loading("stage, cmrseg.dicom.study"),
        "floor": lambda: loading("numpy, pandas, pydicom, nibabel"),
    }
    return compare("import", "start-up of a job", runs, floor="numpy, pandas, pydicom, nibabel")


def processor_time(run: Callable) -> Work:
    """The run, which then gives the processor's seconds, those of programs it calls among them."""

    @wraps(run)
    def timed(*arguments: object) -> float:
        before = spent()
        run(*arguments)
        return spent() - before

    return timed


def spent() -> float:
    called = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.process_time() + called.ru_utime + called.ru_stime


def importing(tree: Tree, settings: dict, target: Path) -> Work:
    """The work of the script `import_dicom`."""

    @processor_time
    def run() -> None:
        forget()
        shutil.rmtree(target, ignore_errors=True)
        audit, table = import_shard(tree.rows, tree.raw, target / "images", settings)
        write_table(audit, target / "audit.tsv")
        write_table(table, target / "headers.tsv.gz")
        assert "subject excluded" not in set(audit["resolution"])

    return run


@processor_time
def clean(tree: Tree) -> None:
    forget()
    for row in tree.rows.itertuples(index=False):
        import_study(study_folder(row, tree.raw, CORRECTED), row.subject, CORRECTED)


def forget() -> None:
    for module in (headers, plain):
        for value in vars(module).values():
            if hasattr(value, "cache_clear"):
                value.cache_clear()


def reading(tree: Tree) -> Work:
    """Each file read once, and its last bytes as pixels."""
    files = tree.files
    data = pydicom.dcmread(files[0])
    size = int(data.Rows) * int(data.Columns)

    @processor_time
    def run() -> None:
        for path in files:
            content = path.read_bytes()
            np.frombuffer(content, "<u2", size, len(content) - 2 * size)

    return run


def phantom(raw: Path, studies: int, slices: int, rows: int = 256, columns: int = 192) -> Tree:
    """Intact studies of the digital heart, without the views that no import reads."""
    names = [str(number) for number in range(1, studies + 1)]
    table = pd.DataFrame(
        [{**PERSON, "subject": name, "study": name, "seed": int(name)} for name in names]
    )
    size = {"rows": rows, "columns": columns, "slice_count": slices}
    kaggle.write_shard(table, {**PROTOCOL, **size}, raw)
    for view in [*raw.rglob("2ch_*"), *raw.rglob("4ch_*")]:
        shutil.rmtree(view)
    return Tree(raw, table)


def sunnybrook(raw: Path) -> Tree | None:
    """A patient of the Sunnybrook data, laid out like a Kaggle tree; None where it is absent."""
    data = Path(os.environ.get("CMRSEG_DATA", ROOT.parent / "shared/data"))
    source = data / "sunnybrook/dicoms/SCD0000101"
    if not source.is_dir():
        return None
    study = raw / "train/train/1/study"
    places: dict[float, list[tuple[float, int, Path]]] = {}
    for path in source.glob("*.dcm"):
        header = pydicom.dcmread(path, stop_before_pixels=True)
        order = float(header.TriggerTime), int(header.InstanceNumber), path
        places.setdefault(float(header.SliceLocation), []).append(order)
    for z, location in enumerate(sorted(places), 1):
        folder = study / f"sax_{z}"
        folder.mkdir(parents=True)
        for t, (_, _, path) in enumerate(sorted(places[location]), 1):
            # A number of 0001 is one that the published way takes for the first frame's.
            shutil.copyfile(path, folder / f"IM-{100 + z:04d}-{t:04d}.dcm")
    row = {"subject": "1", "study": "1", "series": "", "set": "train"}
    return Tree(raw, pd.DataFrame([row]))
