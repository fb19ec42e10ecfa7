"""Builders and data that several test modules share."""

import os
from pathlib import Path

import pytest

from tiny_study import Project, copy_project

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="session")
def data() -> Path:
    """The folder of real data; tests that need it are skipped where it is absent."""
    folder = Path(os.environ.get("CMRSEG_DATA", ROOT.parent / "shared" / "data"))
    if not folder.is_dir():
        pytest.skip(f"no real data at {folder}; set CMRSEG_DATA to its folder")
    return folder


@pytest.fixture(scope="session")
def project(tmp_path_factory) -> Project:
    """A copy of the project with the tiny study, in which nothing was run."""
    return copy_project(tmp_path_factory.mktemp("project"))


@pytest.fixture(scope="session")
def tiny(tmp_path_factory) -> Project:
    """A copy of the project in which the tiny study was run on two cores."""
    return finished(tmp_path_factory.mktemp("tiny"), cores=2)


@pytest.fixture(scope="session")
def tiny_again(tmp_path_factory) -> Project:
    """Another copy: one core, and the linear algebra kernels of another processor."""
    return finished(tmp_path_factory.mktemp("again"), 1, OPENBLAS_CORETYPE="Prescott")


def finished(folder: Path, cores: int, **variables: str) -> Project:
    project = copy_project(folder)
    result = project.snakemake("--cores", str(cores), variables=variables)
    assert result.returncode == 0, result.stdout[-5000:]
    return project


def pytest_collection_modifyitems(items):
    """Whatever looks at a finished run takes the time of the run."""
    for item in items:
        if {"tiny", "tiny_again"} & set(getattr(item, "fixturenames", ())):
            item.add_marker("slow")
