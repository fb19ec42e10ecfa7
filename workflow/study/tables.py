"""Tables and config of a study, read and checked against their schemas."""

import datetime
import difflib
import math
import re
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema
import pandas as pd
import yaml

from cmrseg.files import check_plain
from cmrseg.labels import SHORT_NAMES
from cmrseg.layouts.inputs import TAGGING_GRID
from cmrseg.nets.kinds import ENCODERS, KINDS
from cmrseg.sequences import SEQUENCES
from cmrseg.tasks.kinds import KINDS as TASKS

# Values that files of the layout hdf5 do not contain: a cell of the subject table, else a key of
# the cohort or of its phantom.
GRID = ("spacing_mm", "slice_distance_mm", "frame_interval_ms")
# Layouts of such files. Those of `tagging` may tell their pixel size; else unknown values are about
# those of UK Biobank's tagged cines, as strain does not depend on them.
WITHOUT_GRID = ("hdf5", "tagging")
USUAL_GRID = {"tagging": TAGGING_GRID}
REPOSITORY = Path(__file__).resolve().parents[2]
SCHEMAS = REPOSITORY / "workflow" / "schemas"
# Of schemas: in C, where libyaml is there, it takes a tenth of the time. Files of users are read by
# PyYAML's own code, which raises RecursionError where they are nested too deep.
SCHEMA_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
# Values of a column that a schema leaves to a registry, by the name after its `enum_of`.
REGISTRIES = {
    "networks": list(KINDS),
    "encoders": ["", *ENCODERS],
    "sequences": list(SEQUENCES),
    "tasks": list(TASKS),
    "losses": list(dict.fromkeys(loss for task in TASKS.values() for loss in task.losses)),
    "tissues": list(SHORT_NAMES.values()),
}
# First row of a table after the header.
FIRST_LINE = 2
# Far above any study; larger files are mistakes, or meant to fill the memory.
DEEPEST, MOST_ITEMS = 20, 10**6
CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")
LONG = re.compile(r"[^/]{240}")
# Of paths in the schema of a study.
WITHOUT_BRACES = "^[^{}]*$"


class StudyError(ValueError):
    """An error in a study; the message says where it is and what to do."""


def own_file(path: str) -> str:
    """A file that comes with the workflow, by its path in the repository.

    A file at the same path in the working directory replaces it: a study that runs in another
    folder, as a module of another workflow, may have its own catalogues. In the top folder of the
    repository the two are the same.
    """
    return path if Path(path).is_file() else str(REPOSITORY / path)


def read_yaml(path: str) -> dict[str, Any]:
    """Keys and values of a YAML file. Raises StudyError naming an invalid file."""
    try:
        check_plain(path)
        content = yaml.safe_load(Path(path).read_text("utf-8"))
    except (OSError, ValueError, yaml.YAMLError, RecursionError) as error:
        raise StudyError(f"{path}: cannot be read as YAML ({_line(error)})") from None
    if not isinstance(content, dict):
        raise StudyError(f"{path}: expected keys and values")
    check_extent(content, path)
    return content


def check_extent(value: Any, where: str) -> None:
    """Refuse content that no study has, but schemas do not detect.

    Parts of a YAML file may contain themselves, or be repeated many times over. nan is neither too
    small nor too large. A name that ends with a line break matches a pattern with `$`.
    """
    waiting, count = [(value, 0)], 0
    while waiting:
        item, depth = waiting.pop()
        if isinstance(item, dict | list):
            count += len(item)
            waiting += [(i, depth + 1) for i in item]
            waiting += [(i, depth + 1) for i in item.values()] if isinstance(item, dict) else []
        elif isinstance(item, float) and not math.isfinite(item):
            raise StudyError(f"{where}: {item} is not a usable number")
        elif isinstance(item, str) and (CONTROL.search(item) or LONG.search(item)):
            raise StudyError(
                f"{where}: {item[:20]!r}... has a line end or other unseen sign, or is longer than "
                "a file's name may be"
            )
        if depth > DEEPEST or count > MOST_ITEMS:
            raise StudyError(
                f"{where}: nested deeper than {DEEPEST} levels, or more than {MOST_ITEMS} items; "
                "write it without anchors that repeat or contain each other"
            )


def check(value: dict[str, Any], schema: str, where: str) -> dict[str, Any]:
    """A copy of `value` with defaults, in the order of the schema, if it fits the schema.

    Raises StudyError naming the place, the value and what is allowed.
    """
    check_extent(value, where)
    validator = _validator(schema)
    errors = sorted(validator.iter_errors(value), key=lambda e: list(map(str, e.path)))
    if errors:
        raise StudyError(_sentence(errors[0], where))
    return _with_defaults(value, validator.schema, validator.schema)


@cache
def _validator(schema: str) -> jsonschema.Draft202012Validator:
    # Read once, as each row of a table is checked.
    rules = yaml.load((SCHEMAS / f"{schema}.schema.yaml").read_text("utf-8"), SCHEMA_LOADER)
    _fill_in(rules)
    return jsonschema.Draft202012Validator(rules)


def _fill_in(rule: Any) -> None:
    """Insert the names of registries where a schema, or a part of it, refers to them."""
    if isinstance(rule, dict):
        if "enum_of" in rule:
            rule["enum"] = REGISTRIES[rule.pop("enum_of")]
        for part in rule.values():
            _fill_in(part)
    elif isinstance(rule, list):
        for part in rule:
            _fill_in(part)


def columns_of(schema: str) -> dict[str, dict[str, Any]]:
    """The schema of each column of a table, in its order."""
    properties: dict[str, dict[str, Any]] = _validator(schema).schema["properties"]
    return properties


