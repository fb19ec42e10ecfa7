"""Runs of Snakemake by a process that imported it once: each is made by a fork of that process.

Importing Snakemake takes as long as planning a small study, and the tests run it some hundred
times. A fork begins where the command would after its imports; nothing of the project is imported
before, and jobs are processes of their own.
"""

import atexit
import gc
import importlib
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

# What Snakemake imports only once it has read its arguments.
LATER = (
    "jsonschema",
    "nbformat",
    "requests",
    "smart_open",
    "snakemake.profiles",
    "snakemake.report.html_reporter",
    "yte",
)


class Forker:
    """The process that forks. It ends with the tests."""

    def __init__(self) -> None:
        self.process = subprocess.Popen(
            [sys.executable, __file__],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            # A thread that does not call fork is not in the child.
            env=os.environ | {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"},
        )
        atexit.register(self.process.communicate)

    def run(
        self, arguments: Sequence[str], folder: Path, variables: Mapping[str, str]
    ) -> subprocess.CompletedProcess:
        """As `subprocess.run` of `snakemake <arguments>`, output and errors joined in `stdout`."""
        with tempfile.NamedTemporaryFile("r", encoding="utf-8") as said:
            asked = [list(arguments), str(folder), dict(variables), said.name]
            self.process.stdin.write(json.dumps(asked) + "\n")
            self.process.stdin.flush()
            answer = self.process.stdout.readline()
            assert answer, f"the forking process ended with {self.process.wait()}"
            return subprocess.CompletedProcess(arguments, int(answer), said.read())


@cache
def forker() -> Forker:
    """That of this process of tests."""
    return Forker()


def serve() -> None:
    """Answer each line of standard input with the exit code of a run."""
    import snakemake.cli

    for name in LATER:
        importlib.import_module(name)
    # Else a child's collector of garbage looks through all of this, and copies its pages.
    gc.freeze()
    for line in sys.stdin:
        child = os.fork()
        if not child:
            be_the_command(snakemake.cli, *json.loads(line))
        code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        print(code, flush=True)


def be_the_command(
    cli: Any, arguments: list[str], folder: str, variables: dict[str, str], said: str
) -> None:
    """In the child: run Snakemake, and exit as it does."""
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    for number in (1, 2):
        os.dup2(os.open(said, os.O_WRONLY | os.O_APPEND), number)
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(variables)
    sys.argv[1:] = arguments
    cli.main()
    sys.exit()


if __name__ == "__main__":
    serve()
