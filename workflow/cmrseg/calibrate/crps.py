"""Score of predicted distributions of volumes, and their table, as in the Data Science Bowl."""

from pathlib import Path

import numpy as np
import pandas as pd

from cmrseg.files import replacing

# A distribution is its cumulative probabilities at 0, 1, ... 599 ml.
VOLUMES_ML = np.arange(600)
COLUMNS = tuple(f"P{volume_ml}" for volume_ml in VOLUMES_ML)
DIGITS = "%.5f"
# Names of the two rows of a case, and the known volume of each.
PHASES = {"Diastole": "edv_ml", "Systole": "esv_ml"}


def crps(cumulative: np.ndarray, volume_ml: np.ndarray) -> np.ndarray:
    """Continuous ranked probability score of each row; 0 is best.

    cumulative: (n, 600) probability that the volume is at most 0, 1, ... 599 ml. volume_ml: (n,)
    known volumes. Returns (n,): the mean over the 600 volumes of the squared difference to a step
    from 0 to 1 at the known volume. The competition's score is the mean over rows.
    Raises ValueError if a row is no cumulative distribution or a volume is not finite.
    Second Annual Data Science Bowl, https://www.kaggle.com/c/second-annual-data-science-bowl
    """
    _check(cumulative)
    if len(volume_ml) != len(cumulative) or not np.isfinite(volume_ml).all():
        raise ValueError(
            f"each of {len(cumulative)} distributions needs a known volume, got "
            f"{int(np.isfinite(volume_ml).sum())}; leave out subjects without one"
        )
    step = np.asarray(volume_ml)[:, None] <= VOLUMES_ML
    return ((cumulative - step) ** 2).mean(axis=1)


def competition_table(cases: list[str], cumulative: dict[str, np.ndarray]) -> pd.DataFrame:
    """Distributions in the format of the competition: Id, P0 ... P599, two rows per case.

    cumulative: by measure, edv_ml and esv_ml, (n, 600). Id is `<case>_Diastole` or
    `<case>_Systole`.
    Raises ValueError as `crps`.
    """
    for measure in PHASES.values():
        _check(cumulative[measure])
    names = [f"{case}_{phase}" for case in cases for phase in PHASES]
    rows = np.stack([cumulative[measure] for measure in PHASES.values()], axis=1)
    table = pd.DataFrame(rows.reshape(len(names), len(COLUMNS)), columns=list(COLUMNS))
    table.insert(0, "Id", names)
    return table


def write_competition(table: pd.DataFrame, path: str | Path) -> None:
    """Write a table in the competition's format. Digits are those that the score can see."""
    with replacing(path) as temporary:
        table.to_csv(temporary, index=False, float_format=DIGITS, lineterminator="\n")


def competition_score(table: pd.DataFrame, known: pd.DataFrame) -> float:
    """Mean score of a table in the competition's format.

    known: study, edv_ml, esv_ml, one row per case. Raises ValueError naming a case that is in one
    of the two tables only.
    """
    known = known.set_index("study")
    volumes = {
        f"{case}_{phase}": float(known.at[case, measure])
        for case in known.index
        for phase, measure in PHASES.items()
    }
    odd = sorted(set(volumes) ^ set(table["Id"]))
    if odd or len(table) != len(volumes):
        raise ValueError(
            f"{', '.join(odd[:5]) or 'an Id twice'}: every case needs one row for diastole and one "
            f"for systole, and known volumes"
        )
    truth = table["Id"].map(volumes).to_numpy(float)
    return float(crps(table[list(COLUMNS)].to_numpy(float), truth).mean())


def _check(cumulative: np.ndarray) -> None:
    if cumulative.ndim != 2 or cumulative.shape[1] != len(VOLUMES_ML):
        raise ValueError(
            f"distributions must be (n, {len(VOLUMES_ML)}), got shape {cumulative.shape}"
        )
    # Not the negation of the opposite: nan is no probability.
    inside = ((cumulative >= 0) & (cumulative <= 1)).all(axis=1)
    good = inside & (np.diff(cumulative, axis=1) >= 0).all(axis=1)
    if not good.all():
        raise ValueError(
            f"row {int(np.flatnonzero(~good)[0])} is no cumulative distribution: probabilities "
            f"must be in 0..1 and must not decrease"
        )