def needed_columns(schema: str) -> list[str]:
    """Columns in which every row of a table needs a value."""
    return list(_validator(schema).schema["required"])


def _with_defaults(value: Any, rule: dict[str, Any], root: dict[str, Any]) -> Any:
    if "$ref" in rule:
        rule = root["$defs"][rule["$ref"].rsplit("/", 1)[1]]
    if isinstance(value, list):
        return [_with_defaults(item, rule.get("items", {}), root) for item in value]
    if not isinstance(value, dict):
        return value
    known = rule.get("properties", {})
    other = rule.get("additionalProperties")
    filled = {}
    # Not in the order of the file, as params are compared as text.
    for key, property_ in known.items():
        if key in value or "default" in property_:
            item = value.get(key, property_.get("default"))
            filled[key] = _with_defaults(item, property_, root)
    rest = other if isinstance(other, dict) else {}
    return filled | {
        key: _with_defaults(item, rest, root) for key, item in value.items() if key not in known
    }


def _line(error: Exception) -> str:
    """An error in one line."""
    return " ".join(str(error).split()) or type(error).__name__


def _sentence(error: jsonschema.ValidationError, where: str) -> str:
    place = ".".join(map(str, error.absolute_path))
    place = f"{where}: {place}" if place else where
    if error.validator == "additionalProperties":
        known = list(error.schema["properties"])
        unknown = next(key for key in error.instance if key not in known)
        near = difflib.get_close_matches(str(unknown), known, n=1)
        hint = f"did you mean '{near[0]}'?" if near else f"known keys: {', '.join(known)}"
        return f"{place}: unknown key '{unknown}'; {hint}"
    if error.validator == "anyOf":
        for inner in error.context or ():
            if inner.validator_value == WITHOUT_BRACES:
                return _sentence(inner, where)
    if error.validator_value == WITHOUT_BRACES:
        return (
            f"{place}: '{error.instance}' has a brace, which Snakemake takes for a wildcard; "
            "rename what is there, or give the path of a link to it"
        )
    if error.validator == "oneOf":
        return f"{place}: needs either `raw` (a folder) or `phantom`, not both"
    if error.validator == "required":
        missing = next(key for key in error.validator_value if key not in error.instance)
        return f"{place}: has no '{missing}', which is needed"
    if (
        error.validator == "type"
        and error.validator_value == "string"
        and _looks_odd(error.instance)
    ):
        return f"{place}: {error.instance!r} is not text; write names and ids in quotes, as '071'"
    return f"{place}: {error.message}"


def _looks_odd(value: Any) -> bool:
    """Whether YAML converts an unquoted value to something other than text."""
    return isinstance(value, bool | int | float | datetime.date)


def read_cells(path: str) -> pd.DataFrame:
    """Cells of a TSV as text. Raises StudyError naming an invalid file."""
    try:
        check_plain(path)
        table = pd.read_csv(path, sep="\t", dtype=str, keep_default_na=False)
    except UnicodeDecodeError as error:
        raise StudyError(f"{path}: is not text in UTF-8 ({error}); save it as that") from None
    except (OSError, ValueError) as error:
        raise StudyError(f"{path}: cannot be read as a table with tabs ({_line(error)})") from None
    if len(table.columns) == 1:
        raise StudyError(
            f"{path}: has the one column '{table.columns[0]}'; separate columns by tabs, not by "
            "commas or spaces"
        )
    return table


def read_rows(
    path: str, schema: str, numbers: set[str], integers: set[str]
) -> list[dict[str, Any]]:
    """Rows of a TSV with the types of its schema, each checked.

    They have the order of the schema and its defaults: the order of columns and empty columns do
    not affect the rows.
    The schema constrains single cells, so each distinct value of a column is checked once: tables
    have up to hundreds of thousands of rows.
    """
    table = read_cells(path)
    for column in sorted((numbers | integers) & set(table.columns)):
        table[column] = _as_numbers(table[column], int if column in integers else float, path)
    rows = table.to_dict("records")
    for line in _doubtful_lines(table, schema):
        check(rows[line - FIRST_LINE], schema, f"{path}, line {line}")
    known = _validator(schema).schema["properties"]
    missing = {k: r["default"] for k, r in known.items() if "default" in r and k not in table}
    order = [key for key in known if key in table or key in missing]
    return [{key: row[key] for key in order} for row in (row | missing for row in rows)]


def _as_numbers(cells: pd.Series, kind: type, path: str) -> pd.Series:
    """Numbers of a column of text, None for an empty cell."""
    known: dict[str, Any] = {}
    for text in cells.unique():
        try:
            known[text] = kind(text) if text != "" else None
        except ValueError:
            line = int((cells == text).argmax()) + FIRST_LINE
            raise StudyError(
                f"{path}, line {line}: {cells.name} is '{text}', expected a number"
            ) from None
    return pd.Series([known[text] for text in cells], cells.index, object)


def _doubtful_lines(table: pd.DataFrame, schema: str) -> list[int]:
    """Lines with the first wrong value of a column, or the first line if a column is wrong."""
    rules = _validator(schema).schema
    known = rules["properties"]
    if set(table.columns) - set(known) or set(rules["required"]) - set(table.columns):
        return [FIRST_LINE] if len(table) else []
    lines = set()
    for column, cells in table.items():
        allows = jsonschema.Draft202012Validator(known[column]).is_valid
        wrong = [value for value in cells.unique() if not (allows(value) and _plain(value))]
        if wrong:
            lines.add(int(cells.isin(wrong).argmax()) + FIRST_LINE)
    return sorted(lines)


def _plain(value: Any) -> bool:
    try:
        check_extent(value, "")
    except StudyError:
        return False
    return True
