"""The tiny study on a real Slurm cluster: where its jobs run, and what it survives.

One run goes through all of it: Ctrl-C, a node that dies, a training over its time. Its results are
those of a run on this machine.
"""

import hashlib
import os
import shutil
import signal
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pytest
import yaml
from test_profile import GPU_BLOCK, LOCAL, PATH, SET, asked, stated

from loopback import served
from slurm_cluster import Cluster, Run, script_of_job, start_run
from tiny_study import FIGURES, Project, copy_project, results_of

PROFILE = PATH.relative_to(PATH.parents[3])
# Short jobs that are submitted together, as docs/cluster.md tells: fewer waits.
GROUPS = {
    "make_phantom": "import",
    "import_dicom": "import",
    "import_nifti": "import",
    "import_ukbb": "import",
    "carry_annotations": "import",
    "evaluate_labels": "evaluate",
    "evaluate_volumes": "evaluate",
    "draw_figure": "figures",
}
TOGETHER = {"evaluate": 4, "figures": 4}
GROUPED = (
    *("--groups", *(f"{rule}={group}" for rule, group in GROUPS.items())),
    *("--group-components", *(f"{group}={number}" for group, number in TOGETHER.items())),
)
# The training that is held up until its time is over; no other job waits for it for long.
HELD = "plain_all"
STATE = f"models/{HELD}/.state/state.safetensors"


@dataclass(frozen=True)
class Refusal:
    """A run in which the job of one cohort fails at every attempt."""

    text: str
    failing: list[dict[str, str]]
    others: list[dict[str, str]]


@dataclass(frozen=True)
class Story:
    """What was seen of the run that goes through everything.

    moved: numbers of the jobs on the node that died. held: number of the job over its time.
    """

    project: Project
    jobs: dict[str, dict[str, str]]
    text: str
    interrupted: dict[str, object]
    moved: list[str]
    held: str


@pytest.fixture(scope="module")
def refusing(cluster, tiny, tmp_path_factory) -> Run:
    """A run of which one cohort lost too many subjects; it goes on while others do."""
    copy = Project(tmp_path_factory.mktemp("refused") / "copy")
    shutil.copytree(tiny.folder, copy.folder, symlinks=True)
    return start_run(cluster, copy, "run", "import_all", "--config", "max_failed_fraction=0.1")


@pytest.fixture(scope="module")
def story(cluster, refusing, tmp_path_factory) -> Story:
    project = copy_project(tmp_path_factory.mktemp("cluster"))
    give_trainings_two_minutes(project.folder / PROFILE)
    interrupted = run_until_interrupted(cluster, project)
    run = start_run(cluster, project, "second", *GROUPED)
    moved = run.until("jobs on cpu1", lambda: cluster.running(project, "import", "cpu1"), 1200)
    cluster.tell("fail", "cpu1")
    run.until("its jobs in the queue again", lambda: restarted(cluster, project, moved), 1200)
    cluster.tell("restore", "cpu1")
    held = hold_training(run)
    assert run.finish(3600) == 0, run.text[-5000:]
    return Story(
        project=project,
        jobs=cluster.jobs(project),
        text=run.text,
        interrupted=interrupted,
        moved=moved,
        held=held,
    )


def give_trainings_two_minutes(profile: Path) -> None:
    text = profile.read_text("utf-8")
    day = f"    runtime: {stated('train_model', 'runtime')}\n"
    assert text.count(day) == 1
    profile.write_text(text.replace(day, "    runtime: 2\n"), "utf-8")


def run_until_interrupted(cluster: Cluster, project: Project) -> dict[str, object]:
    """What a run that is ended by Ctrl-C leaves."""
    run = start_run(cluster, project, "first")
    run.until("a running job", lambda: cluster.running(project, "make_phantom"), 1200)
    run.interrupt()
    status = run.finish(3600)
    return {
        "status": status,
        "quiet": cluster.quiet(project, 600),
        "states": {job["JobState"] for job in cluster.jobs(project).values()},
        "locks": list(project.folder.glob(".snakemake/locks/*")),
    }


