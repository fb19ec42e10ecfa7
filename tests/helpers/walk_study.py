"""A study with all that a study can say, finished without any computing.

For tests of what an edit re-runs: its outputs are empty files, of which Snakemake remembers how
they would have been made (`--touch`).
"""

import json
import os
from base64 import urlsafe_b64encode
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pandas as pd
import yaml

from tiny_study import FCN, UNET, Job, Project, copy_project, write

CONFIG = "config/walk.yaml"
# None for a path that is removed.
Edits = dict[str, Callable[[str], str] | None]
SPLITS = ["train", "train", "validate", "test"]
# Two jobs of two subjects each in all cohorts.
PER_JOB = 2
PHANTOM = {
    "scanner": "3T", "rows": 64, "columns": 48, "spacing_mm": 5.0, "slice_distance_mm": 15.0,
    "thickness_mm": 8.0, "frames": 3,
}  # fmt: skip
COHORTS: dict[str, dict[str, Any]] = {
    "heart": {"layout": "folder", "phantom": PHANTOM, "annotators": {"truth": "qmass"}},
    "clinic": {
        "layout": "folder",
        "raw": "raw/clinic",
        "annotators": {"reader": "qmass", "second": {"form": "text", "raw": "raw/second"}},
        "ed": "first",
    },
    "kaggle": {
        "layout": "kaggle",
        "raw": "raw/kaggle",
        "known_volumes": "kaggle",
        "annotators": {"truth": "masks"},
    },
}
FILES = {
    "raw/clinic/c1/1.dcm": "",
    "raw/clinic/annotations/reader/c3.con": "",
    "raw/second/c1.txt": "",
    "raw/kaggle/train.csv": "",
    "raw/other/train.csv": "",
    "given/weights.safetensors": "",
    "other/weights.safetensors": "",
    "tables/a.csv": "",
    "results.tsv": "",
}
GIVEN = {
    key: FCN[key]
    for key in ("network", "encoder", "width", "tissues", "preparation", "intensity", "size_px")
}
MODELS: dict[str, dict[str, Any]] = {
    "fcn": FCN | {"cohort": "heart", "labeller": "truth", "seed": 1},
    "base": UNET | {"cohort": "kaggle", "labeller": "fcn", "subset": "c10", "seed": 2},
    # All that it is trained with is in a recipe.
    "next": {
        **{"recipe": "walk_unet", "cohort": "clinic", "labeller": "reader"},
        **{"start": "base", "subset": "all", "splits": "train", "seed": 3},
    },
}
RECIPE = {"walk_unet": {k: v for k, v in UNET.items() if k not in MODELS["next"]}}
STUDY: dict[str, Any] = {
    "study": "walk",
    "max_failed_fraction": 0.2,
    "cohorts": {
        name: {
            "subjects": f"config/cohorts/walk_{name}.tsv",
            "subjects_per_job": PER_JOB,
            "cleaning": {"mode": "corrected", "max_size_px": 256},
            **about,
        }
        for name, about in COHORTS.items()
    },
    "models": "config/models/walk.tsv",
    "weights": {"mine": "given", "ukbb": "resources/models/ukbb_sa"},
    "volumes": {"ed": "max"},
    "confidence": {"cohort": "kaggle", "labeller": "fcn"},
    "evaluate": [
        {"cohort": "clinic", "labellers": ["mine", "ukbb", "next"], "reference": "reader"}
        | {"frames": "reference"},
        {"cohort": "kaggle", "labellers": ["base", "fcn"], "reference": "truth"},
    ],
    "published_values": {"table": "results.tsv", "cohort": "clinic", "labeller": "next"},
    "figures": {
        "clean": {"figure": "cleaning", "cohort": "clinic"},
        "agreement": {"figure": "volume_agreement", "cohort": "clinic"},
        "curves": {"figure": "learning_curves", "cohort": "clinic"},
        "scores": {"figure": "confidence", "cohort": "kaggle"},
        "page": {"figure": "viewer", "cohort": "clinic"},
    },
}


def subjects(cohort: str) -> pd.DataFrame:
    """The subject table of a cohort: c1 to c4 of clinic, and so on."""
    table = pd.DataFrame(
        {"subject": [f"{cohort[0]}{i}" for i in range(1, 5)], "split": SPLITS, "annotation": ""}
    )
    if cohort == "heart":
        table = table.assign(disease="healthy", sex="F", age_y=50, heart_rate_bpm=60, seed=1)
    return table.assign(edv_ml=150.0, esv_ml=60.0) if cohort != "kaggle" else table


