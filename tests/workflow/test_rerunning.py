"""The tables of what an edit re-runs, in docs/studies.md, row by row, on a study of empty files."""

import os
import re
import shutil
from functools import cache
from typing import NamedTuple

import pytest

from tiny_study import ROOT, Job, Project
from walk_study import (
    CONFIG,
    Edits,
    appended,
    cell,
    cohort,
    edited,
    finished,
    made_by,
    moved,
    moved_away,
    name_of,
    planned,
    replaced,
    reversed_columns,
    reversed_keys,
    starts,
    study,
)

pytestmark = pytest.mark.slow
CLINIC, HEART, KAGGLE = (f"config/cohorts/walk_{c}.tsv" for c in ("clinic", "heart", "kaggle"))
MODELS, RECIPES = "config/models/walk.tsv", "config/recipes.yaml"


class Case(NamedTuple):
    """rows: first cells of the table. first: the jobs where the new run starts, by hand.

    gone: jobs that would follow, and that the edited study does not have.
    """

    rows: tuple[str, ...]
    edits: Edits
    first: str
    gone: str = ""


# -- rows ------------------------------------------------------------------------------------

QUIET = (
    "nothing, or a comment in the study",
    "the order of keys of the study or of columns of a table; an empty column more",
    "values moved from rows to a recipe or back; a recipe's name; a recipe that no row names",
    "a comment, docstring or layout in `workflow/cmrseg/` or `workflow/scripts/`",
    "time stamps: a fresh clone beside moved results, a copy of it",
    "threads, memory, run times, a profile, the device",
    "packages, without `--sdm conda`",
    "`max_failed_fraction`",
    "an entry of `resources/sources.yaml`, or rows of a source in `checksums.tsv`",
    "a new subject's files in the raw folder, without a row",
    "`resources/raw/<source>` removed",
)


QUIET_EDITS: Edits = {
    CONFIG: lambda text: reversed_keys(text.replace("fraction: 0.2", "fraction: 0.5")),
    CLINIC: lambda text: reversed_columns(cell("", "", "series", "")[""](text)),
    HEART: reversed_columns,
    MODELS: lambda text: reversed_columns(moved(cell("", "", "islands", "")[""](text))),
    RECIPES: moved_away,
    **appended("workflow/cmrseg/measure/volumes.py", "\n\n# A comment.\n"),
    **replaced("workflow/scripts/train_model.py", '"""Train', '"""Anew: train'),
    **replaced("workflow/rules/train.smk", "mem_mb=16000", "mem_mb=9000"),
    **appended("workflow/profiles/slurm/profile.yaml", "\n# A comment.\n"),
    **appended("envs/imaging.yaml", "  - filelock=3.16\n"),
    **appended("requirements.txt", "filelock==3.16\n"),
    **replaced("resources/sources.yaml", "cmr_seg_tl:\n", "cmr_seg_tl:\n  # Anew.\n"),
    **appended("resources/checksums.tsv", f"cmr_seg_tl\tx\t1\t{'0' * 64}\n"),
    **appended("raw/clinic/c9/1.dcm", "x"),
    "resources/raw/cmr_seg_tl": None,
}


def relabelled(config: dict) -> None:
    config["cohorts"]["clinic"]["annotators"]["second"].update(folder="x")
    config["cohorts"]["clinic"].update(propagated={"carried": "reader"})


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
        "make_slices clinic reader sa lv-my unet linear 64, evaluate_labels mine clinic, "
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
        "carry_annotations clinic second 0000, carry_annotations clinic second 0001, "
        "collect_label_audit clinic second, measure_volumes clinic second",
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
        ("a row of the models table",),
        cell(MODELS, "base", "lr", "0.002"),
        "train_model base, write_models",
    ),
    Case(
        ("a value of a recipe",),
        replaced(RECIPES, "walk_unet:\n", "walk_unet:\n  head_weights: '1'\n"),
        "train_model next, write_models",
    ),
    Case(
        ("`islands`, `views` of a model",),
        cell(MODELS, "fcn", "islands", "code"),
        "label_shard kaggle fcn 0000, label_shard kaggle fcn 0001, write_card fcn, write_models",
    ),
    Case(
        ("a row added to the models table",),
        {MODELS: lambda text: text + text.strip().split("\n")[-1].replace("next", "more") + "\n"},
        "train_model more, write_models",
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
        ("`annotators`", "`propagated`"),
        study(relabelled),
        "carry_annotations clinic second 0000, carry_annotations clinic second 0001, "
        "propagate_labels clinic carried 0000, propagate_labels clinic carried 0001",
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
        ("files of a subject's images added, replaced, renamed, removed or touched",),
        {"raw/clinic/c1/1.dcm": None, **appended("raw/clinic/c1/2.dcm", "")},
        "import_dicom clinic 0000",
    ),
    Case(
        ("a subject's contours, masks or label volumes",),
        appended("raw/clinic/annotations/reader/c3.con", "x"),
        "carry_annotations clinic reader 0001",
    ),
    Case(
        ("the competition's tables in a raw folder with `known_volumes: kaggle`",),
        appended("raw/kaggle/train.csv", "x"),
        "collect_known_volumes kaggle",
    ),
    Case(
        ("`published_tables`", "words in an entry of `resources/weights.yaml`"),
        {
            **study(lambda config: config.update(published_tables="tables")),
            **replaced("resources/weights.yaml", "subjects of the UK Biobank", "people of it"),
        },
        "recompute_published, calibrate_published, write_published_card ukbb_sa",
    ),
    Case(
        ("an entry of `resources/weights.yaml`",),
        replaced("resources/weights.yaml", "file: FCN_sa\n", "file: FCN_other\n"),
        "convert_weights ukbb_sa",
    ),
]
BY_ROW = {case.rows[0]: case for case in CASES}
# Rows that need a conda: Snakemake's own comparison of environments, which is not looked at here.
ELSEWHERE = (
    "an environment in `envs/`, with `--sdm conda`",
    "nothing, with `--sdm conda` where it was not, or the other way round",
    "the place of the folder, with `--sdm conda`",
)


