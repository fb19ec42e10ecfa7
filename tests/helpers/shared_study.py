"""A finished study, made once for all processes of tests and for both commands of tests.

It lies in pytest's cache under a hash of all that it is made of, so that an edit makes another.
Whoever asks gets a copy, in which tests may edit.
"""

import fcntl
import hashlib
import importlib.metadata
import shutil
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from tiny_study import FOLDERS, ROOT, Project, copy_project, project_files

# Beside the project's own folders, what a run is made of.
ALSO = (
    *("Snakefile", "resources", "tests/helpers/shared_study.py"),
    *("tests/helpers/tiny_study.py", "tests/helpers/disk_study.py"),
)
# Finished studies that are kept, of the latest edits.
MOST = 3


def shared(store: Path, folder: Path, make: Callable[[Path], None]) -> Project:
    """A copy of the finished study in a new folder.

    store: folder of all processes. make: runs the study in the copy of the project in a folder;
    called where the study is not there yet, by one process while the others wait.
    """
    store.mkdir(parents=True, exist_ok=True)
    place = store / content()
    with locked(store / "lock"):
        if not place.is_dir():
            partial = store / "partial"
            shutil.rmtree(partial, ignore_errors=True)
            make(folder)
            shutil.copytree(folder, partial, symlinks=True)
            partial.rename(place)
            forget(store)
            return Project(folder)
        place.touch()
        # Times of files are kept: by them Snakemake sees what is new.
        shutil.copytree(place, folder, symlinks=True, dirs_exist_ok=True)
    return Project(folder)


def content() -> str:
    """A hash of the project's files that a run reads, of Python and of all packages."""
    packages = sorted(f"{d.name} {d.version}" for d in importlib.metadata.distributions())
    total = hashlib.sha256("\n".join([sys.version, *packages]).encode())
    for name in project_files():
        if name.startswith(tuple(f"{folder}/" for folder in FOLDERS) + ALSO):
            total.update(f"{name}\0".encode() + hashlib.sha256((ROOT / name).read_bytes()).digest())
    return total.hexdigest()[:16]


def forget(store: Path) -> None:
    """Remove all but the studies that were used last."""
    kept = sorted((p for p in store.iterdir() if p.is_dir()), key=lambda p: p.stat().st_mtime)
    for folder in kept[:-MOST]:
        shutil.rmtree(folder)


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """One process at a time; the lock of a process that dies is gone."""
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def finish(folder: Path, cores: int) -> Project:
    """Run the tiny study in a copy of the project."""
    project = copy_project(folder)
    result = project.snakemake("--cores", str(cores))
    assert result.returncode == 0, result.stdout[-5000:]
    return project
