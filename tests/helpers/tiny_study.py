"""A study as small as can be that still has every stage, and a copy of the project to run it.

Its hearts are real digital hearts, its images far too coarse and its networks far too small to be
of use: what it shows is that stages fit together.
"""

import os
import re
import resource
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
import yaml

from cmrseg.phantom.population import draw_subjects
from forked_runs import forker
from study.code import KEPT

ROOT = Path(__file__).resolve().parents[2]
CONFIG = "config/tiny.yaml"
# Needed to run a study, where git cannot say what belongs to the project.
FOLDERS = ("config", "envs", "profiles", "workflow")

# Faults of the raw data by study of the heterogeneous cohort; 105 cannot be imported.
FAULTS = {
    "102": "rotated_slice,missing_slice",
    "103": "collision_two_series,not_dicom",
    "104": "wide_image,compressed",
    "105": "truncated_file",
}
LOST = "105"

# A slice distance that leaves about eight slices: faults need some.
SCAN = {
    "scanner": "1.5T",
    "rows": 64,
    "columns": 48,
    "spacing_mm": 5.0,
    "slice_distance_mm": 15.0,
    "thickness_mm": 8.0,
}
COHORTS: dict[str, dict[str, Any]] = {
    "small_biobank": {
        "subjects": "config/cohorts/tiny_biobank.tsv",
        "subjects_per_job": 10,
        "layout": "ukbb",
        "phantom": SCAN,
        "annotators": {"truth": "nifti"},
    },
    "small_kaggle": {
        "subjects": "config/cohorts/tiny_kaggle.tsv",
        "subjects_per_job": 3,
        "layout": "kaggle",
        "phantom": {**SCAN, "frames": 3, "breath_hold_shift_mm": 1.0},
        "cleaning": {"mode": "corrected", "max_size_px": 256},
        "annotators": {"truth": "masks"},
    },
    "small_7t": {
        "subjects": "config/cohorts/tiny_7t.tsv",
        "subjects_per_job": 10,
        "layout": "folder",
        "phantom": {**SCAN, "scanner": "7T", "frames": 3},
        "cleaning": {"mode": "corrected", "max_size_px": 256},
        "annotators": {"expert1": "qmass", "expert2": "qmass"},
    },
}
UNET: dict[str, Any] = {
    "network": "unet",
    "encoder": "resnet34",
    "width": 4,
    "sequence": "sa",
    "tissues": "lv,my",
    "subset": "all",
    "splits": "train",
    "start": "random",
    "preparation": "unet",
    "intensity": "linear",
    "size_px": 64,
    "augmentation": "extreme",
    "loss": "ce",
    "batch": 8,
    "schedule": "onecycle",
    "lr_frozen": 0,
    "epochs_frozen": 0,
    "lr": 0.003,
    "epochs": 1,
}
FCN = UNET | {
    "network": "fcn",
    "encoder": "",
    "sequence": "sa",
    "tissues": "lv,my,rv",
    "preparation": "fcn",
    "size_px": 48,
    "augmentation": "fcn",
    "batch": 2,
    "epochs": 2,
}
MODELS: dict[str, dict[str, Any]] = {
    "fcn": FCN | {"cohort": "small_biobank", "labeller": "truth", "seed": 1},
    "base": UNET | {"cohort": "small_kaggle", "labeller": "fcn", "seed": 2},
    # Its epochs are enough for a test to meet it between two of them.
    "plain_all": UNET | {"cohort": "small_7t", "labeller": "expert1", "seed": 3, "epochs": 4},
    "double_all": UNET
    | {"cohort": "small_7t", "labeller": "expert1", "start": "base", "epochs_frozen": 1, "seed": 3}
    | {"lr_frozen": 0.001},
}
FIGURES = {
    "cleaning": {"figure": "cleaning", "cohort": "small_kaggle"},
    "volumes": {"figure": "volume_agreement", "cohort": "small_kaggle"},
    "ef_error": {"figure": "ef_error", "cohort": "small_kaggle"},
    "confidence": {"figure": "confidence", "cohort": "small_kaggle"},
    "volume_curves": {"figure": "volume_curves", "cohort": "small_kaggle"},
    "learning_curves": {"figure": "learning_curves", "cohort": "small_7t"},
    "strategies": {"figure": "strategies", "cohort": "small_7t"},
    "observers": {"figure": "observers", "cohort": "small_7t"},
    "overlays": {"figure": "overlays", "cohort": "small_7t"},
    "viewer": {"figure": "viewer", "cohort": "small_7t"},
}
STUDY: dict[str, Any] = {
    "study": "tiny",
    "max_failed_fraction": 0.2,
    "cohorts": COHORTS,
    "models": "config/models/tiny.tsv",
    "volumes": {"ed": "max"},
    "confidence": {"cohort": "small_kaggle", "labeller": "fcn"},
    "evaluate": [
        {"cohort": "small_kaggle", "labellers": ["fcn", "base"], "reference": "truth"},
        {
            "cohort": "small_7t",
            "labellers": ["expert2", "base", "plain_all", "double_all"],
            "reference": "expert1",
        },
    ],
    "figures": FIGURES,
}


