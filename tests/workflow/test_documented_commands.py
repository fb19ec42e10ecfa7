"""Every command of the documents is true: it is planned, parsed, or its parts are there."""

import ast
import re
import shutil
from importlib.util import find_spec
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
from snakemake.cli import parse_args

from documented import (
    PLACEHOLDERS,
    blocks,
    commands,
    documents,
    filled,
    inline,
    programs,
    script_of,
)
from tiny_study import ROOT, copy_project

SNAKEMAKE = ".venv/bin/snakemake"
# Options of a run that are not those of its plan, with or without a value.
LEFT_OUT = {
    "--dry-run": 0,
    "--report": 1,
    "--cores": 1,
    "--groups": None,
    "--group-components": None,
}
# What cannot be planned here: other programs, clusters, folders by hand.
PARSED_ALONE = ("--sdm", "--workflow-profile", "--default-storage-provider", "--unlock")
# Plans that are looked at on every change. The others are in `make test-more`, and those of
# studies that have tests of their own in `make soak`.
USUAL = (
    "--configfile config/own-data.yaml",
    "predict_all --config input=one_examination model=ukbb_sa",
    "published",
)
# Programs of the shell, and of others, that are not ours to test.
FOREIGN = ("podman", "apptainer", "cp", "ln", "mkdir", "git", "rm", "docker", "sudo", "pip")
RULES = {
    name
    for path in [*(ROOT / "workflow").rglob("*.smk"), ROOT / "Snakefile"]
    for name in re.findall(r"^(?:rule|checkpoint) (\w+):", path.read_text("utf-8"), re.M)
}


def of(program: str) -> list[str]:
    """The commands of a program in all documents, each once, with placeholders filled."""
    found = [*commands(), *inline()]
    return sorted({" ".join(filled(line)) for _, line in found if line.split()[0] == program})


def planned(command: str) -> tuple[str, ...] | None:
    """The words of a plan; None for what is only parsed."""
    words = command.split()[1:]
    if any(option in words for option in PARSED_ALONE):
        return None
    kept, skip = [], 0
    for word in words:
        if word in LEFT_OUT:
            skip = LEFT_OUT[word]
        elif skip:
            skip -= 1
        else:
            kept.append(word)
    default = ["--configfile", "config/config.yaml"]
    return tuple(kept[:-2] if kept[-2:] == default else kept)


PLANS = sorted({plan for command in of(SNAKEMAKE) if (plan := planned(command)) is not None})


def plans() -> list:
    """Of equal commands one, with the mark that it has."""
    found = []
    for command in map(" ".join, PLANS):
        study = re.search(r"--configfile config/(?!own-data|contours)", command)
        marks = [] if command in USUAL else [pytest.mark.soak if study else pytest.mark.long]
        found.append(pytest.param(command, marks=marks, id=command or "the demo"))
    return found


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    """A copy of the project with what users bring."""
    made = copy_project(tmp_path_factory.mktemp("documented"))
    (made.folder / "my_data/annotations/expert").mkdir(parents=True)
    one = made.folder / "one_examination"
    one.mkdir()
    nib.save(nib.Nifti1Image(np.zeros((4, 4, 3, 2), np.uint8), np.eye(4)), one / "sa.nii.gz")
    (made.folder / "my_data/p06").symlink_to(one)
    # Where a network of a study is named that has not been run.
    for model in ("results/own_data/models/mine_from_ukbb", "results/demo/models/double_all"):
        (made.folder / model).parent.mkdir(parents=True, exist_ok=True)
    table = "subject\tsplit\n1234567\ttest\n"
    (made.folder / "config/cohorts/ukbb_bulk.tsv").write_text(table)
    shutil.copytree(made.folder / "workflow/profiles/slurm", made.folder / "my_cluster")
    return made


@pytest.mark.parametrize("command", plans())
def test_a_command_is_planned(project, command):
    # A network that is fetched in the place of one that a study would have trained.
    words = [re.sub(r"^model=results/\S+", "model=ukbb_sa", word) for word in command.split()]
    words = [re.sub(r"^input=results/\S+", "input=one_examination", word) for word in words]
    done = project.snakemake("--dry-run", *words, "--quiet", "all", config="")
    assert done.returncode == 0, f"{command}\n{done.stdout[-2000:]}"


def test_the_usual_commands_are_among_those_of_the_documents():
    assert set(USUAL) <= set(map(" ".join, PLANS))


