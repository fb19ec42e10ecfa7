"""An edit plans the jobs that use the edited code, what follows from them, and nothing else."""

import os
import re
import shutil
from contextlib import ExitStack, contextmanager
from functools import cache
from modulefinder import ModuleFinder
from pathlib import Path

import pandas as pd
import pytest
import yaml

import study.code as tracking
from cmrseg.files import sha256
from tiny_study import CONFIG, FIGURES, ROOT, STUDY, UNET, Job, Project, write

WORKFLOW = ROOT / "workflow"
SCRIPTS = WORKFLOW / "scripts"

IMPORTS = {"import_dicom", "import_nifti"}
FIGURE_RULES = {"draw_figure", "make_viewer"}
# The first page of the report has numbers of evaluations, and some figures.
SHOWN = FIGURE_RULES | {"write_headlines"}
CARRIED = ("carry_annotations", "collect_label_audit", "check_label_losses")
# What follows from labels, from slices on, and from weights.
EVALUATED = {"evaluate_labels", "evaluate_volumes"}
MEASURED = {"measure_volumes", "score_confidence"} | EVALUATED | SHOWN
TRAINED = {"train_model", "write_card", "label_shard", "make_slices"} | MEASURED

# Worked out by hand from what each stage does, for an edit of a module: the rules where the new
# run starts, and all rules that run. A job that waits for another one is planned for its inputs,
# whether it uses the module or not.
EXPECTED = {
    "phantom/heart.py": (
        {"make_phantom"},
        {"make_phantom", "collect_audit", "check_losses", *CARRIED} | IMPORTS | TRAINED,
    ),
    "dicom/stack.py": (
        {"import_dicom"},
        {"import_dicom", "collect_audit", "check_losses", *CARRIED} | TRAINED,
    ),
    "measure/volumes.py": ({"measure_volumes", "evaluate_labels"}, MEASURED),
    "measure/distance.py": ({"evaluate_labels"}, {"evaluate_labels"} | SHOWN),
    "learn/slices.py": ({"make_slices"}, TRAINED),
    "nets/fcn.py": ({"train_model"}, TRAINED),
    "figures/confidence.py": ({"draw_figure"}, {"draw_figure"}),
}


@contextmanager
def edited(path: Path, addition: str):
    """The file with something more at its end; afterwards it is as before."""
    content, times = path.read_bytes(), path.stat()
    path.write_bytes(content + addition.encode())
    try:
        yield
    finally:
        path.write_bytes(content)
        # A script that is younger than its outputs counts as changed.
        os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))


@cache
def script_of_rules() -> dict[str, str]:
    """Script of each rule, relative to the folder of scripts, as written in the rule files."""
    text = "\n".join(path.read_text("utf-8") for path in sorted(WORKFLOW.glob("rules/*.smk")))
    found = re.findall(r'^rule (\w+):\n(?:(?!^rule ).*\n)*?    script:\n +"(.+)"', text, re.M)
    return {rule: script.removeprefix("../scripts/") for rule, script in found}


@cache
def reached(script: str) -> frozenset[str]:
    """Modules that a script imports, directly or not, found in its bytecode."""
    finder = ModuleFinder(path=[str(WORKFLOW)])
    finder.run_script(str(SCRIPTS / script))
    return frozenset(
        name
        for name, module in finder.modules.items()
        if name.startswith("cmrseg.") and module.__path__ is None
    )


def script_of(job: Job) -> str:
    figure = FIGURES.get(dict(job.wildcards).get("figure", ""), {}).get("figure", "")
    return script_of_rules()[job.rule].replace("{params.figure}", figure)


def followers(jobs: list[Job], first: list[Job]) -> set[frozenset[str]]:
    """Outputs of some jobs and of all that use what they make."""
    chosen = {job.outputs for job in first}
    while True:
        made = frozenset().union(*chosen)
        more = {job.outputs for job in jobs if job.inputs & made} - chosen
        if not more:
            return chosen
        chosen |= more


@pytest.fixture(scope="module")
def jobs(tiny) -> list[Job]:
    """All jobs of the study."""
    return tiny.planned("--forceall")


@pytest.mark.parametrize("script", sorted(p.relative_to(SCRIPTS) for p in SCRIPTS.rglob("*.py")))
def test_tracking_finds_the_modules_that_python_itself_would_load(script):
    found = set(tracking.modules_of(str(script)))
    assert found == reached(str(script))


