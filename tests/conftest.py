"""Builders and data that several test modules share."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from slurm_cluster import Cluster, why_not
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


@pytest.fixture(scope="session")
def cluster(tmp_path_factory) -> Iterator[Cluster]:
    """A Slurm cluster of two partitions; tests that need it are skipped where it cannot be."""
    reason = why_not()
    if reason:
        pytest.skip(reason)
    cluster = Cluster(tmp_path_factory.mktemp("slurm"))
    try:
        cluster.tell("up")
        yield cluster
    finally:
        cluster.down()


def finished(folder: Path, cores: int, **variables: str) -> Project:
    project = copy_project(folder)
    result = project.snakemake("--cores", str(cores), variables=variables)
    assert result.returncode == 0, result.stdout[-5000:]
    return project


def pytest_collection_modifyitems(items):
    """Whatever looks at a finished run takes the time of the run."""
    for item in items:
        names = set(getattr(item, "fixturenames", ()))
        if {"tiny", "tiny_again", "cluster"} & names:
            item.add_marker("slow")
        if "cluster" in names:
            item.add_marker("slurm")
