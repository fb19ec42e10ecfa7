"""Tables of shards that become one table."""

import gzip

import pytest

from cmrseg.files import read_table
from cmrseg.joined_tables import join_tables


def test_rows_follow_each_other_and_cells_stay_as_they_are(tmp_path):
    (tmp_path / "a.tsv").write_text("subject\tx\tdoubt\n071\t1\tNA\n72\t2.50\t\n")
    (tmp_path / "b.tsv").write_text('subject\tdoubt\ty\n73\t\'a ""b""\'\t1e-3\n')
    (tmp_path / "c.tsv").write_text("subject\n")
    join_tables([tmp_path / f"{name}.tsv" for name in "abc"], tmp_path / "all.tsv")
    assert (tmp_path / "all.tsv").read_text() == (
        'subject\tx\tdoubt\ty\n071\t1\tNA\t\n72\t2.50\t\t\n73\t\t"\'a """"b""""\'"\t1e-3\n'
    )


def test_packed_tables_have_the_same_bytes_every_time(tmp_path):
    for name in ("a", "b"):
        with gzip.open(tmp_path / f"{name}.tsv.gz", "wt") as file:
            file.write(f"subject\tx\n{name}\t1\n")
    paths = [tmp_path / f"{name}.tsv.gz" for name in ("a", "b")]
    for target in ("one.tsv.gz", "two.tsv.gz"):
        join_tables(paths, tmp_path / target)
    assert read_table(tmp_path / "one.tsv.gz")["subject"].tolist() == ["a", "b"]
    assert (tmp_path / "one.tsv.gz").read_bytes() == (tmp_path / "two.tsv.gz").read_bytes()


def test_a_file_that_is_no_table_is_named(tmp_path):
    (tmp_path / "a.tsv").write_text("")
    with pytest.raises(ValueError, match=r"a\.tsv: not a tab-separated table"):
        join_tables([tmp_path / "a.tsv"], tmp_path / "all.tsv")
    assert not (tmp_path / "all.tsv").exists()
