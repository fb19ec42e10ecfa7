import os

import numpy as np
import pandas as pd
import pytest

from cmrseg.files import read_table, replacing, write_table

TABLE = pd.DataFrame({"subject": ["071", "71"], "ef": [0.5, 0.25], "detail": ["", "so"]})


@pytest.mark.parametrize("name", ["a.tsv", "a.tsv.gz"])
def test_a_table_comes_back_as_it_was_written(tmp_path, name):
    write_table(TABLE, tmp_path / name)
    pd.testing.assert_frame_equal(read_table(tmp_path / name), TABLE, check_dtype=False)


def test_a_compressed_table_s_bytes_do_not_depend_on_name_time_or_process(tmp_path, monkeypatch):
    write_table(TABLE, tmp_path / "a.tsv.gz")
    monkeypatch.setattr(os, "getpid", lambda: 123456)
    write_table(TABLE, tmp_path / "b.tsv.gz")
    content = (tmp_path / "a.tsv.gz").read_bytes()
    assert content == (tmp_path / "b.tsv.gz").read_bytes()
    # Fourth byte: no name. Next four: no time (RFC 1952).
    assert content[3:8] == bytes(5)


def test_ids_that_look_like_missing_values_or_numbers_stay_text(tmp_path):
    ids = ["NA", "None", "nan", "071", ""]
    names = ("subject", "study", "pid", "PatientID", "dir", "file")
    table = pd.DataFrame(dict.fromkeys(names, ids) | {"ef": [0.5, np.nan, 1, 2, np.nan]})
    write_table(table, tmp_path / "a.tsv")
    read = read_table(tmp_path / "a.tsv")
    for name in names:
        assert read[name].tolist() == ids
    assert read["ef"].isna().tolist() == [False, True, False, False, True]
    assert read["ef"].dtype == float


def test_a_file_that_is_no_table_is_named(tmp_path):
    (tmp_path / "a.tsv").write_bytes(b"")
    with pytest.raises(ValueError, match=r"a\.tsv: not a tab-separated table"):
        read_table(tmp_path / "a.tsv")


def test_what_stood_there_stays_where_writing_fails(tmp_path):
    path = tmp_path / "a.txt"
    path.write_text("old")

    def write_half():
        with replacing(path) as temporary:
            temporary.write_text("new")
            raise RuntimeError("half way")

    with pytest.raises(RuntimeError, match="half way"):
        write_half()
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_what_a_killed_process_left_is_removed(tmp_path):
    (tmp_path / ".partial-1-table.tsv").write_text("half")
    (tmp_path / ".partial-2-table.tsv").mkdir()
    (tmp_path / ".partial-1-other.tsv").write_text("somebody else's")
    write_table(pd.DataFrame({"a": [1]}), tmp_path / "table.tsv")
    assert sorted(path.name for path in tmp_path.iterdir()) == [".partial-1-other.tsv", "table.tsv"]
