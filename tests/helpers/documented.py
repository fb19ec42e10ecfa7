"""Commands that the documents show, and what stands in the place of their placeholders."""

import re
import shlex
from functools import cache
from pathlib import Path

from tiny_study import ROOT, project_files

BLOCK = re.compile(r"^( *)```(\w+)\n(.*?)^ *```", re.M | re.S)
HEREDOC = re.compile(r"^(.*) - <<'PYTHON'\n(.*?)^PYTHON$", re.M | re.S)
# Of the published study, in whose place others are that are as small as can be.
PLACEHOLDERS = {
    # Only some studies have labels to export.
    "results/<study>/cohorts/<cohort>/export/<labeller>.<form>": "export_all",
    "results/<study>/cohorts/<cohort>/export/<labeller>": "export_all",
    "<folder of models>": "results",
    "<folder>": "one_examination",
    "<study>": "config",
    "<source>": "cmr_seg_tl",
    "<cohort>": "kaggle",
    "<labeller>": "fcn",
    "<store>": "store",
    # Studies that the reader writes.
    "config/my_data.yaml": "config/contours.yaml",
    "config/clinic.yaml": "config/own-data.yaml",
}


@cache
def documents() -> dict[str, str]:
    """The text of each document a user reads, by its path."""
    names = [
        name
        for name in project_files()
        if name.endswith(".md") and "vendor" not in name and not name.startswith(("CHANGELOG", "."))
    ]
    return {name: (ROOT / name).read_text("utf-8") for name in names}


def blocks(language: str) -> list[tuple[str, str]]:
    """Document and text of each block of a language, without its indent."""
    found = []
    for name, text in documents().items():
        for indent, kind, block in BLOCK.findall(text):
            if kind == language:
                lines = (line.removeprefix(indent) for line in block.splitlines())
                found.append((name, "\n".join(lines) + "\n"))
    return found


def commands() -> list[tuple[str, str]]:
    """Document and line of each command of the shell, comments removed, lines joined."""
    found = []
    for name, block in blocks("sh"):
        plain = HEREDOC.sub("", block).replace("\\\n", " ")
        lines = (re.sub(r"(^|\s)#.*$", "", line).strip() for line in plain.splitlines())
        found += [(name, line) for line in lines if line]
    return found


def programs() -> list[tuple[str, str]]:
    """Document and text of each Python program that a shell is given."""
    return [(name, text) for name, block in blocks("sh") for _, text in HEREDOC.findall(block)]


def inline() -> list[tuple[str, str]]:
    """Document and text of what is in backticks and begins like a command."""
    found = []
    for name, text in documents().items():
        prose = BLOCK.sub("", text)
        for words in re.findall(r"`((?:\S*snakemake|\S*python\d?|make) [^`]+)`", prose):
            found.append((name, " ".join(words.split())))
    return found


def filled(command: str) -> list[str]:
    """The words of a command, with something in the place of each placeholder."""
    for name, value in PLACEHOLDERS.items():
        command = command.replace(name, value)
    return [word for word in shlex.split(command) if word != "..."]


def script_of(words: list[str]) -> Path | None:
    """The script that a call of Python runs."""
    return next((ROOT / word for word in words[1:] if word.endswith(".py")), None)