def test_every_module_is_of_use_to_a_stage():
    used = set().union(*(reached(str(p.relative_to(SCRIPTS))) for p in SCRIPTS.rglob("*.py")))
    modules = {
        ".".join(path.relative_to(WORKFLOW).with_suffix("").parts)
        for path in (WORKFLOW / "cmrseg").rglob("*.py")
        if path.name != "__init__.py"
    }
    # For people and the plan: a model on one folder, and a picture of the digital heart.
    by_hand = {"cmrseg.apply", "cmrseg.apply_tags", "cmrseg.layouts.inputs"}
    by_hand |= {"cmrseg.figures.phantom_sheet", "cmrseg.learn.coarse_labels"}
    # Which measures a panel has is for the plan of a study.
    by_hand |= {"cmrseg.phenotypes.panels"}
    # A line about a result of the page, and the numbers of that page.
    by_hand |= {"cmrseg.quality.look"}
    # What a folder holds is looked at before there is a study.
    by_hand |= {m for m in modules if m.startswith("cmrseg.describe.")}
    # Folders like those of a PACS are for the tests of the import.
    exports = {m for m in modules if m.startswith("cmrseg.phantom.pacs.")}
    assert modules - used <= by_hand | exports | {"cmrseg.phantom.contrasts"}


def test_an_edit_of_any_module_changes_the_code_of_the_scripts_that_reach_it(tmp_path, monkeypatch):
    copy = tmp_path / "workflow"
    for folder in ("cmrseg", "scripts"):
        shutil.copytree(WORKFLOW / folder, copy / folder)
    monkeypatch.setattr(tracking, "WORKFLOW", copy)
    monkeypatch.setattr(tracking, "module_path", cache(tracking.module_path))
    scripts = [str(path.relative_to(SCRIPTS)) for path in sorted(SCRIPTS.rglob("*.py"))]
    paths = [p for p in sorted((copy / "cmrseg").rglob("*.py")) if p.name != "__init__.py"]
    before = {script: tracking.code_of(script) for script in scripts}
    # Every module once, and never all of what a script reaches.
    for some in (paths[::2], paths[1::2]):
        names = {".".join(path.relative_to(copy).with_suffix("").parts) for path in some}
        with ExitStack() as stack:
            for path in some:
                stack.enter_context(edited(path, "\nEDITED = 1\n"))
            tracking._said.cache_clear()
            after = {script: tracking.code_of(script) for script in scripts}
        for script in scripts:
            changed = {entry.split("@")[0] for entry in set(after[script]) - set(before[script])}
            assert changed == names & reached(script), script
    tracking._said.cache_clear()


@pytest.mark.parametrize("module", EXPECTED)
def test_an_edit_plans_its_users_and_what_follows(tiny, jobs, module):
    first, all_rules = EXPECTED[module]
    with edited(tiny.folder / "workflow/cmrseg" / module, "\nEDITED = 1\n"):
        planned = tiny.planned()
    assert {job.rule for job in planned if job.own} == first
    assert {job.rule for job in planned} == all_rules
    # The same job by job, by another walk through the imports.
    name = "cmrseg." + module.removesuffix(".py").replace("/", ".")
    using = [job for job in jobs if name in reached(script_of(job))]
    following = followers(jobs, using)
    made = frozenset().union(*following)
    assert {job.outputs for job in planned if job.own} == {
        job.outputs for job in using if not job.inputs & made
    }
    assert {job.outputs for job in planned} == following


def test_an_edit_of_a_figure_s_module_draws_only_this_figure(tiny):
    with edited(tiny.folder / "workflow/cmrseg/figures/confidence.py", "\nEDITED = 1\n"):
        (job,) = tiny.planned()
    assert dict(job.wildcards)["figure"] == "confidence"


@pytest.mark.parametrize(
    "script", ["figures/overlays.py", "make_viewer.py", "figures/observers.py"]
)
def test_a_picture_does_not_depend_on_how_raw_files_are_read(script):
    assert not [name for name in tracking.code_of(script) if name.startswith("cmrseg.dicom.")]


def test_an_edit_of_a_script_plans_its_rule_and_what_follows(tiny):
    with edited(tiny.folder / "workflow/scripts/score_confidence.py", "\nEDITED = 1\n"):
        planned = tiny.planned()
    assert {job.rule for job in planned if job.own} == {"score_confidence"}
    assert {job.rule for job in planned} == {"score_confidence", "draw_figure"}


