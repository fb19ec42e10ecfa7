"""The models table and its recipes: each row with all settings that its model is trained with."""

import difflib
from pathlib import Path
from typing import Any

import jsonschema

from cmrseg.results.record import with_tissues
from study.tables import (
    FIRST_LINE,
    StudyError,
    check,
    check_extent,
    columns_of,
    needed_columns,
    own_file,
    read_cells,
    read_yaml,
)

# Columns that identify a model and its training data. The others define how it is trained, and
# may be in a recipe.
OF_THE_MODEL = (
    "model",
    "recipe",
    "cohort",
    "labeller",
    "subset",
    "splits",
    "start",
    "coarse",
    "seed",
)
# A cell, or a value of a recipe, that is explicitly empty: an empty cell takes the recipe's value.
NONE = "none"
KINDS: dict[str, type] = {"number": float, "integer": int}
# Words for messages.
WORDS = {"number": "a number", "integer": "a whole number"}
BOUNDS = {
    "minimum": "of at least",
    "exclusiveMinimum": "above",
    "maximum": "at most",
    "exclusiveMaximum": "below",
    "multipleOf": "a multiple of",
}


def read_models(path: str, recipes: str) -> dict[str, dict[str, Any]]:
    """Settings of each model of a models table, by its name, in the order of the schema.

    A filled cell comes first, then the value of the row's recipe, then the schema's default. The
    name of the recipe is not part of the result. recipes: the file of recipes,
    read if a row names one. Raises StudyError naming the line or the recipe that is wrong.
    """
    table = read_cells(path)
    named = set(table.get("recipe", ())) - {"", NONE}
    known = read_recipes(recipes) if named else {}
    file = own_file(recipes)
    models: dict[str, dict[str, Any]] = {}
    for number, cells in enumerate(table.to_dict("records"), FIRST_LINE):
        where = f"{path}, line {number}"
        row = _resolved(cells, known, file, where)
        if row["model"] in models:
            raise StudyError(f"{path}: model {row['model']} occurs twice")
        models[row["model"]] = row
    return models


def read_recipes(path: str) -> dict[str, dict[str, Any]]:
    """Settings of each recipe of a file, as a row of a models table has them.

    The file in the working directory, else the one that comes with the workflow. Raises StudyError
    naming file, recipe, key and value.
    """
    file = own_file(path)
    if not Path(file).is_file():
        raise StudyError(f"recipes: no file {path}; name an existing file")
    recipes = read_yaml(file)
    for name, recipe in recipes.items():
        if not isinstance(name, str) or not _fits(name, columns_of("models")["recipe"]):
            raise StudyError(
                f"{file}: recipe {name!r}, expected a name of lower-case letters, digits and _"
            )
        if name in ("", NONE):
            raise StudyError(f"{file}: recipe '{name}' is what a row without one says; rename it")
        if not isinstance(recipe, dict):
            raise StudyError(f"{file}: recipe {name} is {recipe!r}, expected keys and values")
    return {name: _checked(recipe, f"{file}: recipe {name}") for name, recipe in recipes.items()}


def _checked(recipe: dict[str, Any], where: str) -> dict[str, Any]:
    """The values of a recipe with the types that a row has."""
    rules = {k: rule for k, rule in columns_of("models").items() if k not in OF_THE_MODEL}
    for key in recipe:
        if key in OF_THE_MODEL:
            raise StudyError(f"{where}: {key} is of a single model; put it into the models table")
        if key not in rules:
            near = difflib.get_close_matches(str(key), rules, n=1)
            hint = f"did you mean '{near[0]}'?" if near else f"known keys: {', '.join(rules)}"
            raise StudyError(f"{where}: unknown key '{key}'; {hint}")
    return {key: _value(value, rules[key], f"{where}: {key}") for key, value in recipe.items()}


def _value(value: Any, rule: dict[str, Any], where: str) -> Any:
    """A value of a recipe as the equivalent cell of a table."""
    if isinstance(value, str | int | float) and not isinstance(value, bool):
        try:
            typed = _typed(str(value), rule)
        except ValueError:
            typed = None
        if typed is not None and _fits(typed, rule):
            check_extent(typed, where)
            return typed
    hint = "docs/studies.md, 'Models table', says what each of them is"
    if isinstance(value, bool):
        hint = "YAML takes no, yes, off and on for that: write it in quotes"
    elif value is None:
        hint = f"write {NONE} for nothing, or leave the key out"
    raise StudyError(f"{where} is {value!r}, expected {_expected(rule)}; {hint}")


def _resolved(
    cells: dict[str, str], recipes: dict[str, dict[str, Any]], file: str, where: str
) -> dict[str, Any]:
    """A row with all settings, from its cells, its recipe and the schema's defaults."""
    rules = columns_of("models")
    name = cells.get("recipe", "")
    if name not in ("", NONE, *recipes):
        near = difflib.get_close_matches(name, recipes, n=1)
        hint = f"did you mean '{near[0]}'?" if near else f"there are {', '.join(recipes)}"
        raise StudyError(f"{where}: no recipe '{name}' in {file}; {hint}")
    row: dict[str, Any] = dict(recipes.get(name, {}))
    cells = _with_tissues(cells, where)
    for column, text in cells.items():
        try:
            # An unknown column is reported by the check of the row.
            if text != "" or column not in rules:
                row[column] = _typed(text, rules.get(column, {}))
        except ValueError:
            raise StudyError(f"{where}: {column} is '{text}', expected a number") from None
    for column in needed_columns("models"):
        if column not in row:
            source = f", and recipe {name} does not have it either" if name in recipes else ""
            raise StudyError(
                f"{where}: has no '{column}', which is needed{source}; fill the cell"
                + ("" if column in OF_THE_MODEL else ", or name a recipe with it")
            )
    checked = check(row, "models", where)
    return {column: value for column, value in checked.items() if column != "recipe"}


def _with_tissues(cells: dict[str, str], where: str) -> dict[str, str]:
    """Cells with `tissues` in place of `classes` from tables of earlier versions."""
    cells = dict(cells)
    classes = cells.pop("classes", "")
    if classes and cells.get("tissues"):
        raise StudyError(f"{where}: has classes and tissues; take the column classes out")
    if classes:
        try:
            number = int(classes) if classes.isdecimal() else classes
            cells["tissues"] = with_tissues({"classes": number}, where)["tissues"]
        except ValueError as error:
            raise StudyError(str(error)) from None
    return cells


def _typed(text: str, rule: dict[str, Any]) -> Any:
    """A cell with the type of its column; raises ValueError if it is not a number."""
    if text == NONE and rule.get("default") == "":
        return ""
    return KINDS.get(rule.get("type", ""), str)(text)


def _fits(value: Any, rule: dict[str, Any]) -> bool:
    return bool(jsonschema.Draft202012Validator(rule).is_valid(value))


def _expected(rule: dict[str, Any]) -> str:
    """The values allowed in a column, in words."""
    if "enum" in rule:
        return "one of " + ", ".join(str(choice) or NONE for choice in rule["enum"])
    if "pattern" in rule:
        return f"text: {rule['description']}"
    bounds = [f"{words} {rule[key]}" for key, words in BOUNDS.items() if key in rule]
    return f"{WORDS[rule['type']]} {' and '.join(bounds)}"
