"""Runs that are killed, and machines that have no room: nothing half is left, and it goes on."""

import random
import shutil
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import psutil
import pytest

from tiny_study import CONFIG, OF_A_RUN, Project, copy_project, environment, results_of

# Longest wait behind the start of a job, in seconds: some jobs take less, some more.
LONGEST_S = 2.5
# What dies and when: a job of a rule by itself, or the whole run while it has one.
Kill = tuple[str, str]
CHOSEN: list[Kill] = [
    ("everything", "make_phantom"),
    ("a job", "import_dicom"),
    ("everything", "carry_annotations"),
    ("a job", "make_slices"),
    ("everything", "train_model"),
    ("a job", "label_shard"),
]
COMMAND = (
    *(sys.executable, "-m", "snakemake", "--rerun-incomplete"),
    *("--configfile", CONFIG, "--cores"),
)
# The study that is killed runs on one core, with linear algebra of another processor and another
# order of sets of text: in the end it has to have the bytes of one that had none of this.
OTHERWISE = {"OPENBLAS_CORETYPE": "Prescott", "PYTHONHASHSEED": "1"}


def start(project: Project, log: Path, cores: int) -> subprocess.Popen:
    """Snakemake in the background."""
    with log.open("w") as output:
        return subprocess.Popen(
            [*COMMAND, str(cores)],
            cwd=project.folder,
            env=environment() | {"PYTHONUNBUFFERED": "1"} | OTHERWISE,
            stdout=output,
            stderr=subprocess.STDOUT,
        )


def family(process: subprocess.Popen) -> list[psutil.Process]:
    """A run's process and all that it started; nothing once it is over."""
    try:
        parent = psutil.Process(process.pid)
        return [parent, *parent.children(recursive=True)]
    except psutil.NoSuchProcess:
        return []


def jobs_of(process: subprocess.Popen) -> dict[str, psutil.Process]:
    """Processes that run a job's script, by the name of the script."""
    found = {}
    for member in family(process):
        with suppress(psutil.NoSuchProcess):
            for word in member.cmdline()[1:2]:
                if ".snakemake/scripts/" in word:
                    # A copy of the script: <random>.<name>.py
                    found[word.rsplit(".", 2)[1]] = member
    return found


def kill_all(process: subprocess.Popen) -> None:
    for member in family(process):
        with suppress(psutil.NoSuchProcess):
            member.kill()


def wait_for_a_job(process: subprocess.Popen, rule: str = "") -> None:
    """Until the run has started a job, of a rule or of any, or is over."""
    while process.poll() is None:
        jobs = jobs_of(process)
        if rule in jobs or (jobs and not rule):
            return
        time.sleep(0.02)


def unlock(project: Project) -> None:
    result = subprocess.run(
        [*COMMAND, "1", "--unlock"],
        cwd=project.folder,
        env=environment(),
        capture_output=True,
        text=True,
    )
    assert result.returncode == 0, result.stdout + result.stderr


def files_of(project: Project) -> dict[str, bytes]:
    """Files under their final names that do not differ from run to run."""
    found = {}
    for path in project.results.rglob("*"):
        parts = path.relative_to(project.results).parts
        hidden = any(part.startswith(".") for part in parts)
        if hidden or parts[0] in ("logs", "benchmarks") or path.name in OF_A_RUN:
            continue
        if path.is_file():
            found["/".join(parts)] = path.read_bytes()
    return found


def drawn(number: int) -> list[Kill]:
    """Kills at any job, three of five of the whole run."""
    rng = random.Random(5)
    return [("a job" if rng.random() < 0.4 else "everything", "") for _ in range(number)]


@pytest.fixture(
    scope="module",
    params=[
        pytest.param((CHOSEN, 1), id="six", marks=pytest.mark.long),
        pytest.param((drawn(40), 2), id="forty", marks=pytest.mark.soak),
    ],
)
def killed(request, tiny, tmp_path_factory) -> tuple[Project, list[str]]:
    """A study killed again and again, then run to its end; what was wrong in between."""
    folder = tmp_path_factory.mktemp("killed")
    project, log = copy_project(folder), folder / "run.log"
    whole, rng = files_of(tiny), random.Random(6)
    wrong: list[str] = []
    kills, cores = request.param
    for kill in kills:
        while not hit(start(project, log, cores), project, log, kill, rng.uniform(0, LONGEST_S)):
            # Nothing was left to kill: from the start again.
            shutil.rmtree(project.results)
        wrong += [name for name, content in files_of(project).items() if whole.get(name) != content]
    process = start(project, log, cores)
    assert process.wait(timeout=3600) == 0, log.read_text("utf-8")[-3000:]
    return project, wrong


