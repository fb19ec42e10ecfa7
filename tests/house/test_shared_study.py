"""One finished study for all tests: made once, by one process, and copied."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

import shared_study
from shared_study import shared
from tiny_study import ROOT, environment


def make(folder: Path) -> None:
    (folder / "results").mkdir()
    (folder / "results/table.tsv").write_text("made")
    (folder / "link").symlink_to("results")
    os.utime(folder / "results/table.tsv", ns=(1, 2))


@pytest.fixture
def stated(monkeypatch):
    """What the study is made of."""
    state = {"content": "a"}
    monkeypatch.setattr(shared_study, "content", lambda: state["content"])
    return state


def never(folder: Path) -> None:
    raise AssertionError("it was there")


def empty(path: Path) -> Path:
    path.mkdir()
    return path


def test_a_further_one_is_a_copy_with_its_times_and_links(tmp_path, stated):
    store = tmp_path / "store"
    first = shared(store, empty(tmp_path / "first"), make)
    second = shared(store, empty(tmp_path / "second"), never)
    table = second.folder / "results/table.tsv"
    assert (table.read_text(), table.stat().st_mtime_ns) == ("made", 2)
    assert os.readlink(second.folder / "link") == "results"
    table.write_text("edited")
    assert (first.folder / "results/table.tsv").read_text() == "made"
    third = shared(store, empty(tmp_path / "third"), never)
    assert (third.folder / "results/table.tsv").read_text() == "made"


def test_an_edit_makes_another_and_old_ones_are_removed(tmp_path, stated):
    for number in range(6):
        stated["content"] = str(number)
        shared(tmp_path / "store", empty(tmp_path / f"copy{number}"), make)
    assert sorted(p.name for p in (tmp_path / "store").iterdir()) == ["3", "4", "5", "lock"]


def test_one_that_was_not_finished_is_none(tmp_path, stated):
    def fail(folder: Path) -> None:
        make(folder)
        raise OSError("no room")

    with pytest.raises(OSError, match="no room"):
        shared(tmp_path / "store", empty(tmp_path / "first"), fail)
    (tmp_path / "store/partial/half").mkdir(parents=True)
    shared(tmp_path / "store", empty(tmp_path / "second"), make)
    third = shared(tmp_path / "store", empty(tmp_path / "third"), never)
    assert not (third.folder / "half").exists()


# Notes that the study was made, and takes its time for it.
PROGRAM = """
import sys, time
from pathlib import Path
from shared_study import shared

def make(folder):
    with open(sys.argv[2], "a") as file:
        file.write("made\\n")
    time.sleep(0.2)
    (folder / "table").write_text("made")

project = shared(Path(sys.argv[1]), Path(sys.argv[3]), make)
assert (project.folder / "table").read_text() == "made"
"""


def test_of_processes_that_ask_at_once_one_makes_it(tmp_path):
    paths = [str(ROOT / "workflow"), str(ROOT / "tests/helpers")]
    started = [
        subprocess.Popen(
            [
                *(sys.executable, "-c", PROGRAM, tmp_path / "store", tmp_path / "made"),
                empty(tmp_path / str(number)),
            ],
            env=environment() | {"PYTHONPATH": os.pathsep.join(paths)},
        )
        for number in range(3)
    ]
    assert [process.wait() for process in started] == [0, 0, 0]
    assert (tmp_path / "made").read_text() == "made\n"


def test_what_a_run_reads_makes_another_study_and_a_document_does_not(tmp_path, monkeypatch):
    names = ["Snakefile", "workflow/stage.py", "config/demo.yaml", "resources/checksums.tsv"]
    names += ["tests/helpers/tiny_study.py", "README.md", "tests/house/test_house.py"]
    for name in names:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(name)
    monkeypatch.setattr(shared_study, "ROOT", tmp_path)
    monkeypatch.setattr(shared_study, "project_files", lambda: names)
    changed = []
    for name in names:
        before = shared_study.content()
        (tmp_path / name).write_text("edited")
        if shared_study.content() != before:
            changed.append(name)
    assert changed == names[:5]
