"""Writes Containerfile: all environments in one image, where Snakemake looks for them.

The folder of an environment is named by its file's content. Run this after an edit in envs/.
"""

import hashlib
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
# Has a conda that Snakemake 9 takes. Snakemake's own draft has the newest image of that day.
BASE = "condaforge/miniforge3:24.11.3-2"
FOLDER = "/conda-envs"
HEAD = """\
# All environments of the workflow in one image; how it is used is in docs/conda.md.
# tests/helpers/containerfile.py writes this file.
"""


def env_files(root: Path = ROOT) -> list[Path]:
    return sorted((root / "envs").glob("*.yaml"))


def place(env: Path) -> str:
    """Folder of an environment in the image."""
    return f"{FOLDER}/{hashlib.md5(env.read_bytes(), usedforsecurity=False).hexdigest()}"


def containerfile(root: Path = ROOT) -> str:
    """The text of Containerfile."""
    envs = env_files(root)
    content = hashlib.sha256(b"".join(env.read_bytes() for env in envs)).hexdigest()
    lines = [
        f"FROM {BASE}",
        'LABEL io.github.snakemake.containerized="true"',
        f'LABEL io.github.snakemake.conda_env_hash="{content}"',
    ]
    for env in envs:
        lines.append(f"RUN mkdir -p {place(env)}")
        lines.append(f"COPY envs/{env.name} {place(env)}/environment.yaml")
    create = [
        f"conda env create --prefix {place(env)} --file {place(env)}/environment.yaml"
        for env in envs
    ]
    lines.append("RUN " + " && \\\n    ".join([*create, "conda clean --all -y"]))
    return HEAD + "\n".join(lines) + "\n"


if __name__ == "__main__":
    (ROOT / "Containerfile").write_text(containerfile(), "utf-8")
