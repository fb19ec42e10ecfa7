"""A real Slurm cluster on this machine for tests, and runs of Snakemake on it."""

import importlib.util
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from tiny_study import CONFIG, ROOT, Project, environment

T = TypeVar("T")

SCRIPT = ROOT / "tests/helpers/slurm/slurm-local"
PROGRAMS = ("munged", "slurmctld", "slurmd", "sbatch", "squeue", "scontrol")
PACKAGES = "munge slurmctld slurmd slurm-client"
# What every run on the cluster of the tests has beside the profile: there is no accounting, and
# jobs of seconds are asked for sooner.
OPTIONS = (
    *("--workflow-profile", "workflow/profiles/slurm"),
    *("--slurm-status-command", "squeue"),
    *("--slurm-init-seconds-before-status-checks", "3"),
)


def why_not() -> str:
    """What keeps a cluster from being started here, "" for nothing."""
    path = os.environ["PATH"] + ":/usr/sbin:/sbin"
    if sys.platform != "linux" or os.geteuid() != 0:
        return "a Slurm cluster of one's own needs Linux and root"
    if any(shutil.which(program, path=path) is None for program in PROGRAMS):
        return f"no Slurm here ({PACKAGES}); as root: tests/helpers/slurm/slurm-local install"
    if importlib.util.find_spec("snakemake_executor_plugin_slurm") is None:
        return "snakemake-executor-plugin-slurm is not installed"
    if Path("/etc/slurm/slurm.conf").exists():
        return "this machine is part of a Slurm cluster"
    if Path("/dev/nvidia0").exists():
        return "the cluster's GPUs are made up; jobs would compute on the real one of this machine"
    return ""


def free_port() -> int:
    """The first of ten ports that nobody uses, for each process of the tests in its own range."""
    first = 16817 + 1000 * int(os.environ.get("PYTEST_XDIST_WORKER", "gw0")[2:])
    for port in range(first, first + 1000, 10):
        try:
            for number in range(port, port + 10):
                with socket.socket() as probe:
                    probe.bind(("127.0.0.1", number))
        except OSError:
            continue
        return port
    raise OSError(f"no ten free ports in a row from {first} to {first + 999}")


@dataclass
class Cluster:
    """Partition `cpu` with nodes cpu1 and cpu2, partition `gpu` with node gpu1 and four GPUs.

    folder: its configuration, state and logs. seen: the last state of every job in which it was
    seen, by its number; a job in the queue again keeps its number. runs: those that were started.
    """

    folder: Path
    seen: dict[str, dict[str, str]] = field(default_factory=dict)
    runs: "list[Run]" = field(default_factory=list)
    variables: dict[str, str] = field(init=False)

    def __post_init__(self):
        self.variables = {
            "SLURM_LOCAL_DIR": str(self.folder),
            "SLURM_LOCAL_PORT": str(free_port()),
            # Nodes claim what they do not have: all attempts find a place.
            "SLURM_LOCAL_MEM_MB": "64000",
            "SLURM_LOCAL_CPUS": "8",
            "SLURM_LOCAL_GPUS": "4",
            "SLURM_CONF": str(self.folder / "etc/slurm.conf"),
        }

    def tell(self, *arguments: str) -> None:
        """A command to slurm-local."""
        done = subprocess.run(
            [SCRIPT, *arguments],
            env=os.environ | self.variables,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
            text=True,
            check=False,
        )
        assert done.returncode == 0, f"slurm-local {arguments[0]}: {done.stdout}"

    def down(self) -> None:
        """End what was started and is still there; logs stay."""
        for run in self.runs:
            run.process.kill()
            run.process.wait()
        self.tell("down")
        # Without cgroups Slurm loses a job's processes whose parent ended before them.
        folders = [run.project.folder for run in self.runs]
        for entry in Path("/proc").glob("[0-9]*"):
            try:
                if any(entry.joinpath("cwd").readlink().is_relative_to(f) for f in folders):
                    os.kill(int(entry.name), signal.SIGKILL)
            except OSError:  # it has ended, or has no folder
                continue

    def jobs(self, project: Project) -> dict[str, dict[str, str]]:
        """Jobs that were ever seen of the runs in a project's folder, by number, oldest first.

        Each has Slurm's fields (`scontrol show job`) and those of `named`.
        """
        shown = subprocess.run(
            ["scontrol", "show", "job", "-o"],
            env=os.environ | self.variables,
            capture_output=True,
            text=True,
            check=False,
        ).stdout
        for line in shown.splitlines():
            about = dict(re.findall(r"(\S+?)=(\S*)", line))
            if "JobId" in about:
                self.seen[about["JobId"]] = about | named(about["Comment"])
        mine = {n: job for n, job in self.seen.items() if job["WorkDir"] == str(project.folder)}
        return dict(sorted(mine.items(), key=lambda item: int(item[0])))

    def quiet(self, project: Project, seconds: float) -> bool:
        """Whether none of a project's jobs is left in the queue after some time at most."""
        limit = time.monotonic() + seconds
        ended = ("CANCELLED", "COMPLETED", "FAILED", "TIMEOUT", "NODE_FAIL")
        while any(job["JobState"] not in ended for job in self.jobs(project).values()):
            if time.monotonic() > limit:
                return False
            time.sleep(0.5)
        return True

    def running(self, project: Project, rule: str, node: str = "") -> list[str]:
        """Numbers of the running jobs of a rule, on a node if one is given."""
        return [
            number
            for number, job in self.jobs(project).items()
            if job["rule"] == rule and job["JobState"] == "RUNNING" and node in job["NodeList"]
        ]


