"""What is known of a person beside images: size, sex, age; measures by their light."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from cmrseg.measure.body import PER_M2, body_surface_m2
from cmrseg.measure.reference_ranges import (
    AGES,
    RANGE_WORDS,
    SOURCE,
    Reference,
    Sex,
    of_these_ages,
    outside,
    reference_of,
)

# Plausible values: lowest and highest, and their unit.
LIMITS = {"height_cm": (40, 230, "cm"), "weight_kg": (2, 300, "kg"), "age_years": (0, 120, "years")}
WORDS = {"height_cm": "height", "weight_kg": "weight", "age_years": "age"}
# Units of what is given per body surface area: a mouse's µL and mg are not.
INDEXED = ("ml", "g")
REFERENCE_NOTE = f"Reference: {SOURCE}; {RANGE_WORDS}."
BSA_NOTE = "Body surface area by the formula of Mosteller (1987), doi:10.1056/NEJM198710223171717."


@dataclass(frozen=True)
class Person:
    """Size, age and sex, None where unknown; none of it is read from images."""

    height_cm: float | None = None
    weight_kg: float | None = None
    age_years: float | None = None
    sex: Sex | None = None

    @property
    def bsa_m2(self) -> float | None:
        """Body surface area, None where height or weight is unknown."""
        if self.height_cm is None or self.weight_kg is None:
            return None
        return float(body_surface_m2(self.height_cm, self.weight_kg))

    def said(self) -> str:
        """In words, "" where nothing is known."""
        bsa = self.bsa_m2
        parts = [
            str(self.sex) if self.sex else "",
            f"{self.age_years:g} years" if self.age_years is not None else "",
            f"{self.height_cm:g} cm" if self.height_cm is not None else "",
            f"{self.weight_kg:g} kg" if self.weight_kg is not None else "",
            f"body surface area {bsa:.2f} m²" if bsa else "",
        ]
        return ", ".join(part for part in parts if part)

    def doubt(self) -> str:
        """Why there are no reference values although the sex is known, "" otherwise."""
        if self.sex is None or of_these_ages(self.age_years):
            return ""
        return f"Reference values are of {AGES[0]} to {AGES[1]} years; there are none of this age."


NOBODY = Person()
# As subject tables have them.
LETTERS = {"F": Sex.FEMALE, "M": Sex.MALE}


def person_of(said: Mapping[str, Any]) -> Person:
    """The person whom some keys describe; None and "" are unknown.

    Raises ValueError naming a value that is implausible.
    """
    numbers = {key: _number(key, said.get(key)) for key in LIMITS}
    sex = LETTERS.get(said.get("sex") or "", said.get("sex") or None)
    if sex is not None and sex not in tuple(Sex):
        raise ValueError(f"sex {sex!r}: expected female or male, or F or M")
    return Person(**numbers, sex=None if sex is None else Sex(sex))


def _number(key: str, value: Any) -> float | None:
    if value is None or value == "" or (isinstance(value, float) and math.isnan(value)):
        return None
    low, high, unit = LIMITS[key]
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if not is_number or not low <= value <= high:
        raise ValueError(f"{WORDS[key]} {value!r}: expected {low} to {high} {unit}")
    return float(value)


def by_person(measure: str, value: float, unit: str, person: Person) -> dict[str, Any]:
    """What the knowledge of a person adds to a measure.

    measure: its column in tables. value, unit: as shown. Returns `reference` (low, high) in that
    unit and `outside` ("below", "above" or "") where there is a reference range; `indexed`, the
    same keys beside `value` and `unit` per body surface area, of volumes and masses where the
    surface is known.
    """
    if unit not in (*INDEXED, "%"):
        return {}
    factor = 100 if unit == "%" else 1
    found = _compared(value, factor, reference_of(measure, person.sex, person.age_years))
    bsa = person.bsa_m2
    if bsa and unit in INDEXED and measure.endswith(PER_M2):
        per_m2 = value / bsa
        reference = reference_of(f"{measure}_per_m2", person.sex, person.age_years)
        indexed = {"value": per_m2, "unit": f"{unit}/m²", **_compared(per_m2, 1, reference)}
        found["indexed"] = indexed
    return found


def _compared(value: float, factor: float, reference: Reference | None) -> dict[str, Any]:
    if reference is None:
        return {}
    ends = (reference.low * factor, reference.high * factor)
    return {"reference": ends, "outside": outside(value / factor, reference)}
