"""A model's calibration: a file of numbers in its folder, and intervals of what it measures."""

import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from cmrseg.calibrate.conformal import distributions
from cmrseg.calibrate.intervals import MEASURES, SUFFIXES, interval, origin_text
from cmrseg.files import replacing

FILE = "calibration.json"
VERSION = 1
# Columns of a table of intervals, beside the subject.
COLUMNS = tuple(f"{measure}_{suffix}" for measure in MEASURES for suffix in SUFFIXES)
# What a row of intervals holds for, or why there is none.
ORIGIN = "origin"
# A value this many times smaller or larger than any calibrating one is no heart like these.
BEYOND = 1.25


class MeasureErrors(NamedTuple):
    """Errors of one measure in the calibrating subjects.

    offset: added to a measured value to get the unit of its error; None for a fraction, whose
    unit is 1. errors: (m,) sorted, (known - measured)/unit. lowest, highest: measured values.
    inside: share of the known values inside the interval, each made without its patient. width:
    mean of these intervals.
    """

    offset: float | None
    errors: tuple[float, ...]
    lowest: float
    highest: float
    inside: float
    width: float

    def is_like(self, measured: np.ndarray) -> np.ndarray:
        """Whether measured values (n,) are like the calibrating ones; nan is not."""
        return (measured >= self.lowest / BEYOND) & (measured <= self.highest * BEYOND)

    def columns(self, measure: str, measured: np.ndarray, coverage: float) -> dict[str, np.ndarray]:
        """Interval columns (n,) of measured values; nan for a value unlike the calibrating ones."""
        like = self.is_like(measured)
        unit = np.ones(len(measured)) if self.offset is None else measured + self.offset
        # An unmeasured value has no unit; its interval is nan.
        unit = np.where(like, unit, 1.0)
        one = np.ones(len(measured))
        found = distributions(measured, unit, np.array(self.errors), np.ones(len(self.errors)), one)
        columns = interval(found, measure, coverage)
        return {name: np.where(like, values, np.nan) for name, values in columns.items()}


class ModelCalibration(NamedTuple):
    """What the known values of some subjects say of a model's measures.

    cohort, splits, subjects, patients: whose, and how many. ed: rule for end-diastole in the
    volumes. weights_sha256: of the weights that made the labels.
    """

    cohort: str
    splits: tuple[str, ...]
    subjects: int
    patients: int
    coverage: float
    ed: str
    weights_sha256: str
    measures: Mapping[str, MeasureErrors]

    @property
    def origin(self) -> str:
        """The sentence for all intervals."""
        return origin_text(self.subjects, self.cohort, self.coverage)

    def not_for(self, weights_sha256: str, ed: str) -> str:
        """Why volumes made with these weights and this end-diastole have no intervals, or ""."""
        if weights_sha256 != self.weights_sha256:
            return f"no intervals: {FILE} is of other weights of the model; calibrate it again"
        if ed != self.ed:
            return f"no intervals: calibrated with end-diastole {self.ed}, not {ed}"
        return ""

    def intervals(self, volumes: pd.DataFrame) -> pd.DataFrame:
        """Columns _low, _median, _high of each calibrated measure that a table has, by row.

        A row with one measure unlike the calibrating ones has none: of a heart whose volumes are
        unlike theirs the ejection fraction may be like theirs by chance.
        """
        columns: dict[str, np.ndarray] = {}
        like = np.ones(len(volumes), bool)
        for measure, errors in self.measures.items():
            if measure in volumes:
                measured = volumes[measure].to_numpy(float)
                columns |= errors.columns(measure, measured, self.coverage)
                like &= errors.is_like(measured) | np.isnan(measured)
        found = pd.DataFrame(columns, index=volumes.index)
        found.loc[~like] = np.nan
        return found


def interval_table(
    volumes: pd.DataFrame, found: ModelCalibration, weights_sha256: str, ed: str
) -> pd.DataFrame:
    """Intervals of a model's table of volumes: subject, COLUMNS, and their origin.

    Where there is none cells are empty, and the origin is the reason.
    """
    reason = found.not_for(weights_sha256, ed)
    columns = pd.DataFrame(index=volumes.index) if reason else found.intervals(volumes)
    table = volumes[["subject"]].join(columns.reindex(columns=list(COLUMNS)))
    none = table[list(COLUMNS)].isna().all(axis=1)
    unlike = f"no intervals: volumes unlike those of the calibrating subjects of {found.cohort}"
    return table.assign(**{ORIGIN: np.where(none, reason or unlike, found.origin)})


def write_calibration(found: ModelCalibration, path: str | Path) -> None:
    """Write a calibration as JSON: numbers and names, nothing that could be run."""
    content = {"version": VERSION, **found._asdict()}
    content["measures"] = {name: about._asdict() for name, about in found.measures.items()}
    with replacing(path) as temporary:
        temporary.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")


def read_calibration(folder: str | Path) -> ModelCalibration | None:
    """The calibration in a model's folder, None where there is none.

    Raises ValueError naming the file if it is not one.
    """
    path = Path(folder) / FILE
    return calibration_in(path) if path.is_file() else None


def calibration_in(path: str | Path) -> ModelCalibration | None:
    """The calibration in a file; None for the empty path, of a model without one."""
    if not path:
        return None
    try:
        content: dict[str, Any] = json.loads(Path(path).read_text("utf-8"))
        if content.pop("version") != VERSION:
            raise ValueError("another version")
        measures = {name: _errors(name, about) for name, about in content.pop("measures").items()}
        content["splits"] = tuple(content["splits"])
        found = ModelCalibration(**content, measures=measures)
        if not 0 < found.coverage < 1:
            raise ValueError("coverage")
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise ValueError(
            f"{path}: is no calibration of this version of the workflow ({error}); make it again "
            "with the section `calibrate` of a study, or remove it"
        ) from error
    return found


def _errors(measure: str, about: dict[str, Any]) -> MeasureErrors:
    found = MeasureErrors(**about | {"errors": tuple(about["errors"])})
    numbers = [*found.errors, found.lowest, found.highest, found.offset or 0.0]
    if measure not in MEASURES or not found.errors or not all(map(math.isfinite, numbers)):
        raise ValueError(f"numbers of {measure}")
    return found
