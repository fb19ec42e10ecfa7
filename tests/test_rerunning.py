"""The tables of what an edit re-runs, in docs/studies.md, row by row, on a study of empty files."""

import os
import re
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import yaml

from tiny_study import ROOT, Job, Project
from walk_study import CONFIG, finished, name_of, planned

CLINIC, HEART, KAGGLE = (f"config/cohorts/walk_{c}.tsv" for c in ("clinic", "heart", "kaggle"))
MODELS = "config/models/walk.tsv"
Edits = dict[str, Callable[[str], str]]


class Case(NamedTuple):
    """rows: first cells of the table. first: the jobs where the new run starts, by hand.

    gone: jobs that would follow, and that the edited study does not have.
    """

    rows: tuple[str, ...]
    edits: Edits
    first: str
    gone: str = ""


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
    kept = {folder / path: ((folder / path).read_bytes(), edit) for path, edit in edits.items()}
    times = {path: path.stat() for path in kept}
    try:
        for path, (content, edit) in kept.items():
            path.write_text(edit(content.decode()), "utf-8")
            os.utime(path, (0, 0))
        yield
    finally:
        for path, (content, _) in kept.items():
            path.write_bytes(content)
            os.utime(path, ns=(times[path].st_atime_ns, times[path].st_mtime_ns))


# -- rows ------------------------------------------------------------------------------------

QUIET = (
    "nothing, or a comment in the study",
    "the order of keys of the study or of columns of a table; an empty column more",
    "a comment, docstring or layout in `workflow/cmrseg/` or `workflow/scripts/`",
    "time stamps: a fresh clone beside moved results, a copy of it",
    "threads, memory, run times, a profile, the device",
    "packages, without `--use-conda`",
    "an entry of `resources/sources.yaml`, or rows of a source in `checksums.tsv`",
)
QUIET_EDITS: Edits = {
    CONFIG: reversed_keys,
    CLINIC: lambda text: reversed_columns(cell("", "", "series", "")[""](text)),
    HEART: reversed_columns,
    MODELS: lambda text: reversed_columns(cell("", "", "islands", "")[""](text)),
    **appended("workflow/cmrseg/measure/volumes.py", "\n\n# A comment.\n"),
    **replaced("workflow/scripts/train_model.py", '"""Train', '"""Anew: train'),
    **replaced("workflow/rules/train.smk", "mem_mb=16000", "mem_mb=9000"),
    **appended("workflow/profiles/slurm/profile.yaml", "\n# A comment.\n"),
    **appended("envs/imaging.yaml", "  - filelock=3.16\n"),
    **appended("requirements.txt", "filelock==3.16\n"),
    **replaced("resources/sources.yaml", "cmr_seg_tl:\n", "cmr_seg_tl:\n  # Anew.\n"),
    **appended("resources/checksums.tsv", f"cmr_seg_tl\tx\t1\t{'0' * 64}\n"),
}

