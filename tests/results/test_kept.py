"""Results that are taken over instead of being made again."""

import json
import os

import pytest

from cmrseg.results.kept import keep, kept_folder, made_of, restore


@pytest.fixture
def place(tmp_path):
    """A file and a folder that a job has made, and where they are kept."""
    (tmp_path / "weights").write_text("w")
    (tmp_path / "labels/7").mkdir(parents=True)
    (tmp_path / "labels/7/sa").write_text("l")
    return tmp_path, tmp_path / ".kept/x", [tmp_path / "weights", tmp_path / "labels"]


def forget(outputs):
    """What Snakemake does before a job runs again."""
    outputs[0].unlink()
    for path in sorted(outputs[1].rglob("*"), reverse=True):
        path.unlink() if path.is_file() else path.rmdir()
    outputs[1].rmdir()


def test_what_a_result_is_made_of_is_content_and_facts(tmp_path):
    first, second = tmp_path / "a", tmp_path / "b"
    first.write_text("x")
    second.write_text("x")
    assert made_of([first], {"lr": 1}) == made_of([second], {"lr": 1})
    assert made_of([first], {"lr": 1}) != made_of([first], {"lr": 2})
    second.write_text("y")
    assert made_of([first, second], {}) != made_of([second, first], {})


def test_results_of_the_same_source_come_back(place):
    _, folder, outputs = place
    keep(folder, "abc", outputs)
    forget(outputs)
    assert restore(folder, "abc", outputs)
    assert outputs[0].read_text() == "w"
    assert (outputs[1] / "7/sa").read_text() == "l"


def test_kept_results_take_no_room_of_their_own(place):
    _, folder, outputs = place
    keep(folder, "abc", outputs)
    assert os.stat(outputs[0]).st_nlink == 2


def test_results_of_another_source_do_not(place):
    _, folder, outputs = place
    keep(folder, "abc", outputs)
    forget(outputs)
    assert not restore(folder, "abd", outputs)
    assert not outputs[0].exists()


def test_nothing_kept_is_nothing_restored(place):
    _, folder, outputs = place
    forget(outputs)
    assert not restore(folder, "abc", outputs)


@pytest.mark.parametrize("damage", ["bytes", "file", "facts"])
def test_damaged_results_are_not_used(place, damage):
    _, folder, outputs = place
    keep(folder, "abc", outputs)
    forget(outputs)
    if damage == "bytes":
        (folder / "1/7/sa").write_text("other")
    elif damage == "file":
        (folder / "0").unlink()
        (folder / "0").mkdir()
    else:
        (folder / "made_of.json").write_text(json.dumps({"made_of": "abc"})[:-3])
    assert not restore(folder, "abc", outputs)


@pytest.mark.parametrize("content", [b"[]", b"7", b'"abc"', b"null", b"\xff\xfe", b"[" * 100_000])
def test_facts_that_are_no_facts_restore_nothing(place, content):
    _, folder, outputs = place
    keep(folder, "abc", outputs)
    forget(outputs)
    (folder / "made_of.json").write_bytes(content)
    assert not restore(folder, "abc", outputs)
    assert not outputs[0].exists()


def test_a_kept_file_that_is_gone_restores_nothing(place):
    _, folder, outputs = place
    keep(folder, "abc", outputs)
    forget(outputs)
    (folder / "0").unlink()
    assert not restore(folder, "abc", outputs)


def test_an_absent_input_is_refused_by_name(tmp_path):
    (tmp_path / "empty").mkdir()
    assert made_of([tmp_path / "empty"], {})
    with pytest.raises(FileNotFoundError, match=r"gone: no such file or folder"):
        made_of([tmp_path / "empty", tmp_path / "gone"], {})


def test_the_last_results_are_kept(place):
    _, folder, outputs = place
    keep(folder, "abc", outputs)
    outputs[0].unlink()
    outputs[0].write_text("new")
    keep(folder, "def", outputs)
    forget(outputs)
    assert not restore(folder, "abc", outputs)
    assert restore(folder, "def", outputs)
    assert outputs[0].read_text() == "new"


def test_results_are_kept_in_the_study_s_folder():
    path = kept_folder("results/demo/models/base/weights.safetensors")
    assert path.as_posix() == "results/demo/.kept/models/base/weights.safetensors"
