"""Compare published with recomputed numbers, to the printed digits."""

import math
import re
from collections.abc import Iterable
from decimal import ROUND_HALF_EVEN, Decimal
from pathlib import Path

import pandas as pd

# Columns returned by a module with numbers: key, a number or text, and the number by the sounder
# convention if the published one is questionable, else "".
NUMBER_COLUMNS = ("id", "quantity", "recomputed", "sound")

# Columns of a table in resources/. A number that cannot be recomputed has a reason.
PUBLISHED_COLUMNS = ("id", "quantity", "published", "reason")

COLUMNS = ("id", "quantity", "published", "recomputed", "agrees", "sound", "note")

# 4.97 3.70 45,791 -0.5 4.978e-05
NUMBER = re.compile(r"-?(?:\d+|\d{1,3}(?:,\d{3})+)(?:\.\d+)?(?:e[+-]?\d+)?")
BELOW = re.compile(r"< ?(?P<bound>.+)")

# A number agrees to half of the last printed digit. At a tie both neighbours are accepted, as
# programs round 0.125 both ways; the excess is for ties that are not exact in binary.
HALF_DIGIT = Decimal("0.5")
BINARY_EXCESS = Decimal("1e-6")

# Number of rows shown in an error.
MOST_SHOWN = 20


def numbers_table(rows: Iterable[tuple]) -> pd.DataFrame:
    """Rows of (id, quantity, recomputed, sound) as a table that preserves integers and texts."""
    return pd.DataFrame(list(rows), columns=list(NUMBER_COLUMNS), dtype=object)


def read_published(paths: Iterable[str | Path]) -> pd.DataFrame:
    """Published numbers of all files, in order, as text with the printed digits.

    Raises ValueError naming a file with columns other than PUBLISHED_COLUMNS.
    """
    tables = []
    for path in paths:
        table = pd.read_csv(path, sep="\t", dtype=str, keep_default_na=False)
        if tuple(table.columns) != PUBLISHED_COLUMNS:
            raise ValueError(
                f"{path}: columns must be {', '.join(PUBLISHED_COLUMNS)}, "
                f"got {', '.join(table.columns)}"
            )
        tables.append(table)
    return pd.concat(tables, ignore_index=True)


def compare(published: pd.DataFrame, recomputed: pd.DataFrame) -> pd.DataFrame:
    """Every published number and the recomputed one, in the order of `published`.

    published: PUBLISHED_COLUMNS as text. recomputed: NUMBER_COLUMNS. Returns COLUMNS as text.
    recomputed and sound have as many digits as the published number. agrees is yes or no, or ''
    with the reason in note if the number cannot be recomputed:
    - a number agrees if rounding gives the printed one, that is within half of its last digit;
      at a tie both neighbours agree, and note says so;
    - `< 1e-9` agrees with smaller numbers;
    - any other text agrees with the same text.
    Raises ValueError naming quantities that occur twice in a table, that are published but not
    recomputed or recomputed but not published, or that have neither a published value nor a
    reason.
    """
    ours = _by_key(recomputed, "recomputed")
    theirs = _by_key(published, "published")
    expected = {key for key, row in theirs.items() if not row["reason"]}
    bare = [key for key in expected if not theirs[key]["published"]]
    _refuse("published without a value or a reason", bare)
    _refuse("published but not recomputed", expected - ours.keys())
    _refuse("recomputed but not published", ours.keys() - theirs.keys())
    _refuse("recomputed although there is a reason not to", ours.keys() & theirs.keys() - expected)
    rows = []
    for key, row in theirs.items():
        shown, agrees, sound, note = "", "", "", row["reason"]
        if key in ours:
            value, better = ours[key]["recomputed"], ours[key]["sound"]
            shown, agrees, note = _held_against(value, row["published"])
            sound = "" if _is_empty(better) else _at_digits(better, row["published"])
        rows.append((*key, row["published"], shown, agrees, sound, note))
    return pd.DataFrame(rows, columns=list(COLUMNS))


def refuse_disagreement(table: pd.DataFrame) -> None:
    """Raise ValueError with the rows of `compare` that do not agree, if there are any."""
    wrong = table[table["agrees"] == "no"]
    if not wrong.empty:
        shown = [
            f"{row.id} {row.quantity}: published {row.published}, recomputed {row.recomputed}"
            for row in wrong.head(MOST_SHOWN).itertuples()
        ]
        raise ValueError(
            f"{len(wrong)} of {len(table)} numbers do not agree with the published ones: "
            + "; ".join(shown)
            + ("; ..." if len(wrong) > MOST_SHOWN else "")
        )


def _by_key(table: pd.DataFrame, name: str) -> dict[tuple[str, str], pd.Series]:
    twice = table[table.duplicated(["id", "quantity"])]
    _refuse(f"twice among the {name} numbers", zip(twice["id"], twice["quantity"], strict=True))
    return {(row["id"], row["quantity"]): row for _, row in table.iterrows()}


def _refuse(what: str, keys: Iterable[tuple[str, str]]) -> None:
    names = sorted(f"{id_} {quantity}" for id_, quantity in keys)
    if names:
        more = f" and {len(names) - MOST_SHOWN} more" if len(names) > MOST_SHOWN else ""
        raise ValueError(f"{what}: {'; '.join(names[:MOST_SHOWN])}{more}")


def _is_empty(value: object) -> bool:
    return value is None or value == "" or bool(pd.isna(value))


def _held_against(value: float | str, published: str) -> tuple[str, str, str]:
    """(value as shown, yes or no, note) of a number or text."""
    shown = _at_digits(value, published)
    if isinstance(value, str):
        return shown, "yes" if value == published else "no", ""
    number = Decimal(float(value))
    below = BELOW.fullmatch(published)
    if below:
        # Values far below a bound may differ between machines, and need not be shown.
        if number < Decimal(below["bound"]):
            return published, "yes", ""
        return shown, "no", ""
    if not NUMBER.fullmatch(published) or not number.is_finite():
        return shown, "no", ""
    digit = _last_digit(published)
    distance = abs(number - _decimal(published)) / digit
    agrees = "yes" if distance <= HALF_DIGIT + BINARY_EXCESS else "no"
    tie = abs(distance - HALF_DIGIT) <= BINARY_EXCESS
    return shown, agrees, f"a tie: {float(value)!r}" if tie else ""


def _at_digits(value: float | str, published: str) -> str:
    """A number with the digits of a printed one, or with three digits for any other text."""
    if isinstance(value, str):
        return value
    number = float(value)
    if not NUMBER.fullmatch(published) or not math.isfinite(number):
        return f"{number:.3g}"
    mantissa, _, exponent = published.partition("e")
    if exponent:
        return f"{number:.{len(mantissa.partition('.')[2])}e}"
    rounded = Decimal(number).quantize(_last_digit(published), ROUND_HALF_EVEN)
    return f"{rounded:,f}" if "," in published else f"{rounded:f}"


def _last_digit(published: str) -> Decimal:
    """The value of one step in the last printed digit: 0.01 for 3.70."""
    return Decimal(1).scaleb(int(_decimal(published).as_tuple().exponent))


def _decimal(published: str) -> Decimal:
    return Decimal(published.replace(",", ""))
