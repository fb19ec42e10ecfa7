"""What the Makefile plans for another Python than that of .venv; nothing is installed."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tiny_study import ROOT


def python(path: Path, version: str) -> Path:
    """A program that says it is a Python of that version."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f'#!/bin/sh\necho "{version}"\n')
    path.chmod(0o755)
    return path


@pytest.fixture
def plan(tmp_path):
    """`make --dry-run app` beside a .venv of Python 3.11.2."""
    for name in ("Makefile", "requirements.txt", "requirements-dev.txt"):
        shutil.copy(ROOT / name, tmp_path / name)
    python(tmp_path / ".venv/bin/python", "3.11.2")
    (tmp_path / ".venv/installed").touch()

    def planned(*words: str, **variables: str) -> str:
        own = {name: value for name, value in os.environ.items() if name != "PYTHON"}
        done = subprocess.run(
            ["make", "--dry-run", "app", *words],
            cwd=tmp_path,
            env=own | variables,
            capture_output=True,
            text=True,
        )
        return done.stdout + done.stderr

    return planned


def test_an_environment_that_is_there_is_used(plan):
    said = plan()
    assert "-m app" in said
    assert "-m venv" not in said


def test_another_python_makes_the_environment_anew(plan, tmp_path):
    other = python(tmp_path / "python3.12", "3.12.4")
    said = plan(f"PYTHON={other}")
    assert ".venv has Python 3.11.2, asked for is 3.12.4: .venv is made anew" in said
    assert f"{other} -m venv --clear .venv" in said


def test_the_same_python_makes_nothing(plan, tmp_path):
    same = python(tmp_path / "python3.11", "3.11.2")
    said = plan(f"PYTHON={same}")
    assert "-m app" in said
    assert "-m venv" not in said


def test_a_python_named_in_the_shell_s_variables_counts_too(plan, tmp_path):
    other = python(tmp_path / "python3.13", "3.13.1")
    assert "asked for is 3.13.1" in plan(PYTHON=str(other))


def test_an_environment_whose_python_is_gone_is_made_anew(plan, tmp_path):
    (tmp_path / ".venv/bin/python").unlink()
    assert ".venv has Python none, asked for is python3: .venv is made anew" in plan()


def test_a_python_that_is_not_there_is_refused_by_name(plan):
    said = plan("PYTHON=python3.0")
    assert "PYTHON is python3.0, which cannot be started: give the name or path" in said
    assert "-m app" not in said


def test_no_program_of_the_environment_is_started_by_its_own_first_line(plan):
    """That line names the folder of the installation, so it breaks where the folder moves."""
    text = (ROOT / "Makefile").read_text("utf-8")
    started = [line for line in text.splitlines() if "$(BIN)/" in line]
    assert started
    assert [line for line in started if "$(BIN)/python" not in line] == []
