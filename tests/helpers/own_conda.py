"""A conda of the tests' own, and a channel that has what the environment files ask for.

Both are made of wheels, so that `--use-conda` is seen to work where no channel can be reached.
"""

import importlib.metadata
import json
import os
import platform
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from tiny_study import CONFIG, ROOT, Project, environment

TOOLS = ROOT / "tests/helpers/conda"
ENVS = sorted((ROOT / "envs").glob("*.yaml"))
# What Snakemake needs to read the study and to submit jobs; all else has to be in an environment.
HOST = ("snakemake", "pandas", "snakemake-executor-plugin-slurm")
# At the end of a script: where its Python and its modules are.
WITNESS = """

import atexit
import json
import os
from pathlib import Path


def _bear_witness():
    files = {name: getattr(module, "__file__", None) for name, module in sys.modules.items()}
    rule = sys.modules["__main__"].snakemake.rule
    Path("witness").mkdir(exist_ok=True)
    text = json.dumps({"rule": rule, "prefix": sys.prefix, "modules": files})
    Path(f"witness/{rule}.{os.getpid()}.json").write_text(text)


atexit.register(_bear_witness)
"""


@dataclass(frozen=True)
class Conda:
    """An installed conda, its channel, and a Python that has Snakemake and little else."""

    folder: Path

    @property
    def base(self) -> Path:
        return self.folder / "base"

    @property
    def channels(self) -> Path:
        return self.folder / "channels"

    @property
    def prefix(self) -> Path:
        return self.folder / "envs"

    @property
    def python(self) -> Path:
        """That of Snakemake."""
        return self.folder / "host/bin/python"

    @property
    def options(self) -> list[str]:
        """What Snakemake is told of this conda."""
        return ["--use-conda", "--conda-prefix", str(self.prefix)]

    def variables(self) -> dict[str, str]:
        """For a run: this conda is found first, and nobody's settings are."""
        path = f"{self.base / 'condabin'}{os.pathsep}{os.environ['PATH']}"
        return environment() | {"PATH": path, "HOME": str(self.folder / "home")}

    def snakemake(
        self, project: Project, *arguments: str, config: str = CONFIG
    ) -> subprocess.CompletedProcess:
        """Run Snakemake with conda; output and errors are joined in `stdout`."""
        command = [self.python, "-m", "snakemake", *arguments, "--cores", "2"]
        study = ["--configfile", config] if config else []
        return subprocess.run(
            [*command, *self.options, *study],
            cwd=project.folder,
            env=self.variables(),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )

    def place(self, env: Path) -> Path:
        """Folder of the environment that was made of a file."""
        copies = [p for p in self.prefix.glob("*.yaml") if p.read_bytes() == env.read_bytes()]
        assert len(copies) == 1, f"{env.name} was made {len(copies)} times"
        return copies[0].with_suffix("")


def bear_witness(project: Project) -> None:
    """Let every script of a copy write down where it ran; see `witnesses`."""
    with (project.folder / "workflow/stage.py").open("a") as file:
        file.write(WITNESS)


def witnesses(project: Project) -> list[dict]:
    """What the scripts wrote down: rule, prefix of the Python, files of the modules by name."""
    return [json.loads(p.read_text()) for p in sorted((project.folder / "witness").glob("*.json"))]


def require() -> None:
    """Skip where a conda cannot be made."""
    if platform.system() != "Linux" or platform.machine() != "x86_64":
        pytest.skip("the channel for conda can be made on Linux on x86-64 alone")
    if sys.version_info[:2] != (3, 11):
        pytest.skip("the environments ask for Python 3.11, which the channel is made of")


def install(folder: Path) -> Conda:
    """Make a conda, the channel and the Python of Snakemake in a folder; about 90 s.

    Skips where wheels cannot be downloaded.
    """
    conda = Conda(folder)
    (folder / "home").mkdir()
    probe = [sys.executable, "-m", "pip", "download", "-q", "--no-deps", "-d", folder / "probe"]
    tried = subprocess.run([*probe, "conda-lock==4.0.3"], capture_output=True, text=True)
    if tried.returncode:
        pytest.skip(f"wheels cannot be downloaded: {tried.stderr.strip().splitlines()[-1:]}")
    (folder / "pins.txt").write_text(constraints(), "utf-8")
    pinned = os.environ | {"PIP_CONSTRAINT": str(folder / "pins.txt")}
    host = folder / "host"
    run([TOOLS / "bootstrap-conda", conda.base, conda.channels], {"PYTHON": sys.executable})
    run([sys.executable, "-m", "venv", host], {})
    run([host / "bin/python", "-m", "pip", "install", "-q", *HOST], pinned)
    channel = conda.channels / "conda-forge"
    run([conda.base / "bin/python", TOOLS / "make_channel.py", channel, *ENVS], pinned)
    return conda


def constraints() -> str:
    """The requirements, with the build of torch that is installed: it may be one of several."""
    text = (ROOT / "requirements.txt").read_text("utf-8")
    return re.sub(r"^torch==.*$", f"torch=={importlib.metadata.version('torch')}", text, flags=re.M)


def run(command: list, variables: dict[str, str]) -> None:
    result = subprocess.run(
        [str(part) for part in command],
        env=os.environ | variables,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert result.returncode == 0, result.stdout[-5000:]
