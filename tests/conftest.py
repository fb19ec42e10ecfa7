"""Builders and data that several test modules share."""

import one_thread  # noqa: F401

# isort: split
import json
import os
import random
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, settings

from disk_study import measure
from own_conda import ENVS, Conda, install, require
from shared_study import finish, shared
from slurm_cluster import Cluster, why_not
from study.code import code_of
from tiny_study import Project, copy_project

ROOT = Path(__file__).resolve().parents[1]

# No verdict by chance or by the clock: property tests draw the same examples every time. `make
# soak` draws others, and says their seed.
UNTIMED = settings(
    database=None, deadline=None, print_blob=True, suppress_health_check=[HealthCheck.too_slow]
)
settings.register_profile("repeatable", UNTIMED, derandomize=True)
settings.register_profile("soak", UNTIMED, derandomize=False)
settings.load_profile("repeatable")


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup():
    """New layers of a network draw from PyTorch's own generator: the same ones in every test."""
    random.seed(0)
    np.random.seed(0)  # noqa: NPY002
    if "torch" in sys.modules:
        sys.modules["torch"].manual_seed(0)


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
def tiny(tmp_path_factory, pytestconfig) -> Project:
    """A copy of the project in which the tiny study was run on two cores, by whichever process."""
    store = pytestconfig.cache.mkdir("tiny_study")
    return shared(store, tmp_path_factory.mktemp("tiny"), lambda folder: finish(folder, cores=2))


@pytest.fixture(scope="session")
def disk_measured(tmp_path_factory, pytestconfig) -> Project:
    """A copy of the project in which the study of files on disk was measured, by whichever process.

    Tests that edit take a copy of their own.
    """
    store = pytestconfig.cache.mkdir("disk_study")
    return Project(shared(store, tmp_path_factory.mktemp("disk"), measure).folder, "disk")


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


@pytest.fixture(scope="session")
def demo() -> Path:
    """Results of the demo study; tests that need it are skipped where it is not there."""
    results = ROOT / "results" / "demo"
    if not (results / "report.html").exists():
        pytest.skip("the demo study is not there or not finished; run `make demo`")
    trained_by = json.loads((results / "models" / "base" / "record.json").read_text())["code"]
    if trained_by != code_of("train_model.py"):
        pytest.skip("the demo study was made by other code; run `make demo`")
    return results


@pytest.fixture(scope="session")
def conda(request) -> Iterator[Conda]:
    """A conda of our own. It is large, and gone at the end.

    Its channel has what the chosen tests make: all environments in `make soak`, else one.
    """
    require()
    soak = any(item.get_closest_marker("soak") for item in request.session.items)
    envs = ENVS if soak else [env for env in ENVS if env.name == "imaging.yaml"]
    # A short path: the first line of a program cannot hold a long one.
    with tempfile.TemporaryDirectory(prefix="conda-") as folder:
        yield install(Path(folder), envs)


@pytest.hookimpl(wrapper=True)
def pytest_collection_modifyitems(items):
    """Marks of tests by what they use, and the order in which processes take the chosen ones."""
    for item in items:
        names = set(getattr(item, "fixturenames", ()))
        # Whatever looks at a finished run takes the time of the run.
        if {"tiny", "cluster"} & names:
            item.add_marker("slow")
        if "cluster" in names:
            item.add_marker("slurm")
        if "conda" in names:
            item.add_marker("conda")
        if "demo" in names:
            item.add_marker("demo")
    result = yield
    # One process makes the tiny study, and the others begin with what does not wait for it.
    users = list(dict.fromkeys(i.path for i in items if "tiny" in getattr(i, "fixturenames", ())))
    items.sort(key=lambda item: 0 if item.path in users[:1] else 1 + (item.path in users))
    # What takes longest begins first, so that no process is left with it at the end.
    for marks in ({"slow"}, {"long", "conda"}, {"slurm"}):
        costly = {i.path for i in items if marks & {mark.name for mark in i.iter_markers()}}
        items.sort(key=lambda item: item.path not in costly)
    return result