def restarted(cluster: Cluster, project: Project, numbers: list[str]) -> bool:
    jobs = cluster.jobs(project)
    return all(jobs[number]["Restarts"] == "1" for number in numbers)


def hold_training(run: Run) -> str:
    """Stop a training for good after an epoch, as a slow machine would; gives its job's number."""

    def of_model() -> list[str]:
        # Asked first: a job that starts in between is then among those of the second answer.
        running = run.cluster.running(run.project, "train_model")
        jobs = run.cluster.jobs(run.project)
        return [number for number in running if jobs[number]["wildcards"].endswith(f"_{HELD}")]

    number = run.until("the training", of_model, 1200)[0]
    script = partial(script_of_job, number, "train_model.py")
    process = run.until("its script", script, 1200, step=0.1)
    run.until("its first epoch", (run.project.results / STATE).exists, 1200, step=0.001)
    os.kill(process, signal.SIGSTOP)
    return number


def of_rule(jobs: dict[str, dict[str, str]], rule: str) -> list[dict[str, str]]:
    return [job for job in jobs.values() if job["rule"] == rule]


def log_of(project: Project, name: str) -> str:
    return (project.results / "logs" / name).read_text("utf-8")


# -- where jobs run --------------------------------------------------------------------------


def test_rules_with_a_gpu_land_in_its_partition_and_others_never_do(story):
    assert {job["rule"] for job in story.jobs.values()} >= {"make_phantom", "import", *GPU_BLOCK}
    for job in story.jobs.values():
        on_gpu = job["rule"] in GPU_BLOCK
        assert job["Partition"] == ("gpu" if on_gpu else "cpu"), job["rule"]
        assert ("gpu" in job.get("TresPerJob", "")) == on_gpu, job["rule"]
        assert job["NodeList"].startswith(job["Partition"]) or job["JobState"] == "CANCELLED"


def test_jobs_ask_for_the_memory_and_time_of_the_profile(story):
    for rule, time in {"make_phantom": "00:30:00", "make_slices": "02:00:00"}.items():
        job = of_rule(story.jobs, rule)[0]
        assert job["MinMemoryNode"] == f"{stated(rule, 'mem_mb')}M"
        assert job["TimeLimit"] == time


def test_what_only_names_targets_is_not_submitted(story):
    assert {job["rule"] for job in story.jobs.values()} <= set(SET) | set(GROUPS.values())


def test_grouped_jobs_are_submitted_together(story):
    # A job for each of the four shards; the figures by fours, where all are nine.
    drawn = [name for name, entry in FIGURES.items() if entry["figure"] != "viewer"]
    assert len(drawn) == 9
    assert len(of_rule(story.jobs, "import")) == 4
    assert len(of_rule(story.jobs, "figures")) == 3


# -- what a run survives ---------------------------------------------------------------------


def test_the_results_are_those_of_a_run_on_this_machine_byte_by_byte(story, tiny):
    here, there = results_of(tiny), results_of(story.project)
    assert sorted(here) == sorted(there)
    assert [name for name in here if here[name] != there[name]] == []


def test_ctrl_c_cancels_the_jobs_and_leaves_no_lock(story):
    assert story.interrupted["status"] != 0
    assert story.interrupted["quiet"], "jobs are still in the queue"
    assert "CANCELLED" in story.interrupted["states"]
    assert story.interrupted["states"] <= {"CANCELLED", "COMPLETED"}
    assert story.interrupted["locks"] == []


def test_jobs_of_a_node_that_died_ran_again_elsewhere_and_lost_nothing(story):
    assert story.moved
    for number in story.moved:
        assert story.jobs[number]["JobState"] == "COMPLETED"
        assert story.jobs[number]["Restarts"] == "1"
        # It is the same job to Snakemake: no attempt is counted, no more memory is asked for.
        assert f"jobid {number}" in story.text
        assert f"SLURM-job '{number}' failed" not in story.text