# -- tests -----------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def walk(tmp_path_factory) -> Project:
    return finished(tmp_path_factory.mktemp("walk"))


@cache
def plan_of(walk: Project, row: str) -> list[Job]:
    """What the edits of a case plan; the case by its first row."""
    with edited(walk.folder, BY_ROW[row].edits):
        return planned(walk)


@pytest.fixture(scope="module")
def jobs(walk) -> list[Job]:
    """All jobs of the study."""
    return planned(walk, "--forceall")


def test_every_row_of_the_tables_has_a_case_and_every_case_a_row():
    section = (ROOT / "docs/studies.md").read_text("utf-8")
    section = section.split("\n## Rerunning\n")[1].split("\n## ")[0]
    rows = re.findall(r"^\| (.+?) \| .+ \|$", section, re.M)
    rows = [row for row in rows if row not in ("you edit", "---")]
    cases = [*QUIET, *ELSEWHERE, *(row for case in CASES for row in case.rows)]
    assert sorted(cases) == sorted(rows)


def test_what_is_no_part_of_a_result_plans_nothing(walk):
    tops = ("workflow", "resources", "envs", "config")
    found = (p for top in tops for p in (walk.folder / top).rglob("*.*"))
    touched = [p for p in found if "models" not in p.parts]
    with edited(walk.folder, QUIET_EDITS):
        for path in touched:
            os.utime(path)
        assert planned(walk, "--set-threads", "train_model=2") == []
        for path in touched:
            os.utime(path, (0, 0))
        assert planned(walk) == []


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.rows[0])
def test_an_edit_plans_where_it_starts_and_what_follows(walk, jobs, case):
    plan = plan_of(walk, case.rows[0])
    assert starts(plan) == set(case.first.split(", "))
    # Nothing that is made of something new stays.
    made, names = made_by(plan), {name_of(job) for job in plan}
    followers = {name_of(job) for job in jobs if job.inputs & made}
    assert followers - names == set(filter(None, case.gone.split(", ")))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("rows added at the end of a subject table", "`annotation`"),
        ("files of a subject's images added, replaced, renamed, removed or touched", "`weights`"),
        ("`cleaning`", "`volumes`, `ed` of a cohort"),
    ],
)
def test_two_edits_at_once_plan_what_each_of_them_plans(walk, one, other):
    alone = [made_by(plan_of(walk, row)) for row in (one, other)]
    with edited(walk.folder, BY_ROW[one].edits), edited(walk.folder, BY_ROW[other].edits):
        both = made_by(planned(walk))
    assert alone[0] - both == frozenset()
    assert alone[1] - both == frozenset()


def test_a_source_that_was_removed_and_is_named_is_fetched_and_read_again(walk, jobs):
    source = "resources/raw/cmr_seg_tl"
    with edited(walk.folder, {source: None}):
        plan = planned(walk, source)
    assert starts(plan) == {"fetch_source cmr_seg_tl"}
    made = made_by(plan)
    assert {name_of(job) for job in jobs if job.inputs & made} <= {name_of(job) for job in plan}
    assert "recompute_published" in {job.rule for job in plan}


def test_results_without_the_memory_of_snakemake_have_a_warning(walk):
    memory, elsewhere = walk.folder / ".snakemake", walk.folder / "elsewhere"
    memory.rename(elsewhere)
    try:
        result = walk.snakemake("--dry-run", config=CONFIG)
    finally:
        shutil.rmtree(memory, ignore_errors=True)
        elsewhere.rename(memory)
    assert result.returncode == 0
    assert "results/walk has results, but .snakemake has no record" in result.stdout


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
