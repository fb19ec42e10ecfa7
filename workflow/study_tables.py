"""Tables and config of a study, read and held against their schemas."""

import difflib
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema
import pandas as pd
import yaml

SCHEMAS = Path(__file__).resolve().parent / "schemas"
# Of a table, behind the header.
FIRST_LINE = 2


class StudyError(ValueError):
    """A study cannot be run as it is written; the message says where and what to do."""


@cache
def read_schema(name: str) -> dict[str, Any]:
    """A schema by name; not to be changed."""
    return yaml.safe_load((SCHEMAS / f"{name}.schema.yaml").read_text("utf-8"))


def check(value: dict[str, Any], schema: str, where: str) -> dict[str, Any]:
    """A copy of `value` with defaults, if it fits the schema.

    Raises StudyError naming the place, the value and what is allowed.
    """
    rules = read_schema(schema)
    errors = sorted(
        jsonschema.Draft202012Validator(rules).iter_errors(value),
        key=lambda e: list(map(str, e.path)),
    )
    if errors:
        raise StudyError(_sentence(errors[0], where))
    return _with_defaults(value, rules, rules)


def _with_defaults(value: Any, rule: dict[str, Any], root: dict[str, Any]) -> Any:
    if "$ref" in rule:
        rule = root["$defs"][rule["$ref"].rsplit("/", 1)[1]]
    if not isinstance(value, dict):
        return value
    known = rule.get("properties", {})
    other = rule.get("additionalProperties")
    filled = {
        key: _with_defaults(item, known.get(key, other if isinstance(other, dict) else {}), root)
        for key, item in value.items()
    }
    for key, property_ in known.items():
        if key not in filled and "default" in property_:
            filled[key] = _with_defaults(property_["default"], property_, root)
    return filled


def _sentence(error: jsonschema.ValidationError, where: str) -> str:
    place = ".".join(map(str, error.absolute_path))
    place = f"{where}: {place}" if place else where
    if error.validator == "additionalProperties":
        known = list(error.schema["properties"])
        unknown = next(key for key in error.instance if key not in known)
        near = difflib.get_close_matches(str(unknown), known, n=1)
        hint = f"did you mean '{near[0]}'?" if near else f"known keys: {', '.join(known)}"
        return f"{place}: unknown key '{unknown}'; {hint}"
    if error.validator == "oneOf":
        return f"{place}: needs either `raw` (a folder) or `phantom`, not both"
    return f"{place}: {error.message}"


def read_rows(
    path: str, schema: str, numbers: set[str], integers: set[str]
) -> list[dict[str, Any]]:
    """Rows of a TSV with the types that its schema wants, each checked.

    A schema of rows says what a cell may be, so each value of a column is checked once: tables
    have up to hundreds of thousands of rows.
    """
    try:
        table = pd.read_csv(path, sep="\t", dtype=str, keep_default_na=False)
    except (OSError, pd.errors.ParserError, pd.errors.EmptyDataError) as error:
        reason = str(error).strip()
        raise StudyError(f"{path}: cannot be read as a table with tabs ({reason})") from None
    except UnicodeDecodeError as error:
        raise StudyError(f"{path}: is not text in UTF-8 ({error}); save it as that") from None
    if len(table.columns) == 1:
        raise StudyError(
            f"{path}: has the one column '{table.columns[0]}'; separate columns by tabs, not by "
            "commas or spaces"
        )
    for column in sorted((numbers | integers) & set(table.columns)):
        table[column] = _as_numbers(table[column], int if column in integers else float, path)
    rows = table.to_dict("records")
    for line in _doubtful_lines(table, schema):
        check(rows[line - FIRST_LINE], schema, f"{path}, line {line}")
    return rows


def _as_numbers(cells: pd.Series, kind: type, path: str) -> pd.Series:
    """Numbers of a column of text, None where a cell is empty."""
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
    """Lines that hold the first wrong value of a column, or the first line if a column is wrong."""
    rules = read_schema(schema)
    known = rules["properties"]
    if set(table.columns) - set(known) or set(rules["required"]) - set(table.columns):
        return [FIRST_LINE] if len(table) else []
    lines = set()
    for column, cells in table.items():
        allows = jsonschema.Draft202012Validator(known[column]).is_valid
        wrong = [value for value in cells.unique() if not allows(value)]
        if wrong:
            lines.add(int(cells.isin(wrong).argmax()) + FIRST_LINE)
    return sorted(lines)
