"""What a table says of a distribution: median and interval; what they were calibrated on."""

import math
from typing import NamedTuple

import numpy as np

from cmrseg.calibrate.conformal import Distributions

# Share of new subjects whose value is inside the interval.
COVERAGE = 0.9


class Measure(NamedTuple):
    """A measure that is calibrated. highest: largest possible value."""

    words: str
    unit: str
    factor: float
    highest: float = math.inf

    @property
    def is_fraction(self) -> bool:
        return self.highest == 1


# By column of the table of volumes.
MEASURES = {
    "edv_ml": Measure("EDV", "ml", 1),
    "esv_ml": Measure("ESV", "ml", 1),
    "sv_ml": Measure("SV", "ml", 1),
    "ef": Measure("EF", "%", 100, highest=1),
    "mass_g": Measure("mass", "g", 1),
}
SUFFIXES = ("low", "median", "high")


def interval(
    found: Distributions, measure: str, coverage: float = COVERAGE
) -> dict[str, np.ndarray]:
    """Columns <measure>_low, _median, _high (n,); no value is negative, no EF above 1.

    An end that is infinite, as too few subjects calibrate it, is nan: the subject then has no
    interval of this coverage.
    """
    low, high = found.bounds(coverage)
    values = dict(zip(SUFFIXES, (low, found.median(), high), strict=True))
    highest = MEASURES[measure].highest
    return {
        f"{measure}_{suffix}": np.where(np.isfinite(value), np.clip(value, 0, highest), np.nan)
        for suffix, value in values.items()
    }


def origin_text(subjects: int, cohort: str, coverage: float = COVERAGE) -> str:
    """What an interval was calibrated on."""
    return (
        f"{100 * coverage:g} % intervals, calibrated on {subjects} subjects of {cohort} with known "
        f"values; they hold for subjects like these"
    )
