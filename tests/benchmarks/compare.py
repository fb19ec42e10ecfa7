"""Runs of ours and of a peer that do the same work, in turn, and the row that they give."""

import json
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
# Environments of peers; each is made once, of peers/<name>.txt.
ENVIRONMENTS = ROOT / ".bench"
PEERS = Path(__file__).parent / "peers"
REPEATS = 5
OURS, PEER, FLOOR = "ours", "peer", "floor"

# Does the work once. Gives the seconds that it took itself, or None to be timed from outside.
Work = Callable[[], float | None]


class PeerMissing(Exception):
    """A peer cannot be had here; the message says why."""


@dataclass(frozen=True)
class Row:
    """A line of the table: medians in seconds, and medians of the ratios of each round.

    ratio: how many times as long the peer takes as we do. gap: how many times as long we take as
    the floor, below which nothing that does this work can come. Empty texts and nan where there
    is none.
    """

    stage: str
    work: str
    ours_s: float
    peer: str = ""
    peer_s: float = float("nan")
    ratio: float = float("nan")
    floor: str = ""
    floor_s: float = float("nan")
    gap: float = float("nan")


def compare(
    stage: str, work: str, runs: Mapping[str, Work], peer: str = "", floor: str = ""
) -> Row:
    """Time `ours`, and where they are given `peer` and `floor`, in turn (see `in_turn`).

    stage, work, peer, floor: what the table calls them.
    """
    seconds = in_turn(runs)
    median = {name: statistics.median(values) for name, values in seconds.items()}
    return Row(
        stage,
        work,
        median[OURS],
        peer if PEER in runs else "",
        median.get(PEER, float("nan")),
        ratio_of(seconds, PEER, OURS),
        floor if FLOOR in runs else "",
        median.get(FLOOR, float("nan")),
        ratio_of(seconds, OURS, FLOOR),
    )


def in_turn(runs: Mapping[str, Work], repeats: int = REPEATS) -> dict[str, list[float]]:
    """Seconds of each run in each round; one round before is not counted.

    A round runs all of them once, and begins with another one each time: what slows the machine
    for a while slows all of them.
    """
    names = list(runs)
    seconds: dict[str, list[float]] = {name: [] for name in names}
    for turn in range(-1, repeats):
        shift = turn % len(names)
        for name in names[shift:] + names[:shift]:
            started = time.perf_counter()
            told = runs[name]()
            taken = time.perf_counter() - started if told is None else told
            if turn >= 0:
                seconds[name].append(taken)
    return seconds


def ratio_of(seconds: Mapping[str, Sequence[float]], above: str, below: str) -> float:
    """Median of the rounds' ratios; nan where one of them did not run."""
    if above not in seconds or below not in seconds:
        return float("nan")
    pairs = zip(seconds[above], seconds[below], strict=True)
    return statistics.median(a / b for a, b in pairs)


def environment(name: str) -> Path:
    """The Python of the environment that peers/<name>.txt describes, which is made if need be.

    Raises PeerMissing with pip's last line where it cannot be made.
    """
    folder, wanted = ENVIRONMENTS / name, PEERS / f"{name}.txt"
    python, made = folder / "bin/python", folder / "made_of.txt"
    if made.exists() and made.read_text("utf-8") == wanted.read_text("utf-8"):
        return python
    subprocess.run([sys.executable, "-m", "venv", "--clear", folder], check=True)
    pip = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "-r", wanted]
    result = subprocess.run(pip, capture_output=True, text=True)
    if result.returncode:
        raise PeerMissing(f"{wanted.name}: {(result.stderr.strip().splitlines() or ['?'])[-1]}")
    made.write_text(wanted.read_text("utf-8"), "utf-8")
    return python


class Worker:
    """A peer that runs in an environment of its own, and does its work once per call.

    script: peers/<script>.py. It prepares itself, then for each line of its input does the work
    and prints a line of JSON with at least `seconds`. Start-up is therefore not measured.
    """

    def __init__(self, python: Path, script: str, *arguments: object) -> None:
        command = [python, PEERS / f"{script}.py", *map(str, arguments)]
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        self.told: dict = {}

    def __call__(self) -> float:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write("\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        if not line:
            raise RuntimeError(f"{self.process.args[1]} ended with {self.process.wait()}")
        self.told = json.loads(line)
        return self.told["seconds"]

    def __enter__(self) -> "Worker":
        return self

    def __exit__(self, *_: object) -> None:
        self.process.kill()
        self.process.wait()