def finished(folder: Path) -> Project:
    """A copy of the project in which this study and the published one seem to be finished."""
    project = Project(copy_project(folder).folder, "walk")
    for path, content in FILES.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(content)
    for name in ("given", "other"):
        (folder / name / "record.json").write_text(json.dumps({"settings": GIVEN}))
    for cohort in COHORTS:
        write(subjects(cohort), folder / f"config/cohorts/walk_{cohort}.tsv")
    columns = ["model", "recipe", *UNET, "cohort", "labeller", "seed"]
    rows = [{"model": name} | row for name, row in MODELS.items()]
    write(pd.DataFrame(rows, columns=columns, dtype=object), folder / STUDY["models"])
    with (folder / "config/recipes.yaml").open("a", encoding="utf-8") as recipes:
        recipes.write("\n" + yaml.safe_dump(RECIPE, sort_keys=False))
    (folder / CONFIG).write_text(yaml.safe_dump(STUDY, sort_keys=False), "utf-8")
    for job in planned(project, "--forceall"):
        for output in map(folder.joinpath, job.outputs):
            output.parent.mkdir(parents=True, exist_ok=True)
            output.touch() if output.suffix else output.mkdir()
    # Results that Snakemake knows nothing of at all would be refused.
    note = folder / ".snakemake/metadata" / urlsafe_b64encode(b"results/walk/").decode()
    note.write_text("{}")
    done = project.snakemake("--touch", "--forceall", "--cores", "1", *TARGETS, config=CONFIG)
    assert done.returncode == 0, done.stdout[-3000:]
    return project


TARGETS = ("all", "published")


def planned(project: Project, *arguments: str) -> list[Job]:
    """The jobs that a dry run of the study plans."""
    return project.planned(*TARGETS, *arguments, config=CONFIG)


def name_of(job: Job) -> str:
    """A job by its rule and wildcards, as in `import_dicom clinic 0000`."""
    return " ".join([job.rule, *(value for key, value in job.wildcards if key != "study")])


# -- edits -----------------------------------------------------------------------------------


def study(change: Callable[[dict[str, Any]], Any]) -> Edits:
    def edit(text: str) -> str:
        config = yaml.safe_load(text)
        change(config)
        return yaml.safe_dump(config, sort_keys=False)

    return {CONFIG: edit}


def cohort(name: str, **keys: Any) -> Edits:
    return study(lambda config: config["cohorts"][name].update(keys))


def replaced(path: str, old: str, new: str) -> Edits:
    def edit(text: str) -> str:
        assert old in text, f"{path} has no {old!r}"
        return text.replace(old, new, 1)

    return {path: edit}


def cell(path: str, row: str, column: str, value: str) -> Edits:
    """Another cell; a column that is not there is added."""

    def edit(text: str) -> str:
        head, *rows = (line.split("\t") for line in text.strip("\n").split("\n"))
        if column not in head:
            head, rows = [*head, column], [[*cells, ""] for cells in rows]
        for cells in rows:
            if cells[0] == row:
                cells[head.index(column)] = value
        return "\n".join("\t".join(cells) for cells in [head, *rows]) + "\n"

    return {path: edit}


def reversed_columns(text: str) -> str:
    lines = text.strip("\n").split("\n")
    return "\n".join("\t".join(line.split("\t")[::-1]) for line in lines) + "\n"


def reversed_keys(text: str) -> str:
    config = yaml.safe_load(text)
    for about in config["cohorts"].values():
        about["cleaning"] = dict(reversed(about["cleaning"].items()))
    return "# Anew.\n" + yaml.safe_dump(dict(reversed(config.items())), sort_keys=False)


def appended(path: str, addition: str) -> Edits:
    return {path: lambda text: text + addition}


@contextmanager
def edited(folder: Path, edits: Edits) -> Iterator[None]:
    """Files that are edited and older than before; afterwards as before."""
    with ExitStack() as stack:
        for name, edit in edits.items():
            path = folder / name
            former = path.rename(unused(folder / path.name)) if path.exists() else None
            stack.callback(restored, path, former)
            if edit is not None:
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(edit(former.read_text("utf-8") if former else ""), "utf-8")
                os.utime(path, (0, 0))
        yield


def unused(path: Path) -> Path:
    """The path, or one beside it where something is there."""
    return unused(path.with_name(f"former_{path.name}")) if path.exists() else path


def restored(path: Path, former: Path | None) -> None:
    path.unlink(missing_ok=True)
    if former:
        former.rename(path)


def made_by(jobs: list[Job]) -> frozenset[str]:
    return frozenset().union(*(job.outputs for job in jobs))


def starts(jobs: list[Job]) -> set[str]:
    """The jobs that wait for no other."""
    return {name_of(job) for job in jobs if not job.inputs & made_by(jobs)}


def moved(models: str) -> str:
    """The models table with a value of the recipe in its row, and another name of the recipe."""
    models = cell("", "next", "loss", "ce")[""](models)
    return models.replace("\twalk_unet\t", "\tanother\t")


def moved_away(recipes: str) -> str:
    """The file of recipes without that value, with that name and another size in the demo."""
    demo, own = recipes.split("walk_unet:\n")
    assert "  loss: ce\n" in own
    own = own.replace("  loss: ce\n", "")
    return demo.replace("  size_px: 128\n", "  size_px: 160\n") + "another:\n" + own
