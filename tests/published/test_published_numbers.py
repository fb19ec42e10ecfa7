"""Published numbers beside recomputed ones: rounding, ties, and what is missing."""

import pandas as pd
import pytest

from cmrseg.published.numbers import (
    COLUMNS,
    PUBLISHED_COLUMNS,
    compare,
    numbers_table,
    read_published,
    refuse_disagreement,
)


def published(*rows):
    return pd.DataFrame([(*row, "")[:4] for row in rows], columns=list(PUBLISHED_COLUMNS))


def only(value, printed, sound=""):
    """The one row of a comparison, as a dict."""
    table = compare(
        published(("A", "x", printed)),
        numbers_table([("A", "x", value, sound)]),
    )
    assert tuple(table.columns) == COLUMNS
    return table.iloc[0].to_dict()


@pytest.mark.parametrize(
    ("value", "printed", "shown", "agrees"),
    [
        (3.6355, "3.64", "3.64", "yes"),
        (3.6345, "3.64", "3.63", "no"),
        (3.6451, "3.64", "3.65", "no"),
        (3.7, "3.70", "3.70", "yes"),
        (0.3899931234, "0.3899931", "0.3899931", "yes"),
        (-18.4392, "-18.439", "-18.439", "yes"),
        (18.4392, "-18.439", "18.439", "no"),
        (1149, "1149", "1149", "yes"),
        (1148, "1149", "1148", "no"),
        (45790.9, "45,791", "45,791", "yes"),
        (45792, "45,791", "45,792", "no"),
        (4.9781e-5, "4.978e-05", "4.978e-05", "yes"),
        (4.9791e-5, "4.978e-05", "4.979e-05", "no"),
        (2e-12, "< 1e-9", "< 1e-9", "yes"),
        (2e-9, "< 1e-9", "2e-09", "no"),
        (float("nan"), "1.0", "nan", "no"),
        (float("inf"), "1.0", "inf", "no"),
        ("23, 17, 44", "23, 17, 44", "23, 17, 44", "yes"),
        ("23, 17", "23, 17, 44", "23, 17", "no"),
        (23, "23, 17, 44", "23", "no"),
    ],
)
def test_a_number_agrees_if_it_rounds_to_the_printed_one(value, printed, shown, agrees):
    row = only(value, printed)
    assert (row["published"], row["recomputed"], row["agrees"]) == (printed, shown, agrees)
    assert row["note"] == ""


def test_both_neighbours_of_a_tie_agree_and_the_note_says_so():
    # 0.125 is exact in binary; 2.675 is stored a little below, 1.005 a little above or below.
    for value, neighbours in ((0.125, "0.12 0.13"), (2.675, "2.67 2.68"), (1.005, "1.00 1.01")):
        for printed in neighbours.split():
            row = only(value, printed)
            assert (row["agrees"], row["note"]) == ("yes", f"a tie: {value}")
    assert only(41035.5, "41,036")["agrees"] == "yes"
    assert only(0.12502, "0.12")["agrees"] == "no"


def test_the_sound_value_is_shown_with_the_same_digits():
    assert only(3.6355, "3.64", 3.7486)["sound"] == "3.75"
    assert only(148, "148", 75)["sound"] == "75"
    assert only(148, "148", 0)["sound"] == "0"
    for empty in ("", None, float("nan")):
        assert only(148, "148", empty)["sound"] == ""


def test_rows_are_in_the_published_order():
    table = compare(
        published(("B", "y", "2"), ("A", "x", "1")),
        numbers_table([("A", "x", 1, ""), ("B", "y", 2, "")]),
    )
    assert table["id"].tolist() == ["B", "A"]


def test_what_cannot_be_recomputed_says_why():
    table = compare(
        published(("A", "x", "5", "the images are not public"), ("A", "y", "", "unknown")),
        numbers_table([]),
    )
    assert table["agrees"].tolist() == ["", ""]
    assert table["recomputed"].tolist() == ["", ""]
    assert table["note"].tolist() == ["the images are not public", "unknown"]


def test_a_number_that_is_not_recomputed_is_refused_by_name():
    with pytest.raises(ValueError, match="published but not recomputed: A x; B y"):
        compare(published(("B", "y", "2"), ("A", "x", "1")), numbers_table([]))


def test_a_number_that_is_not_published_is_refused_by_name():
    rows = [("A", "x", 1, ""), ("A", "z", 1, "")]
    with pytest.raises(ValueError, match="recomputed but not published: A z"):
        compare(published(("A", "x", "1")), numbers_table(rows))


def test_a_reason_beside_a_recomputed_number_is_refused_by_name():
    with pytest.raises(ValueError, match="recomputed although there is a reason not to: A x"):
        compare(published(("A", "x", "1", "no data")), numbers_table([("A", "x", 1, "")]))


def test_neither_value_nor_reason_is_refused_by_name():
    with pytest.raises(ValueError, match="published without a value or a reason: A x"):
        compare(published(("A", "x", "")), numbers_table([("A", "x", 1, "")]))


def test_quantities_that_are_twice_in_a_table_are_refused_by_name():
    one, row = published(("A", "x", "1")), ("A", "x", 1, "")
    with pytest.raises(ValueError, match="twice among the published numbers: A x"):
        compare(pd.concat([one, one]), numbers_table([row]))
    with pytest.raises(ValueError, match="twice among the recomputed numbers: A x"):
        compare(one, numbers_table([row, row]))


def test_long_lists_of_names_are_cut():
    rows = [("A", str(n), 1, "") for n in range(25)]
    with pytest.raises(ValueError, match="and 5 more"):
        compare(published(), numbers_table(rows))


def test_disagreeing_rows_are_named():
    rows = [("A", "x", 1, ""), ("A", "y", 3, "")]
    table = compare(published(("A", "x", "1"), ("A", "y", "2")), numbers_table(rows))
    with pytest.raises(
        ValueError, match=r"1 of 2 numbers do not .*: A y: published 2, recomputed 3"
    ):
        refuse_disagreement(table)
    refuse_disagreement(table[table["agrees"] == "yes"])


def test_published_files_keep_their_digits(tmp_path):
    for name, value in (("one", "3.70"), ("two", "0.50")):
        text = f"id\tquantity\tpublished\treason\nA\t{name}\t{value}\t\n"
        (tmp_path / f"{name}.tsv").write_text(text)
    table = read_published([tmp_path / "one.tsv", tmp_path / "two.tsv"])
    assert table["published"].tolist() == ["3.70", "0.50"]
    assert table["reason"].tolist() == ["", ""]


def test_published_files_with_other_columns_are_refused_by_name(tmp_path):
    (tmp_path / "odd.tsv").write_text("id\tvalue\nA\t1\n")
    with pytest.raises(
        ValueError, match=r"odd.tsv: columns must be id, quantity, .* got id, value"
    ):
        read_published([tmp_path / "odd.tsv"])
