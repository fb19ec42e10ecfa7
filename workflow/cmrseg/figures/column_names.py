"""Names of table columns in words, with the unit at the end of the name."""

from typing import NamedTuple

from cmrseg.measure.aha_segments import GLOBAL, LEVELS


class Words(NamedTuple):
    """Name and unit of a column on axes, and the factor from the table to that unit."""

    name: str
    unit: str
    factor: float = 1.0


# Unit on axes by the end of a column's name; longer ends come first.
UNITS = {
    "_per_1000_mmhg": "10⁻³ mmHg⁻¹",
    "_ml_per_m2": "ml/m²",
    "_g_per_m2": "g/m²",
    "_l_min": "l/min",
    "_percent": "%",
    "_per_s": "1/s",
    "_ms": "ms",
    "_bpm": "beats/min",
    "_mm2": "mm²",
    "_cm2": "cm²",
    "_mm": "mm",
    "_ml": "ml",
    "_m2": "m²",
    "_g": "g",
}
AREAS = ("mm²", "cm²")
# Fractions in tables, percent in figures.
FRACTION = "ef"
# Parts of names that are written in another way.
SPELT = {
    **{name: name.upper() for name in ("edv", "esv", "sv", "ef", "co", "es", "bsa")},
    **{name: name.upper() for name in ("rv", "la", "ra", "lav", "rav")},
    **{name: name.capitalize() for name in ("ecc", "err", "ell")},
    **{"aao": "AAo", "dao": "DAo", "mass": "LV mass", "wt": "wall thickness"},
    **{"edema": "oedema", "tag": "tagging:", "green": "Green", "lagrangian": "Lagrangian"},
    **{"endo": "endocardium", "subendo": "subendocardium", "midwall": "mid-wall"},
    **{"subepi": "subepicardium", "epi": "epicardium"},
    **{"pre": "before", "a": "contraction", "2ch": "(2-chamber)", "4ch": "(4-chamber)"},
}


def in_words(column: str) -> Words:
    """A column such as `lav_max_ml` or `ecc_7_percent` in words, with its unit.

    Raises ValueError for a name that ends with no unit and is no fraction.
    """
    parts = column.split("_")
    if parts[-1] == FRACTION:
        return Words(_spelt(parts), "%", 100.0)
    for ending, unit in UNITS.items():
        if column.endswith(ending):
            name = column.removesuffix(ending).split("_")
            return Words(_spelt([*name, "area"] if unit in AREAS else name), unit)
    raise ValueError(
        f"column {column}: no unit is known; its name should end with {FRACTION} or one of "
        + ", ".join(UNITS)
    )


def of_difference(unit: str) -> str:
    """The unit of a difference: that of percentages is points."""
    return "points" if unit == "%" else unit


def _spelt(parts: list[str]) -> str:
    words = [SPELT.get(part, part) for part in parts]
    if parts[-1].isdecimal() or parts[-1] in (GLOBAL, *LEVELS):
        segment = f"segment {parts[-1]}" if parts[-1].isdecimal() else parts[-1]
        words[-2:] = [f"{words[-2]},", segment]
    text = " ".join(words)
    return text[:1].upper() + text[1:]
