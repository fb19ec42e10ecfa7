"""Published numbers of an evaluation beside ours, from the table of subjects of our own."""

import math
from collections.abc import Callable

import numpy as np
import pandas as pd

from cmrseg.measure.agreement import bland_altman, paired_t_test, pearson, spearman, summary
from cmrseg.measure.ventricles import VENTRICULAR
from cmrseg.sequences import LEFT

# What a table of published numbers has; `published` is as printed.
PUBLISHED_COLUMNS = ("id", "quantity", "phase", "statistic", "published", "unit", "page", "note")
COLUMNS = (*PUBLISHED_COLUMNS[:5], "ours", "n", *PUBLISHED_COLUMNS[5:])

# Factors from the tables' ml, g and fractions to a unit.
FACTORS = {"": 1.0, "ml": 1.0, "ul": 1e3, "g": 1.0, "mg": 1e3, "%": 100.0}
# Units that a quantity may have; what has none, such as a correlation, has "".
UNITS = {"edv": ("ml", "ul"), "esv": ("ml", "ul"), "sv": ("ml", "ul"), "mass": ("g", "mg")}
FRACTIONS = ("%",)
# Columns of volumes.measures by quantity and phase, of the left ventricle.
MEASURES: dict[tuple[str, str], str] = {
    (m.quantity, m.phase): m.name for m in VENTRICULAR if m.compared and m.tissue in LEFT
}
# Dice that goes with each of them.
DICE = {"edv": "dice_lv", "esv": "dice_lv", "mass": "dice_my"}
PHASES = ("ed", "es")

Pair = tuple[np.ndarray, np.ndarray]


def compare_values(published: pd.DataFrame, subjects: pd.DataFrame) -> pd.DataFrame:
    """Every published number and ours, in the order of `published`: COLUMNS.

    published: PUBLISHED_COLUMNS as text. subjects: rows of evaluate.evaluate_cine. ours is empty
    where the table of subjects cannot give it, n the number of values. Quantities and statistics:
    - dice_lv, dice_my, dice_heart; phase ed, es, or both, which is all stacks of both phases:
      mean, sd, best, median, worst. With phase "ed - es", p of the paired t-test between both.
      "dice_lv - dice_my": p of that between tissues. p_anova: of a repeated-measures analysis of
      variance of tissue and phase, with quantity "dice_lv - dice_my" the effect of the tissue
      (phase "both") or its interaction with the phase ("ed - es").
    - dice_scar, dice_edema, dice_scar_edema, dice_wall and any other Dice with phase "": that of
      all labelled images of a subject as one volume, with the same statistics.
    - edv, esv, sv, ef, mass: mean and sd of the reference and of the labeller (reference_mean,
      predicted_sd, ...), bias, lower, upper (Bland-Altman, labeller minus reference, sd with
      n - 1), p, r (Pearson), rho (Spearman), and rho_dice: Spearman's between the size of the
      error and the Dice of the tissue at that phase.
    Raises ValueError naming a row that means nothing.
    """
    rows = []
    for row in published.to_dict("records"):
        try:
            if row["unit"] not in ("", *UNITS.get(row["quantity"], FRACTIONS)):
                raise KeyError(row["unit"])
            value, n = _value(row, subjects)
        except KeyError as error:
            raise ValueError(
                f"published number {row['id']}: {row['quantity']}, phase '{row['phase']}', "
                f"{row['statistic']} ({row['unit']}) is nothing that is measured ({error})"
            ) from error
        shown = "" if math.isnan(value) else f"{value:.4g}"
        rows.append({**row, "ours": shown, "n": n})
    return pd.DataFrame(rows, columns=list(COLUMNS))


def read_published_values(path: str) -> pd.DataFrame:
    """The table as text. Raises ValueError naming a file that has other columns."""
    table = pd.read_csv(path, sep="\t", dtype=str, keep_default_na=False)
    if tuple(table.columns) != PUBLISHED_COLUMNS:
        raise ValueError(
            f"{path}: columns must be {', '.join(PUBLISHED_COLUMNS)}, got "
            f"{', '.join(table.columns)}"
        )
    return table