CASES = [
    Case(
        ("code of a module in `workflow/cmrseg/`",),
        appended("workflow/cmrseg/measure/distance.py", "\nEDITED = 1\n"),
        "evaluate_labels mine clinic, evaluate_labels ukbb clinic, evaluate_labels next clinic, "
        "evaluate_labels base kaggle, evaluate_labels fcn kaggle, recompute_published",
    ),
    Case(
        ("a script in `workflow/scripts/`, also by an older one",),
        appended("workflow/scripts/score_confidence.py", "\nEDITED = 1\n"),
        "score_confidence kaggle fcn",
    ),
    Case(
        ("`workflow/report/viewer.html`, NiiVue", "`resources/published_*.tsv`"),
        {
            **replaced("workflow/report/viewer.html", "<html", "<html "),
            **appended("resources/published_7t.tsv", " "),
            **appended("results.tsv", " "),
        },
        "make_viewer page, recompute_published, compare_published",
    ),
    Case(
        ("`subject`, `study`, `series`, `set`, and for phantoms any cell",),
        {**cell(CLINIC, "c2", "series", "sax"), **cell(HEART, "h3", "age_y", "51")},
        "import_dicom clinic 0000, make_phantom heart 0001",
    ),
    Case(
        ("`split`",),
        {**cell(CLINIC, "c2", "split", "test"), **cell(KAGGLE, "k2", "split", "test")},
        "collect_known_volumes clinic, measure_volumes clinic reader, "
        "measure_volumes clinic second, measure_volumes clinic mine, measure_volumes clinic ukbb, "
        "make_slices clinic reader unet linear 64 3, evaluate_labels mine clinic, "
        "evaluate_labels ukbb clinic, import_dicom kaggle 0000, collect_known_volumes kaggle",
    ),
    Case(
        ("`annotation`",),
        cell(CLINIC, "c2", "annotation", "x"),
        "carry_annotations clinic reader 0000, carry_annotations clinic second 0000",
    ),
    Case(
        ("`es_frame`",),
        cell(CLINIC, "c2", "es_frame", "2"),
        "evaluate_labels mine clinic, evaluate_labels ukbb clinic, evaluate_labels next clinic",
    ),
    Case(
        ("rows added at the end of a subject table",),
        appended(CLINIC, "c5\ttest\t\t150\t60\n"),
        "import_dicom clinic 0002, collect_known_volumes clinic",
    ),
    Case(
        ("rows inserted into a subject table, or removed",),
        replaced(CLINIC, "c3\t", "c2b\ttrain\t\t150\t60\nc3\t"),
        "import_dicom clinic 0001, import_dicom clinic 0002, collect_known_volumes clinic",
    ),
    Case(
        ("`subjects_per_job`",),
        cohort("clinic", subjects_per_job=3),
        "import_dicom clinic 0000, import_dicom clinic 0001",
    ),
    Case(
        ("`layout`",),
        study(
            lambda config: (
                config["cohorts"]["clinic"].update(layout="nifti", annotators={"reader": "nifti"}),
                config["figures"].pop("clean"),
            )
        ),
        "import_nifti clinic 0000, import_nifti clinic 0001",
        gone="draw_figure clean, "
        "carry_annotations clinic second 0000, carry_annotations clinic second 0001",
    ),
    Case(
        ("`raw`: another folder",),
        {CONFIG: lambda t: t.replace("raw/clinic", "raw/other").replace("raw/kaggle", "raw/other")},
        "import_dicom clinic 0000, import_dicom clinic 0001, import_dicom kaggle 0000, "
        "import_dicom kaggle 0001, collect_known_volumes kaggle",
    ),
    Case(
        ("`phantom`",),
        study(lambda config: config["cohorts"]["heart"]["phantom"].update(rows=80)),
        "make_phantom heart 0000, make_phantom heart 0001",
    ),
    Case(
        ("`cleaning`",),
        cohort("clinic", cleaning={"mode": "compat"}),
        "import_dicom clinic 0000, import_dicom clinic 0001",
    ),
    Case(
        ("`max_failed_fraction`",),
        study(lambda config: config.update(max_failed_fraction=0.5)),
        "check_losses heart, check_losses clinic, check_losses kaggle, "
        "check_label_losses heart truth, check_label_losses clinic reader, "
        "check_label_losses clinic second, check_label_losses kaggle truth",
    ),
    Case(("a row of the models table",), cell(MODELS, "base", "lr", "0.002"), "train_model base"),
    Case(
        ("`islands` of a model",),
        cell(MODELS, "fcn", "islands", "code"),
        "label_shard kaggle fcn 0000, label_shard kaggle fcn 0001, write_card fcn",
    ),
    Case(
        ("a row added to the models table",),
        {MODELS: lambda text: text + text.strip().split("\n")[-1].replace("next", "more") + "\n"},
        "train_model more",
    ),
    Case(
        ("known volumes of a subject, without the other columns", "`known_volumes`"),
        {
            **cell(CLINIC, "c2", "edv_ml", "151"),
            KAGGLE: lambda t: "\n".join(
                line and line + ("\tedv_ml\tesv_ml" if n == 0 else "\t150\t60")
                for n, line in enumerate(t.split("\n"))
            ),
            **study(lambda config: config["cohorts"]["kaggle"].update(known_volumes="table")),
        },
        "collect_known_volumes clinic, collect_known_volumes kaggle",
    ),
    Case(
        ("`annotators`",),
        study(lambda c: c["cohorts"]["clinic"]["annotators"]["second"].update(folder="x")),
        "carry_annotations clinic second 0000, carry_annotations clinic second 0001",
    ),
    Case(
        ("`weights`",),
        study(lambda config: config["weights"].update(mine="other")),
        "label_shard clinic mine 0000, label_shard clinic mine 0001",
    ),
    Case(
        ("weights in the folder of a given model, also by older ones",),
        appended("given/weights.safetensors", "x"),
        "label_shard clinic mine 0000, label_shard clinic mine 0001",
    ),
    Case(
        ("`volumes`, `ed` of a cohort",),
        cohort("clinic", ed="max"),
        "measure_volumes clinic reader, measure_volumes clinic second, "
        "measure_volumes clinic mine, measure_volumes clinic ukbb, measure_volumes clinic next, "
        "evaluate_labels mine clinic, evaluate_labels ukbb clinic, evaluate_labels next clinic",
    ),
    Case(
        ("`confidence`",),
        study(
            lambda config: (
                config["confidence"].update(labeller="truth"),
                config["figures"].pop("scores"),
            )
        ),
        "score_confidence kaggle truth",
    ),
    Case(
        ("`evaluate`, `predict`", "`figures`"),
        study(
            lambda config: (
                config["evaluate"][0]["labellers"].insert(0, "second"),
                config.update(predict=[{"cohort": "heart", "labellers": ["fcn"]}]),
                config["figures"]["scores"].update(figure="volume_curves"),
            )
        ),
        "evaluate_labels second clinic, evaluate_volumes second clinic, "
        "label_shard heart fcn 0000, label_shard heart fcn 0001, draw_figure scores, "
        "make_viewer page",
    ),
    Case(
        ("`published_tables`", "words in an entry of `resources/weights.yaml`"),
        {
            **study(lambda config: config.update(published_tables="tables")),
            **replaced("resources/weights.yaml", "subjects of the UK Biobank", "people of it"),
        },
        "recompute_published, write_published_card ukbb_sa",
    ),
    Case(
        ("an entry of `resources/weights.yaml`",),
        replaced("resources/weights.yaml", "file: FCN_sa\n", "file: FCN_other\n"),
        "convert_weights ukbb_sa",
    ),
]
# Rows that need a conda: Snakemake's own comparison of environments, which is not looked at here.
ELSEWHERE = (
    "an environment in `envs/`, with `--use-conda`",
    "nothing, with `--use-conda` where it was not, or the other way round",
    "the place of the folder, with `--use-conda`",
)


