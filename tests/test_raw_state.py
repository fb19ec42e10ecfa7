"""What raw files look like: any edit below a folder changes it, and nothing else."""

import os

import pytest

from raw_state import state_of


@pytest.fixture
def folder(tmp_path):
    for name in ("a/1.con", "a/b/2.con"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("contour")
    return tmp_path


def test_looking_twice_tells_the_same(folder):
    before = state_of(folder)
    (folder / "a/.snakemake_timestamp").touch()
    os.utime(folder / "a")
    assert before == state_of(folder) != ""


@pytest.mark.parametrize(
    "edit",
    [
        lambda folder: (folder / "a/b/2.con").write_text("other"),
        lambda folder: os.utime(folder / "a/b/2.con", ns=(1, 1)),
        lambda folder: (folder / "a/b/2.con").rename(folder / "a/b/3.con"),
        lambda folder: (folder / "a/b/2.con").unlink(),
    ],
)
def test_an_edit_deep_inside_is_noticed(folder, edit):
    before = state_of(folder)
    edit(folder)
    assert state_of(folder) != before


def test_a_file_has_a_state_and_what_is_absent_has_none(folder):
    assert len(state_of(folder / "a/1.con")) == 16
    assert state_of(folder / "absent") == ""