def hit(process: subprocess.Popen, project: Project, log: Path, kill: Kill, pause_s: float) -> bool:
    """Kill a run, or one of its jobs, some time after a job of a rule has begun.

    False where the run ended well before that.
    """
    victim, rule = kill
    wait_for_a_job(process, rule)
    time.sleep(pause_s)
    if victim == "everything":
        kill_all(process)
    else:
        # It dies by itself, and Snakemake sees it; another one where that of the rule is over.
        wait_for_a_job(process)
        jobs = jobs_of(process)
        for job in [jobs.get(rule) or jobs[min(jobs)]] if jobs else []:
            with suppress(psutil.NoSuchProcess):
                job.kill()
    status = process.wait(timeout=3600)
    if status < 0:
        unlock(project)
    assert status <= 0 or victim == "a job", log.read_text("utf-8")[-3000:]
    return status != 0


def test_no_half_file_is_ever_under_its_final_name(killed):
    _, wrong = killed
    assert wrong == []


def test_killed_on_one_core_with_other_kernels_a_study_ends_with_the_bytes_of_another(killed, tiny):
    first, second = results_of(tiny), results_of(killed[0])
    assert sorted(first) == sorted(second)
    assert [name for name in first if first[name] != second[name]] == []
    kinds = {Path(name).suffix for name in first}
    assert kinds >= {".dcm", ".gz", ".tsv", ".npy", ".safetensors", ".svg", ".png", ".html"}


def test_nothing_temporary_is_left(killed):
    project, _ = killed
    assert [path for path in project.results.rglob(".partial-*") if "logs" not in path.parts] == []


@pytest.mark.long
def test_a_run_behind_a_killed_one_says_how_to_go_on(tmp_path):
    project = copy_project(tmp_path)
    process = start(project, tmp_path / "run.log", 2)
    wait_for_a_job(process)
    kill_all(process)
    process.wait(timeout=1200)
    result = project.snakemake("--cores", "1")
    assert result.returncode != 0
    # Snakemake looks for unfinished files first: a job killed right behind its move into place
    # has left one.
    unfinished = "Incomplete files:" in result.stdout
    assert ("--rerun-incomplete" if unfinished else "--unlock") in result.stdout


# -- no room, no right, no memory ------------------------------------------------------------


@pytest.fixture
def small_disk(tmp_path):
    """A copy of the project whose results lie on a disk of 2 MB."""
    project = copy_project(tmp_path)
    disk = project.folder / "results"
    disk.mkdir()
    mount = ("mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", str(disk))
    if subprocess.run(mount, capture_output=True, check=False).returncode != 0:
        pytest.skip("a small disk can only be mounted by root")
    yield project
    subprocess.run(["umount", "-l", str(disk)], check=True)


def remount(project: Project, options: str) -> None:
    disk = str(project.folder / "results")
    subprocess.run(["mount", "-o", f"remount,{options}", disk], check=True)


@pytest.mark.slow
def test_a_full_disk_is_said_and_the_run_goes_on_when_there_is_room(small_disk, tiny):
    # Its raw files are larger than the disk.
    target = "results/tiny/cohorts/small_kaggle/audit.tsv"
    result = small_disk.snakemake("--cores", "1", target)
    assert result.returncode != 0
    assert "No space left on device" in result.stdout
    whole = files_of(tiny)
    assert {n for n, content in files_of(small_disk).items() if whole[n] != content} == set()
    remount(small_disk, "size=500m")
    result = small_disk.snakemake("--cores", "1", "--rerun-incomplete", target)
    assert result.returncode == 0, result.stdout[-3000:]
    found = files_of(small_disk)
    assert found == {name: whole[name] for name in found}


@pytest.mark.slow
def test_results_that_cannot_be_written_are_said(small_disk):
    remount(small_disk, "size=500m")
    remount(small_disk, "ro")
    result = small_disk.snakemake("--cores", "1", "import_all")
    assert result.returncode != 0
    assert "Read-only file system" in result.stdout


@pytest.mark.slow
def test_a_stage_without_memory_is_said_and_nothing_is_lost(tiny, tmp_path):
    folder = tmp_path / "project"
    shutil.copytree(tiny.folder, folder, symlinks=True)
    project = Project(folder)
    before = files_of(project)
    with (folder / "workflow/cmrseg/measure/overlap.py").open("a") as module:
        module.write("\nHUGE = bytearray(2**40)\n")
    result = project.snakemake("--cores", "1")
    assert result.returncode != 0
    assert "MemoryError" in result.stdout
    after = files_of(project)
    assert {name: before[name] for name in after} == after
    lost = set(before) - set(after)
    assert lost
    assert all(name.startswith("evaluation/") for name in lost)