def subject_tables() -> dict[str, pd.DataFrame]:
    """Subject table of each cohort, by the name of its file."""
    splits = {
        "tiny_biobank.tsv": (1, ["train", "train", "validate"]),
        "tiny_kaggle.tsv": (101, ["train", "train", "train", "validate", "test", "test"]),
        "tiny_7t.tsv": (201, ["train", "train", "validate", "test"]),
    }
    tables = {}
    for name, (first, names) in splits.items():
        ids = [str(first + i) for i in range(len(names))]
        table = draw_subjects(len(ids), first, ids, names)
        if name == "tiny_kaggle.tsv":
            table["faults"] = table["study"].map(FAULTS).fillna("")
        tables[name] = table
    return tables


def subjects_of(cohort: str) -> list[str]:
    """Subjects of a cohort, the lost one included."""
    return list(subject_tables()[Path(COHORTS[cohort]["subjects"]).name]["subject"])


def project_files() -> list[str]:
    """Files of the project relative to its folder: what git tracks or would, and no results."""
    listed = subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard", "-z"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    files = [name for name in listed.stdout.split("\0") if name and (ROOT / name).is_file()]
    if listed.returncode == 0 and "Snakefile" in files:
        return sorted(files)
    found = [p for folder in FOLDERS for p in (ROOT / folder).rglob("*") if p.is_file()]
    # Not what was fetched, which lies in folders.
    found += [p for p in (ROOT / "resources").iterdir() if p.is_file()]
    kept = [p for p in found if "__pycache__" not in p.parts]
    return ["Snakefile", *sorted(p.relative_to(ROOT).as_posix() for p in kept)]


@dataclass(frozen=True)
class Project:
    """A copy of the project with the tiny study in it; `study`: the one that is looked at."""

    folder: Path
    study: str = "tiny"

    @property
    def results(self) -> Path:
        return self.folder / "results" / self.study

    def snakemake(
        self, *arguments: str, config: str = CONFIG, variables: Mapping[str, str] | None = None
    ) -> subprocess.CompletedProcess:
        """Run Snakemake, by a fork; output and errors are joined in `stdout`.

        config: file of the study, "" for the default one. variables: of the environment, added;
        libraries read them when they are loaded, so the run is then a process of its own.
        """
        if not variables:
            return forker().run(with_study(arguments, config), self.folder, environment())
        return self.process(*arguments, config=config, variables=variables)

    def process(
        self, *arguments: str, config: str = CONFIG, variables: Mapping[str, str] | None = None
    ) -> subprocess.CompletedProcess:
        """As `snakemake`, always by a process of its own, whose time is counted."""
        return subprocess.run(
            [sys.executable, "-m", "snakemake", *with_study(arguments, config)],
            cwd=self.folder,
            env=environment() | dict(variables or {}),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )

    def planned(self, *arguments: str, config: str = CONFIG) -> "list[Job]":
        """The jobs that a dry run plans, without those that only name targets."""
        result = self.snakemake("--dry-run", *arguments, config=config)
        assert result.returncode == 0, result.stdout
        return planned_jobs(result.stdout)