# -- tests -----------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def walk(tmp_path_factory) -> Project:
    return finished(tmp_path_factory.mktemp("walk"))


@pytest.fixture(scope="module")
def jobs(walk) -> list[Job]:
    """All jobs of the study."""
    return planned(walk, "--forceall")


def made_by(jobs: list[Job]) -> frozenset[str]:
    return frozenset().union(*(job.outputs for job in jobs))


def needs(job: Job) -> set[str]:
    """What a job runs again for: for a check that is passed once more it waits alone."""
    return {path for path in job.inputs if not path.endswith("passed.txt")}


def starts(jobs: list[Job]) -> set[str]:
    """The jobs that are made of nothing new."""
    return {name_of(job) for job in jobs if not needs(job) & made_by(jobs)}


def test_every_row_of_the_tables_has_a_case_and_every_case_a_row():
    section = (ROOT / "docs/studies.md").read_text("utf-8")
    section = section.split("\n## Rerunning\n")[1].split("\n## ")[0]
    rows = re.findall(r"^\| (.+?) \| .+ \|$", section, re.M)
    rows = [row for row in rows if row not in ("you edit", "---")]
    cases = [*QUIET, *ELSEWHERE, *(row for case in CASES for row in case.rows)]
    assert sorted(cases) == sorted(rows)


def test_what_is_no_part_of_a_result_plans_nothing(walk):
    tops = [walk.folder / name for name in ("workflow", "resources", "envs", "config")]
    touched = [p for top in tops for p in top.rglob("*.*") if "models" not in p.parts]
    with edited(walk.folder, QUIET_EDITS):
        for path in touched:
            os.utime(path)
        assert planned(walk, "--set-threads", "train_model=2") == []
        for path in touched:
            os.utime(path, (0, 0))
        assert planned(walk) == []


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.rows[0])
def test_an_edit_plans_where_it_starts_and_what_follows(walk, jobs, case):
    with edited(walk.folder, case.edits):
        plan = planned(walk)
    assert starts(plan) == set(case.first.split(", "))
    # Nothing that is made of something new stays.
    made, names = made_by(plan), {name_of(job) for job in plan}
    followers = {name_of(job) for job in jobs if needs(job) & made}
    assert followers - names == set(filter(None, case.gone.split(", ")))


def test_results_without_the_memory_of_snakemake_have_a_warning(walk):
    memory, elsewhere = walk.folder / ".snakemake", walk.folder / "elsewhere"
    memory.rename(elsewhere)
    try:
        result = walk.snakemake("--dry-run", config=CONFIG)
    finally:
        shutil.rmtree(memory, ignore_errors=True)
        elsewhere.rename(memory)
    assert result.returncode == 0
    assert "results/walk has results, but .snakemake does not say what" in result.stdout


def test_the_rest_of_an_interrupted_run_is_found(walk, tmp_path):
    folder = tmp_path / "interrupted"
    shutil.copytree(walk.folder, folder)
    project = Project(folder, walk.study)
    with edited(folder, cohort("clinic", cleaning={"mode": "compat"})):
        # The first job of two ends, and nothing else.
        done = project.snakemake(
            *("--touch", "--cores", "1", "results/walk/cohorts/clinic/images/0000"), config=CONFIG
        )
        assert done.returncode == 0, done.stdout[-3000:]
        assert starts(planned(project)) == {
            "import_dicom clinic 0001",
            *(f"carry_annotations clinic {name} 0000" for name in ("reader", "second")),
            *(f"label_shard clinic {name} 0000" for name in ("mine", "ukbb")),
        }