def test_every_option_and_target_of_snakemake_is_known():
    for command in of(SNAKEMAKE):
        words = [word for word in command.split()[1:] if not word.startswith("fs")]
        given = parse_args([w for w in words if w != "--default-storage-provider"])[1]
        for path in given.configfile or []:
            assert Path(path).is_file() or (ROOT / path).is_file(), command
        for target in given.targets or []:
            assert target in RULES or "/" in target, f"{command}: no target {target}"


def test_no_command_needs_a_program_that_is_not_installed():
    """After `make`, programs are in .venv/bin and nowhere else."""
    bare = [
        f"{name}: {line}" for name, line in commands() if re.match(r"(snakemake|python) ", line)
    ]
    bare += [f"{name}: {line}" for name, line in inline() if line.startswith("snakemake ")]
    assert bare == []


def test_conda_is_asked_for_as_snakemake_does_today():
    old = [name for name, text in documents().items() if re.search("--use-(conda|apptainer)", text)]
    assert old == []


def test_every_target_of_make_is_there():
    text = (ROOT / "Makefile").read_text("utf-8")
    targets = set(re.findall(r"^([\w./-]+)(?: [\w.-]+)*:(?!=)", text, re.M))
    targets |= {
        word for line in re.findall(r"^\.PHONY: (.+)$", text, re.M) for word in line.split()
    }
    variables = set(re.findall(r"\$\((\w+)\)", text)) | {"PIP_NO_INDEX", "PIP_FIND_LINKS"}
    lines = [line for _, line in commands() if re.search(r"(^|\s)make ", line)]
    for command in [*lines, *(line for _, line in inline() if line.startswith("make "))]:
        for word in (w for w in filled(command) if w != "make"):
            name, given, _ = word.partition("=")
            assert name in (variables if given else targets), f"{command}: make has no {name}"


def test_options_of_the_page_are_known():
    """By the text of its parser: importing the page takes seconds."""
    known = re.findall(r'"(--[\w-]+)"', (ROOT / "workflow/app/__main__.py").read_text("utf-8"))
    given = {w for _, line in [*commands(), *inline()] for w in filled(line) if "APP=" in w}
    assert given
    for words in given:
        options = re.findall(r"--[\w-]+", words)
        assert set(options) <= set(known), words


def test_options_of_describe_are_known():
    from cmrseg.describe.__main__ import parser

    found = [w for _, line in [*commands(), *inline()] for w in filled(line) if "OPTIONS=" in w]
    assert found
    for words in found:
        assert parser().parse_args([*words.removeprefix("OPTIONS=").split(), "folder"]).folder


def test_scripts_and_modules_of_python_are_there():
    lines = [line for _, line in [*commands(), *inline()] if "python" in line.split()[0]]
    assert lines
    for command in lines:
        words = filled(command)
        script = script_of(words)
        assert script is None or script.is_file(), f"{command}: no file {script}"
        if "-m" in words:
            assert find_spec(words[words.index("-m") + 1]), command


def test_programs_in_documents_compile_and_import_what_is_there():
    found = [*programs(), *blocks("python")]
    assert len(found) > 2
    for name, text in found:
        if "snakefile:" in text or "params:" in text:
            # Rules of Snakemake, which tests of their own look at.
            continue
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.ImportFrom):
                # Importing them all takes seconds.
                source = find_spec(node.module).origin
                known = set(re.findall(r"\w+", Path(source).read_text("utf-8")))
                for alias in node.names:
                    assert alias.name in known, f"{name}: {node.module}.{alias.name}"


def test_every_other_word_at_the_begin_of_a_line_is_a_known_program():
    known = (SNAKEMAKE, "make", ".venv/bin/python", "python3", *FOREIGN)
    for name, line in commands():
        words = [word for word in line.split() if not re.match(r"^[A-Z_]+=", word)]
        assert words[0] in known, f"{name}: {line}"


def test_paths_that_documents_name_are_there():
    text = "\n".join(documents().values())
    named = set(re.findall(r"`((?:config|workflow|tests|envs|docs)/[\w./-]+\.\w+)`", text))
    own = {"config/my_data.yaml", "config/models/clinic.tsv"}
    own |= {f"config/cohorts/{name}.tsv" for name in ("ukbb_bulk", "my_data", "clinic")}
    missing = [path for path in sorted(named - own) if not (ROOT / path).exists()]
    assert missing == []


def test_every_placeholder_of_a_command_is_filled():
    for name, line in commands():
        left = re.findall(r"<[a-z][^>]*>", " ".join(filled(line)))
        assert left == [], f"{name}: {line}; known are {', '.join(PLACEHOLDERS)}"