def test_a_job_over_its_time_ends_as_such(story):
    assert story.jobs[story.held]["JobState"] == "TIMEOUT"
    assert f"SLURM-job '{story.held}' failed, SLURM status is: 'TIMEOUT'" in story.text


def test_the_next_attempt_of_a_training_goes_on_after_its_last_epoch(story):
    attempts = [
        job for job in of_rule(story.jobs, "train_model") if job["wildcards"].endswith(f"_{HELD}")
    ]
    assert [job["JobState"] for job in attempts][-2:] == ["TIMEOUT", "COMPLETED"]
    memory = [asked("train_model", "mem_mb", attempt) for attempt in (1, 2)]
    assert [job["MinMemoryNode"] for job in attempts][-2:] == [f"{mb}M" for mb in memory]
    assert "going on after" in log_of(story.project, f"train_model/{HELD}.log")
    # What it needed to go on is gone once the weights are there.
    assert not (story.project.results / STATE).parent.exists()


def test_a_finished_study_has_nothing_to_be_done_without_the_cluster(story):
    result = story.project.snakemake("--dry-run")
    assert "Nothing to be done" in result.stdout


# -- what fails ------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def refusal(refusing) -> Refusal:
    assert refusing.finish(3600) != 0
    jobs = refusing.cluster.jobs(refusing.project).values()
    return Refusal(
        text=refusing.text,
        failing=[job for job in jobs if job["wildcards"].endswith("small_kaggle")],
        others=[job for job in jobs if not job["wildcards"].endswith("small_kaggle")],
    )


def test_a_failing_job_is_tried_again_with_more_memory_and_time(refusal):
    assert [job["JobState"] for job in refusal.failing] == ["FAILED"] * 3
    assert {job["rule"] for job in refusal.failing} == {"check_losses"}
    # A new limit runs no check again that still passes.
    assert refusal.others == []
    memory = [asked("check_losses", "mem_mb", attempt) for attempt in (1, 2, 3)]
    assert [job["MinMemoryNode"] for job in refusal.failing] == [f"{mb}M" for mb in memory]
    assert [job["TimeLimit"] for job in refusal.failing] == ["00:10:00", "00:20:00", "00:30:00"]


def test_a_failing_job_is_reported_with_its_log(refusal):
    log = "results/tiny/logs/check_losses/small_kaggle.log"
    assert log in refusal.text
    # The sentence of the log itself, and Slurm's own log, which stays.
    assert "cohort small_kaggle: 1 of 6 subjects could not be imported" in refusal.text
    for job in refusal.failing:
        assert Path(job["StdOut"]).is_file()
        assert Path(job["StdOut"]).name in refusal.text


# -- what is not submitted -------------------------------------------------------------------


def test_fetching_is_done_by_the_machine_that_runs_snakemake(cluster, tmp_path, monkeypatch):
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    project = copy_project(tmp_path / "copy")
    content = b"a network's weights"
    with served() as site:
        site.files = {"/weights.bin": content}
        sources = project.folder / "resources/sources.yaml"
        entry = {"here": {"kind": "files", "url": site.url + "/{path}"}}
        sources.write_text(sources.read_text("utf-8") + yaml.safe_dump(entry), "utf-8")
        checksums = project.folder / "resources/checksums.tsv"
        header = checksums.read_text("utf-8").split("\n")[0].split("\t")
        row = {
            "source": "here",
            "path": "weights.bin",
            "size": str(len(content)),
            "sha256": hashlib.sha256(content).hexdigest(),
        }
        with checksums.open("a", encoding="utf-8") as file:
            file.write("\t".join(row.get(name, "") for name in header) + "\n")
        run = start_run(cluster, project, "run", "resources/raw/here")
        assert run.finish(3600) == 0, run.text[-5000:]
    assert {"fetch_source", "tidy"} == LOCAL
    assert (project.folder / "resources/raw/here/weights.bin").read_bytes() == content
    assert cluster.jobs(project) == {}