def test_comments_docstrings_layout_and_times_plan_nothing(tiny):
    package = tiny.folder / "workflow/cmrseg"
    labels = package / "labels.py"
    text = labels.read_text("utf-8")
    with edited(package / "measure/volumes.py", "\n\n# A comment.\n"), edited(labels, ""):
        assert '"""' in text
        labels.write_text(text.replace('"""', '"""Anew: ', 1), "utf-8")
        for path in package.rglob("*.py"):
            os.utime(path)
        assert tiny.planned() == []


def test_what_all_scripts_start_with_is_no_part_of_a_result(tiny):
    with edited(tiny.folder / "workflow/stage.py", "\nEDITED = 1\n"):
        assert tiny.planned() == []


def test_memory_and_threads_are_no_part_of_a_result(tiny):
    path = tiny.folder / "workflow/rules/train.smk"
    text = path.read_text("utf-8")
    with edited(path, ""):
        path.write_text(text.replace("mem_mb=16000", "mem_mb=9000"), "utf-8")
        assert "mem_mb=9000" in path.read_text("utf-8")
        assert tiny.planned("--set-threads", "train_model=2") == []


@contextmanager
def changed(tiny: Project, change):
    """The tiny study's config after a change."""
    path = tiny.folder / CONFIG
    config = yaml.safe_load(path.read_text("utf-8"))
    change(config)
    with edited(path, ""):
        path.write_text(yaml.safe_dump(config, sort_keys=False), "utf-8")
        yield


def test_a_setting_plans_the_jobs_that_use_it_and_what_follows(tiny, jobs):
    def change(config):
        config["cohorts"]["small_7t"]["cleaning"]["max_size_px"] = 128

    with changed(tiny, change):
        planned = tiny.planned()
    users = [
        job
        for job in jobs
        if job.rule == "import_dicom" and dict(job.wildcards)["cohort"] == "small_7t"
    ]
    assert len(users) == 1
    assert {job.outputs for job in planned if job.own} == {job.outputs for job in users}
    assert {job.outputs for job in planned} == followers(jobs, users)
    assert not [o for job in planned for o in job.outputs if "cohorts/small_kaggle" in o]


def test_a_new_figure_is_drawn_without_anything_else(tiny):
    def change(config):
        config["figures"]["more"] = {"figure": "ef_error", "cohort": "small_7t"}

    with changed(tiny, change):
        (job,) = tiny.planned()
    assert (job.rule, dict(job.wildcards)["figure"]) == ("draw_figure", "more")


def test_a_new_model_changes_the_learning_curves_of_its_cohort_and_no_other_figure(tiny):
    path = tiny.folder / "config/models/tiny.tsv"
    row = next(r for r in path.read_text("utf-8").split("\n") if r.startswith("plain_all\t"))
    with edited(path, row.replace("plain_all", "another", 1) + "\n"):
        planned = tiny.planned()
    rules = {"train_model", "write_card", "write_models", "draw_figure", "write_headlines"}
    assert {job.rule for job in planned} == rules
    drawn = [dict(job.wildcards)["figure"] for job in planned if job.rule == "draw_figure"]
    assert drawn == ["learning_curves"]


def test_a_row_of_a_model_trains_this_model_and_those_that_start_from_it(tiny):
    path = tiny.folder / "config/models/tiny.tsv"
    text = path.read_text("utf-8")
    with edited(path, ""):
        lines = [
            line.replace("\t0.003\t", "\t0.002\t") if line.startswith("base\t") else line
            for line in text.split("\n")
        ]
        path.write_text("\n".join(lines), "utf-8")
        planned = tiny.planned()
    trained = {dict(job.wildcards)["model"] for job in planned if job.rule == "train_model"}
    assert trained == {"base", "double_all"}
    assert {job.rule for job in planned if job.own} == {"train_model", "write_models"}


@contextmanager
def with_recipes(tiny: Project, **changed: object):
    """The tiny study with the settings of two of its models in a recipe, some of them changed."""
    moved = [key for key in UNET if key not in ("subset", "splits", "start", "epochs")]
    table = pd.read_csv(tiny.folder / STUDY["models"], sep="\t", dtype=str, keep_default_na=False)
    users = table["model"].isin(["base", "plain_all"])
    table.loc[users, moved] = ""
    table.insert(1, "recipe", users.map({True: "tiny_unet", False: ""}))
    recipe = {"tiny_unet": {key: UNET[key] for key in moved} | changed}
    recipes, models = tiny.folder / "config/recipes.yaml", tiny.folder / STUDY["models"]
    with edited(recipes, "\n" + yaml.safe_dump(recipe)), edited(models, ""):
        write(table, models)
        yield


