"""Tables and config of a study, read and held against their schemas."""

import difflib
from pathlib import Path
from typing import Any

import jsonschema
import pandas as pd
import yaml

SCHEMAS = Path(__file__).resolve().parent / "schemas"


class StudyError(ValueError):
    """A study cannot be run as it is written; the message says where and what to do."""


def check(value: dict[str, Any], schema: str, where: str) -> dict[str, Any]:
    """A copy of `value` with defaults, if it fits the schema.

    Raises StudyError naming the place, the value and what is allowed.
    """
    rules = yaml.safe_load((SCHEMAS / f"{schema}.schema.yaml").read_text("utf-8"))
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
    """Rows of a TSV with the types that its schema wants, each checked."""
    try:
        table = pd.read_csv(path, sep="\t", dtype=str, keep_default_na=False)
    except (OSError, pd.errors.ParserError, pd.errors.EmptyDataError) as error:
        raise StudyError(f"{path}: cannot be read as a table with tabs ({error})") from None
    rows = []
    for line, row in enumerate(table.to_dict("records"), start=2):
        where = f"{path}, line {line}"
        for column in (numbers | integers) & set(row):
            try:
                kind = int if column in integers else float
                row[column] = kind(row[column]) if row[column] != "" else None
            except ValueError:
                raise StudyError(
                    f"{where}: {column} is '{row[column]}', expected a number"
                ) from None
        rows.append(check(row, schema, where))
    return rows