def with_study(arguments: Sequence[str], config: str) -> list[str]:
    """Arguments with the file of a study: last, as it would take targets for further files."""
    return [*arguments, *(["--configfile", config] if config else [])]


def environment() -> dict[str, str]:
    """Variables for a run in a copy.

    It must import the copy's modules and not the project's, and compute on the CPU: not every
    sum on a GPU comes out the same twice. Threads are those of a user's run.
    """
    ours = re.compile("PYTHONPATH|[A-Z]+_NUM_THREADS")
    kept = {name: value for name, value in os.environ.items() if not ours.fullmatch(name)}
    return kept | {"CUDA_VISIBLE_DEVICES": ""}


def processor_s() -> float:
    """Seconds of the processor that ended processes of this one took: no other's work is in it."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


@dataclass(frozen=True)
class Job:
    """A job of a dry run; its outputs name it.

    own: planned for its own code or params. Snakemake says so only where no input is to be made.
    """

    rule: str
    inputs: frozenset[str]
    outputs: frozenset[str]
    wildcards: tuple[tuple[str, str], ...]
    reason: str

    @property
    def own(self) -> bool:
        return "Params have changed" in self.reason or "Code has changed" in self.reason


# These tell when and where something was made.
OF_A_RUN = ("record.json", ".snakemake_timestamp", "report.html")


def results_of(project: Project) -> dict[str, bytes]:
    """The bytes of all that a run made and another run has to make alike, by path."""
    found = {
        path.relative_to(project.results).as_posix(): path.read_bytes()
        for path in project.results.rglob("*")
        if path.is_file()
        and path.name not in OF_A_RUN
        and path.relative_to(project.results).parts[0] not in ("logs", "benchmarks", ".kept")
    }
    assert found, f"{project.results} has no results"
    return found


def planned_jobs(text: str) -> list[Job]:
    """Jobs in the output of a dry run; their blocks start with `rule <name>:` and are indented."""
    jobs = []
    for block in re.finditer(r"^(?:local)?rule (\w+):\n((?:    .*\n)+)", text, re.MULTILINE):
        fields = dict(re.findall(r"^    (\w+): (.*)$", block[2], re.MULTILINE))
        if "output" in fields:
            named = (pair.split("=", 1) for pair in fields.get("wildcards", "").split(", ") if pair)
            jobs.append(
                Job(
                    rule=block[1],
                    inputs=frozenset(fields.get("input", "").split(", ")) - {""},
                    outputs=frozenset(fields["output"].split(", ")),
                    # One that says nothing is in no name of a file.
                    wildcards=tuple((key, value) for key, value in named if value),
                    reason=fields.get("reason", ""),
                )
            )
    return jobs


def copy_project(folder: Path) -> Project:
    """Copy the project to a folder and write the tiny study there."""
    for name in project_files():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(ROOT / name, folder / name)
    # What the code says: it counts by content, and spares every copy the parsing.
    if (ROOT / KEPT).exists():
        (folder / KEPT).parent.mkdir(exist_ok=True)
        shutil.copy2(ROOT / KEPT, folder / KEPT)
    for name, table in subject_tables().items():
        write(table, folder / "config" / "cohorts" / name)
    models = [{"model": name} | row for name, row in MODELS.items()]
    write(pd.DataFrame(models), folder / STUDY["models"])
    (folder / CONFIG).write_text(yaml.safe_dump(STUDY, sort_keys=False), "utf-8")
    return Project(folder)


def write(table: pd.DataFrame, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    table.to_csv(path, sep="\t", index=False, lineterminator="\n")
