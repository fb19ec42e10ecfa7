"""Columns of a models table about averaged weights, precision, least epochs and views."""

import json
from pathlib import Path

import pytest

from small_study import MODELS, given_model, small_study
from study.recipes import read_recipes
from study.tables import StudyError

make = pytest.fixture(small_study)
given = pytest.fixture(given_model)


def table(**columns):
    """The table with more columns; cells of its three models each."""
    head, *rows = MODELS.strip().split("\n")
    lines = [head + "".join(f" {name}" for name in columns)]
    for i, row in enumerate(rows):
        lines.append(row + "".join(f" {cells[i]}" for cells in columns.values()))
    return "\n".join(lines) + "\n"


def test_a_row_that_says_nothing_has_what_was_there_before(make):
    for row in make().models.values():
        assert (row["averaged"], row["precision"], row["least_epochs"], row["views"]) == (
            *(0.0, "float32"),
            *(0, 1),
        )


def test_rows_say_how_weights_are_averaged_and_in_what_they_are_computed(make):
    study = make(models=table(averaged=["0.995", "-", "0"], precision=["bfloat16", "-", "float32"]))
    rows = study.models.values()
    assert [row["averaged"] for row in rows] == [0.995, 0.0, 0.0]
    assert [row["precision"] for row in rows] == ["bfloat16", "float32", "float32"]
    assert study.training("fcn")["averaged"] == 0.995
    assert study.training("fcn")["precision"] == "bfloat16"
    for column, value, sentence in (
        ("averaged", "1", "averaged: 1.0 is greater than or equal to the maximum of 1"),
        ("averaged", "-0.1", "averaged: -0.1 is less than the minimum of 0"),
        ("precision", "float16", "precision: 'float16' is not one of"),
    ):
        with pytest.raises(StudyError, match=f"line 2: {sentence}"):
            make(models=table(**{column: [value, "-", "-"]}))


def test_views_are_of_labelling_alone(make):
    study = make(models=table(views=["8", "-", "2"]))
    assert [study.model(name)["views"] for name in study.models] == [8, 1, 2]
    assert repr(study.training("fcn")) == repr(make().training("fcn"))
    with pytest.raises(StudyError, match=r"line 2: views: 3 is not one of \[1, 2, 4, 8\]"):
        make(models=table(views=["3", "-", "-"]))


def test_a_given_model_may_label_in_several_views_or_is_refused(given):
    def edit(config):
        config["evaluate"][0]["labellers"].append("mine")

    path = Path("elsewhere/mine/record.json")
    record = json.loads(path.read_text())
    for views in (4, 5):
        record["settings"]["views"] = views
        path.write_text(json.dumps(record))
        if views == 4:
            assert given("elsewhere/mine", edit).model("mine")["views"] == 4
            continue
        with pytest.raises(StudyError, match="model mine: views 5, expected one of 1, 2, 4, 8"):
            given("elsewhere/mine", edit)


def test_least_epochs_are_of_early_stopping_alone(make):
    models = table(least_epochs=["30", "-", "-"])
    with pytest.raises(
        StudyError, match="model fcn: least_epochs 30 with schedule constant; only early_stopping"
    ):
        make(models=models)
    study = make(models=models.replace(" constant ", " early_stopping "))
    assert study.training("fcn")["least_epochs"] == 30


def test_a_recipe_may_say_all_of_it_and_is_refused_in_words(tmp_path):
    path = tmp_path / "recipes.yaml"
    path.write_text("a: {averaged: 0.9, precision: bfloat16, views: 8, least_epochs: 30}\n")
    assert read_recipes(str(path))["a"] == {
        **{"averaged": 0.9, "precision": "bfloat16", "views": 8, "least_epochs": 30}
    }
    for text, sentence in (
        ("views: 3", "recipe a: views is 3, expected one of 1, 2, 4, 8"),
        ("averaged: 1", "averaged is 1, expected a number of at least 0 and below 1"),
        ("precision: half", "precision is 'half', expected one of float32, bfloat16"),
        ("augmentation: myop", "augmentation is 'myop', expected one of no, .*myops, myops_cmrseg"),
    ):
        path.write_text(f"a: {{{text}}}\n")
        with pytest.raises(StudyError, match=sentence):
            read_recipes(str(path))