def _value(row: dict[str, str], subjects: pd.DataFrame) -> tuple[float, int]:
    """Our value in the row's unit, and of how many values it is."""
    factor, quantity, phase = FACTORS[row["unit"]], row["quantity"], row["phase"]
    statistic = row["statistic"]
    if statistic == "p_anova":
        return _analysis_of_variance(quantity, phase, subjects)
    if " - " in quantity or " - " in phase:
        if statistic != "p":
            raise KeyError(statistic)
        return _test_of_dice(quantity, phase, subjects)
    if quantity.startswith("dice_"):
        values = _dice(quantity, phase, subjects) * factor
        found = summary(values)
        found["best"] = np.nanmax(values, initial=-np.inf)
        found["worst"] = np.nanmin(values, initial=np.inf)
        return (float(found[statistic]) if found["n"] else math.nan), int(found["n"])
    column = MEASURES[quantity, phase]
    predicted, reference = (
        subjects[f"{side}_{column}"].to_numpy(float) * factor for side in ("predicted", "reference")
    )
    if statistic == "rho_dice":
        dice = _dice(DICE[quantity], phase, subjects)
        found = spearman(dice, np.abs(predicted - reference))
        return found["rho"], int(found["n"])
    return STATISTICS[statistic](predicted, reference)


def _dice(quantity: str, phase: str, subjects: pd.DataFrame) -> np.ndarray:
    """Dice of a phase by subject, or of both phases, one after the other; of all images for ""."""
    if not phase:
        return subjects[quantity].to_numpy(float)
    phases = PHASES if phase == "both" else (phase,)
    return np.concatenate([subjects[f"{quantity}_{name}"].to_numpy(float) for name in phases])


def _test_of_dice(quantity: str, phase: str, subjects: pd.DataFrame) -> tuple[float, int]:
    quantities, phases = quantity.split(" - "), phase.split(" - ")
    if max(len(quantities), len(phases)) > 2:
        raise KeyError(f"{quantity}, {phase}")
    first, second = (
        _dice(quantities[min(i, len(quantities) - 1)], phases[min(i, len(phases) - 1)], subjects)
        for i in (0, 1)
    )
    found = paired_t_test(first, second)
    return found["p"], int(found["n"])


def _analysis_of_variance(quantity: str, phase: str, subjects: pd.DataFrame) -> tuple[float, int]:
    """p of an effect on Dice, of subjects with all four values.

    With two levels of each factor every effect has one degree of freedom, and its F is the square
    of the t of a paired test: of the sums over the other factor, or of the differences along it.
    """
    tissues = quantity.split(" - ")
    if len(tissues) != len(PHASES) or phase not in ("both", " - ".join(PHASES)):
        raise KeyError(f"{quantity}, {phase}")
    sign = 1 if phase == "both" else -1
    ed, es = ([_dice(tissue, name, subjects) for tissue in tissues] for name in PHASES)
    found = paired_t_test(ed[0] + sign * es[0], ed[1] + sign * es[1])
    return found["p"], int(found["n"])


def _of(name: str, side: int) -> Callable[[np.ndarray, np.ndarray], tuple[float, int]]:
    """A statistic of one side's values of the subjects that both sides have."""

    def found(*pair: np.ndarray) -> tuple[float, int]:
        both = ~np.isnan(pair[0]) & ~np.isnan(pair[1])
        values = summary(pair[side][both])
        return values[name], int(values["n"])

    return found


def _named(
    function: Callable[..., dict[str, float]], name: str
) -> Callable[[np.ndarray, np.ndarray], tuple[float, int]]:
    def found(predicted: np.ndarray, reference: np.ndarray) -> tuple[float, int]:
        values = function(predicted, reference)
        return values[name], int(values["n"])

    return found


STATISTICS = {
    "predicted_mean": _of("mean", 0),
    "predicted_sd": _of("sd", 0),
    "reference_mean": _of("mean", 1),
    "reference_sd": _of("sd", 1),
    "bias": _named(bland_altman, "bias"),
    "lower": _named(bland_altman, "lower"),
    "upper": _named(bland_altman, "upper"),
    "p": _named(paired_t_test, "p"),
    "r": _named(pearson, "r"),
    "rho": _named(spearman, "rho"),
}