def test_settings_that_move_to_a_recipe_plan_nothing(tiny):
    with with_recipes(tiny):
        assert tiny.planned() == []


def test_an_edit_of_a_recipe_trains_the_models_that_use_it_and_those_that_start_from_them(tiny):
    with with_recipes(tiny, lr=0.002):
        planned = tiny.planned()
    own = {(job.rule, dict(job.wildcards).get("model")) for job in planned if job.own}
    assert own == {("train_model", "base"), ("train_model", "plain_all"), ("write_models", None)}
    trained = {dict(job.wildcards)["model"] for job in planned if job.rule == "train_model"}
    # double_all has the same settings in its row, and starts from base.
    assert trained == {"base", "plain_all", "double_all"}


def test_an_edit_of_a_recipe_that_no_row_names_plans_nothing(tiny):
    with with_recipes(tiny):
        path = tiny.folder / "config/recipes.yaml"
        path.write_text(path.read_text("utf-8").replace("  lr: 0.004\n", "  lr: 0.005\n"), "utf-8")
        assert "lr: 0.005" in path.read_text("utf-8")
        assert tiny.planned() == []


# -- what is made again of the same content --------------------------------------------------


@pytest.fixture(scope="module")
def run_again(tiny, tmp_path_factory):
    """A copy of the study, run again after an edit of the import that changes no image."""
    folder = tmp_path_factory.mktemp("again") / "project"
    shutil.copytree(tiny.folder, folder, symlinks=True)
    project = Project(folder)
    with (folder / "workflow/cmrseg/dicom/stack.py").open("a") as module:
        module.write("UNUSED = 1\n")
    return project, project.snakemake("--cores", "2")


def sums_of(project: Project) -> dict[str, str]:
    """Sums of all that stages read of each other, by path, with the flags of finished folders."""
    return {
        path.relative_to(project.results).as_posix(): sha256(path)
        for path in project.results.rglob("*")
        if path.is_file()
        and path.name not in ("record.json", "report.html")
        and path.relative_to(project.results).parts[0] not in ("logs", "benchmarks", ".kept")
    }


def kept_of(project: Project) -> dict[str, str]:
    """What kept results were made of, and their sums, by the folder."""
    kept = project.results / ".kept"
    return {
        path.parent.relative_to(kept).as_posix(): path.read_text("utf-8")
        for path in sorted(kept.rglob("made_of.json"))
    }


@pytest.mark.long
def test_costly_stages_of_the_same_content_are_taken_over(tiny, run_again):
    project, result = run_again
    assert result.returncode == 0, result.stdout[-3000:]
    before, after = sums_of(tiny), sums_of(project)
    told = {
        name: (before.get(name, "was not there"), after.get(name, "is gone"))
        for name in sorted(before | after)
        if before.get(name) != after.get(name)
    }
    logs = {
        path.relative_to(project.results / "logs"): path.read_text("utf-8")
        for rule in ("train_model", "label_shard")
        for path in (project.results / "logs" / rule).rglob("*.log")
    }
    behind = {path: text for path, text in logs.items() if "small_biobank" not in str(path)}
    assert {path.parts[0] for path in behind} == {"train_model", "label_shard"}
    made = [path for path, text in behind.items() if "taken over" not in text]
    # The network of the NIfTI cohort was not asked to train again.
    assert [path.as_posix() for path in made] == ["train_model/fcn.log"], (
        f"files that differ, sums before and after: {told}; what was kept, before: "
        f"{kept_of(tiny)}, after: {kept_of(project)}"
    )
    assert not told


@pytest.mark.long
def test_what_was_taken_over_is_what_was_there(tiny, run_again):
    project, _ = run_again
    for name in ("models/base/weights.safetensors", "models/base/record.json"):
        assert (project.results / name).read_bytes() == (tiny.results / name).read_bytes()


@pytest.mark.long
def test_a_changed_image_is_labelled_again(run_again):
    project, _ = run_again
    path = project.folder / "config/tiny.yaml"
    study = yaml.safe_load(path.read_text("utf-8"))
    study["cohorts"]["small_kaggle"]["cleaning"]["max_size_px"] = 48
    path.write_text(yaml.safe_dump(study), "utf-8")
    target = "results/tiny/cohorts/small_kaggle/labels/fcn/0000"
    result = project.snakemake("--cores", "1", target)
    assert result.returncode == 0, result.stdout[-3000:]
    log = project.results / "logs/label_shard/small_kaggle/fcn/0000.log"
    assert "taken over" not in log.read_text("utf-8")
