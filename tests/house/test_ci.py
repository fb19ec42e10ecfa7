"""`.ci/run` says how long each part took, and stops at the first that fails."""

import os
import re
import subprocess

import pytest

from tiny_study import ROOT

PARTS = ["make lint", "programs for tests", "make test", "make demo", "the demo again, planned"]
PARTS.append("make test-more")


@pytest.fixture
def run(tmp_path):
    """Runs a copy with a `make` that fails at one target, and gives what it said."""
    programs = {
        ".ci/run": (ROOT / ".ci/run").read_text("utf-8"),
        # Nobody who may install programs.
        "bin/id": "#!/bin/sh\necho 1000\n",
    }

    def start(failing: str, plan: str = "Nothing to be done") -> subprocess.CompletedProcess:
        made = {
            "bin/make": f'#!/bin/sh\n[ "$1" != "{failing}" ]\n',
            ".venv/bin/snakemake": f"#!/bin/sh\necho '{plan}'\n",
        }
        for name, text in (programs | made).items():
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / name).write_text(text)
            (tmp_path / name).chmod(0o755)
        path = f"{tmp_path / 'bin'}{os.pathsep}{os.environ['PATH']}"
        return subprocess.run(
            [tmp_path / ".ci/run"],
            env=os.environ | {"PATH": path},
            capture_output=True,
            text=True,
        )

    return start


def told(text: str) -> list[str]:
    return re.findall(r"^ *\d+ s  (.+)$", text, re.M)


def test_seconds_of_all_parts_are_told_at_the_end(run):
    result = run("nothing")
    assert result.returncode == 0, result.stderr
    assert told(result.stdout) == [*PARTS, "in all"]


@pytest.mark.parametrize("number", [0, 2, 3, 5])
def test_the_first_part_that_fails_is_the_last_one_and_told(run, number):
    result = run(PARTS[number].removeprefix("make "))
    assert result.returncode != 0
    assert told(result.stdout) == [*PARTS[:number], f"{PARTS[number]} (failed)", "in all"]


def test_a_demo_with_something_left_to_do_is_a_fault(run):
    result = run("nothing", plan="rule draw_figure:")
    assert result.returncode != 0
    assert told(result.stdout) == [*PARTS[:4], f"{PARTS[4]} (failed)", "in all"]