def named(comment: str) -> dict[str, str]:
    """Rule, or group of rules, and wildcards in a job's comment.

    That is rule_<rule>_wildcards_<values, joined by _> or rule_<group>_<its rules, joined by _>.
    """
    name, _, wildcards = comment.removeprefix("rule_").partition("_wildcards_")
    return {"rule": name if wildcards else name.split("_")[0], "wildcards": wildcards}


@dataclass
class Run:
    """Snakemake on the cluster, going on."""

    cluster: Cluster
    project: Project
    process: subprocess.Popen
    log: Path

    @property
    def text(self) -> str:
        """Output and errors so far."""
        return self.log.read_text("utf-8", errors="replace")

    def until(self, what: str, condition: Callable[[], T], seconds: float, step=0.5) -> T:
        """Wait for what is true, and give it; the run must not end before."""
        limit = time.monotonic() + seconds
        while not (met := condition()):
            assert self.process.poll() is None, f"ended before {what}: {self.text[-5000:]}"
            assert time.monotonic() < limit, f"waited {seconds} s for {what}: {self.text[-5000:]}"
            time.sleep(step)
        return met

    def finish(self, seconds: float) -> int:
        """Wait for the end and give its exit status."""
        limit = time.monotonic() + seconds
        while self.process.poll() is None:
            self.cluster.jobs(self.project)
            assert time.monotonic() < limit, f"did not end in {seconds} s: {self.text[-5000:]}"
            time.sleep(1)
        self.cluster.jobs(self.project)
        return self.process.returncode

    def interrupt(self) -> None:
        """As Ctrl-C does."""
        self.process.send_signal(signal.SIGINT)


def start_run(
    cluster: Cluster,
    project: Project,
    name: str,
    *arguments: str,
    config: str = CONFIG,
    python: str | Path = sys.executable,
    variables: Mapping[str, str] | None = None,
) -> Run:
    """Start Snakemake on the cluster; `name` is that of its log in the project's folder.

    config: file of the study, "" for the default one. python: that runs Snakemake. variables: of
    the environment, instead of those of other runs.
    """
    log = project.folder / f"{name}.log"
    study = ["--configfile", config] if config else []
    with log.open("w") as file:
        process = subprocess.Popen(
            [python, "-m", "snakemake", *OPTIONS, *arguments, *study],
            cwd=project.folder,
            env=dict(variables or environment()) | cluster.variables,
            stdout=file,
            stderr=subprocess.STDOUT,
            # A shell's background commands ignore Ctrl-C, and so would what they start.
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
        )
    cluster.runs.append(Run(cluster, project, process, log))
    return cluster.runs[-1]


def script_of_job(number: str, script: str) -> int | None:
    """Process that runs a script in a Slurm job, if it is there yet."""
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            command = (entry / "cmdline").read_bytes().split(b"\0")
            variables = (entry / "environ").read_bytes().split(b"\0")
        except OSError:  # it has ended
            continue
        if (
            any(part.endswith(f".{script}".encode()) for part in command[:3])
            and f"SLURM_JOB_ID={number}".encode() in variables
        ):
            return int(entry.name)
    return None
