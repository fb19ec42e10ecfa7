"""What a rule is told does not depend on the order of keys and columns, nor on empty columns.

Snakemake compares params as they are written, so each comparison here is one of `repr`.
"""

import re
from pathlib import Path

import pytest

from small_study import MODELS, SUBJECTS, small_study
from study.sources import read_checksums, read_sources
from study.tables import StudyError

make = pytest.fixture(small_study)


def reversed_columns(text: str, separator: str) -> str:
    lines = [line.split(separator)[::-1] for line in text.strip().split("\n")]
    return "\n".join(separator.join(cells) for cells in lines) + "\n"


def with_column(text: str, separator: str, name: str, empty: str) -> str:
    head, *rows = text.strip().split("\n")
    return "\n".join([head + separator + name, *(row + separator + empty for row in rows)]) + "\n"


@pytest.mark.parametrize(
    "models",
    [
        reversed_columns(MODELS, " "),
        with_column(MODELS, " ", "islands", "-"),
        with_column(MODELS, " ", "head_weights", "-"),
    ],
)
def test_rows_of_models_are_the_same(make, models):
    assert repr(make(models=models).models) == repr(make().models)


@pytest.mark.parametrize(
    "subjects",
    [reversed_columns(SUBJECTS, "\t")]
    + [
        with_column(SUBJECTS, "\t", name, "")
        for name in ("es_frame", "series", "set", "annotation", "faults", "study", "spacing_mm")
    ],
)
def test_rows_of_subjects_are_the_same(make, subjects):
    study, same = make(), make(subjects=subjects)
    assert repr(same.rows("people", "0000")) == repr(study.rows("people", "0000"))
    assert repr(same.import_rows("people")) == repr(study.import_rows("people"))


def test_known_volumes_may_be_empty_columns(make):
    def edit(config):
        del config["confidence"], config["models"]
        config["evaluate"] = [{"cohort": "people", "labellers": ["truth"], "reference": "truth"}]

    without = "\n".join("\t".join(line.split("\t")[:2]) for line in SUBJECTS.split("\n"))
    empty = "\n".join(
        line if number == 0 else "\t".join([*line.split("\t")[:2], "", ""])
        for number, line in enumerate(SUBJECTS.strip().split("\n"))
    )
    study, same = make(edit, subjects=without), make(edit, subjects=empty + "\n")
    assert repr(same.rows("people", "0000")) == repr(study.rows("people", "0000"))


def test_settings_have_the_order_of_the_schema(make):
    def written(*keys):
        def edit(config):
            values = {"mode": "compat", "max_size_px": 128}
            config["cohorts"]["people"]["cleaning"] = {key: values[key] for key in keys}

        return make(edit).cohorts["people"]["cleaning"]

    assert repr(written("mode", "max_size_px")) == repr(written("max_size_px", "mode"))
    assert list(written("mode", "max_size_px")) == ["mode", "max_size_px"]


def test_names_that_people_give_keep_their_order(make):
    def edit(config):
        config["cohorts"]["people"]["annotators"] = {
            "zoe": "masks",
            "truth": "masks",
            "abe": "nifti",
        }

    assert make(edit).annotators("people") == ["zoe", "truth", "abe"]


def test_training_does_not_know_what_labelling_alone_reads(make):
    study = make(models=with_column(MODELS, " ", "islands", "code"))
    assert study.models["fcn"]["islands"] == study.model("fcn")["islands"] == "code"
    assert repr(study.training("fcn")) == repr(make().training("fcn"))
    assert "islands" not in study.training("fcn")


def braces(key, value):
    def edit(config):
        people = config["cohorts"]["people"]
        if key == "raw":
            people["raw"] = value
        elif key == "annotators":
            people["annotators"]["truth"] = {"form": "masks", "raw": value}
        elif key == "weights":
            config["weights"] = {"mine": value}
        elif key == "published_values":
            config[key] = {"table": value, "cohort": "people", "labeller": "base"}
        else:
            config[key] = value

    return edit


@pytest.mark.parametrize(
    ("key", "place"),
    [
        ("raw", "cohorts.people.raw"),
        ("annotators", "cohorts.people.annotators.truth.raw"),
        ("weights", "weights.mine"),
        ("published_values", "published_values.table"),
        ("published_tables", "published_tables"),
    ],
)
@pytest.mark.parametrize("path", ["data/{patient}", "a{b", "a}b", "data/{{x}}"])
def test_a_brace_in_a_path_is_refused_by_name(make, key, place, path):
    sentence = f"config: {place}: '{path}' has a brace, which Snakemake takes for a wildcard"
    with pytest.raises(StudyError, match=re.escape(sentence)):
        make(braces(key, path))


def test_a_name_in_brackets_is_a_path_like_others(make):
    assert make(braces("raw", "data [new] (2)")).cohorts["people"]["raw"] == "data [new] (2)"


def test_the_workflow_s_own_files_are_found_from_any_folder(make, tmp_path):
    assert Path.cwd() == tmp_path
    assert "cmr_seg_tl" in read_sources()
    assert read_checksums()
    (tmp_path / "resources").mkdir()
    (tmp_path / "resources/sources.yaml").write_text("mine: {kind: files}\n")
    assert list(read_sources()) == ["mine"]


def test_a_table_of_published_numbers_that_is_not_there_is_named(make):
    with pytest.raises(StudyError, match=r"published_values: no table none\.tsv"):
        make(braces("published_values", "none.tsv"))
