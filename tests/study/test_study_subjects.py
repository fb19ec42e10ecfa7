"""Tables of subjects: what is read of them, and what is refused."""

import pandas as pd
import pytest

from small_study import SUBJECTS, small_study
from study.subjects import plain_rows
from study.tables import StudyError, read_rows

make = pytest.fixture(small_study)


def test_subjects_are_dealt_to_shards_in_order(make):
    study = make()
    assert study.shards("people") == ["0000", "0001"]
    assert [row["subject"] for row in study.rows("people", "0000")] == ["1", "2"]
    assert [row["subject"] for row in study.rows("people", "0001")] == ["3"]


def test_ids_stay_text(make):
    study = make(subjects=SUBJECTS.replace("\n1\t", "\n001\t"))
    assert study.rows("people", "0000")[0]["subject"] == "001"


def test_rows_are_plain_python_as_params_are_compared_as_text():
    frames = pd.Series([None, 7], dtype=object)
    table = pd.DataFrame({"subject": ["1", "2"], "edv_ml": [150.5, None], "es_frame": frames})
    rows = plain_rows(table.assign(seed=[3, 4]))
    assert (
        repr([list(row.values()) for row in rows]) == "[['1', 150.5, None, 3], ['2', None, 7, 4]]"
    )
    assert plain_rows(table[:0]) == []


def test_an_empty_cohort_is_refused(make):
    with pytest.raises(StudyError, match=r"cohort people: subjects\.tsv has no subjects"):
        make(subjects="subject\tsplit\n")


def test_a_repeated_subject_is_refused(make):
    with pytest.raises(StudyError, match="subject 1 twice"):
        make(subjects=SUBJECTS + "1\ttrain\t100\t50\n")


def test_a_missing_truth_row_is_refused_by_name(make):
    with pytest.raises(StudyError, match="no edv_ml and esv_ml for 2;"):
        make(subjects=SUBJECTS.replace("2\ttrain\t120\t50", "2\ttrain\t\t50"))


def test_a_truth_that_cannot_be_is_refused(make):
    with pytest.raises(StudyError, match="subject 2 has edv_ml below esv_ml"):
        make(subjects=SUBJECTS.replace("120\t50", "50\t120"))


def test_a_number_that_is_none_is_refused_with_its_line(make):
    with pytest.raises(StudyError, match=r"subjects\.tsv, line 3: edv_ml is 'many'"):
        make(subjects=SUBJECTS.replace("120", "many"))


def test_a_subject_table_with_another_column_is_refused(make):
    with pytest.raises(StudyError, match="unknown key 'weight'"):
        make(subjects="subject\tsplit\tweight\n1\ttrain\t80\n")


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (
            b"subject,split\n1,train\n",
            "has the one column 'subject,split'; separate columns by tabs",
        ),
        ("subject\tstudy\tsplit\n1\tJörg\ttrain\n".encode("latin1"), "is not text in UTF-8"),
        (b"subject\tsplit\n1\ttrain\tx\ty\n2\ttrain\n3\ttrain\tx\ty\tz\n", "as a table with tabs"),
    ],
)
def test_a_table_of_another_program_is_refused_with_what_to_do(tmp_path, text, sentence):
    path = tmp_path / "subjects.tsv"
    path.write_bytes(text)
    with pytest.raises(StudyError, match=sentence):
        read_rows(str(path), "subjects", set(), set())


def test_stacks_of_one_phantom_study_stay_in_one_job(make):
    def edit(config):
        people = config["cohorts"]["people"]
        del people["raw"]
        people["phantom"] = {
            "scanner": "1.5T", "rows": 64, "columns": 48, "spacing_mm": 5,
            "slice_distance_mm": 10, "thickness_mm": 8, "frames": 5,
        }  # fmt: skip

    subjects = "subject\tstudy\tseries\tsplit\tedv_ml\tesv_ml\n"
    for subject, study, series in (("1", "1", ""), ("2_a", "2", "!sax_9"), ("2_b", "2", "sax_9")):
        subjects += f"{subject}\t{study}\t{series}\ttrain\t150\t60\n"
    with pytest.raises(StudyError, match="the subjects of study 2 fall into two jobs"):
        make(edit, subjects=subjects)


def with_studies(*rows):
    table = "subject\tstudy\tseries\tsplit\tedv_ml\tesv_ml\n"
    rows = [*rows, ("9", "9", "", "validate")]
    return table + "".join("\t".join(row) + "\t150\t60\n" for row in rows)


def test_a_patient_in_two_splits_is_refused(make):
    rows = (("1_a", "1", "sax_2", "train"), ("1_b", "1", "!sax_2", "test"))
    with pytest.raises(StudyError, match="study 1 is in splits train, test"):
        make(subjects=with_studies(*rows))


def test_two_subjects_of_the_same_series_are_refused(make):
    rows = (("1_a", "1", "", "train"), ("1_b", "1", "sax_2", "train"))
    with pytest.raises(StudyError, match="subjects 1_a, 1_b are the same series of study 1"):
        make(subjects=with_studies(*rows))


@pytest.mark.parametrize("row", [("1", "../1", "", "train"), ("1_rot90", "1", "", "train")])
def test_ids_that_would_leave_their_folder_or_look_like_a_copy_are_refused(make, row):
    with pytest.raises(StudyError, match=r"subjects\.tsv, line 2: (study|subject)"):
        make(subjects=with_studies(row))


def test_the_set_is_the_split_unless_the_table_says_otherwise(make):
    subjects = "subject\tsplit\tset\tedv_ml\tesv_ml\n1\ttrain\ttest\t9\t3\n2\tvalidate\t\t9\t3\n"
    rows = make(subjects=subjects).import_rows("people")
    assert [row["set"] for row in rows] == ["test", "validate"]


def test_known_volumes_do_not_import_anew(make):
    assert set(make().import_rows("people", "0000")[0]) == {"subject", "study", "series", "set"}


def test_a_split_does_not_import_anew_where_nothing_lies_in_the_folder_of_a_set(make):
    def edit(config):
        config["cohorts"]["people"].update(layout="folder", annotators={"truth": "qmass"})

    assert {row["set"] for row in make(edit).import_rows("people")} == {""}
