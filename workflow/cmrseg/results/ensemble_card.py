"""The card of an ensemble: its members, what each of them left out, and how they did on that."""

import math
from collections.abc import Mapping
from typing import Any

from cmrseg.calibrate.model_file import ModelCalibration
from cmrseg.results.calibration_words import interval_paragraphs
from cmrseg.results.model_card import (
    NO_SCORES,
    ORIENTATION,
    STARTS,
    card,
    counted,
    limits_of,
    score_rows,
    table,
    terms_of,
)

MEAN = "mean"


def mean_scores(members: Mapping[str, Mapping[str, Any]]) -> dict[str, float]:
    """The mean over members of each score, of the rows of their histories.

    One that a member does not have, as a tissue is absent from its fold, is left out of the mean.
    """
    found: dict[str, list[float]] = {}
    for last in members.values():
        for name, value in last.items():
            found.setdefault(name, []).append(float(value))
    known = {n: [v for v in values if not math.isnan(v)] for n, values in found.items()}
    return {
        name: sum(values) / len(values) if values else math.nan
        for name, values in known.items()
        if name not in NO_SCORES
    }


def ensemble_card(
    row: Mapping[str, Any],
    parameters: int,
    members: Mapping[str, Mapping[str, Any]],
    phantom: bool,
    calibration: ModelCalibration | None = None,
) -> str:
    """Card of an ensemble.

    row: its row of the models table. parameters: of all members together. members: row of the
    history whose weights each member has, by its name. phantom: whether the images show the
    digital heart.
    """
    folds, best = row["folds"] > 1, any("best_epoch" in last for last in members.values())
    facts = {
        "members": ", ".join(members),
        "start": STARTS.get(row["start"], f"model {row['start']}, see its card"),
        "cohort": row["cohort"] + (", a digital heart" if phantom else ""),
        "labels of": row["labeller"],
        "subset": f"{row['subset']} of the splits {row['splits']}",
        **({"folds": f"{row['folds']}, by patient"} if folds else {}),
        "seeds": f"{row['seed']} to {row['seed'] + len(members) - 1}, one for each member",
    }
    told = (
        f"It labels an image by the mean of the shares of {counted(len(members), 'network')}."
        + (" Each of them was trained without one fold of the patients." if folds else "")
    )
    seen = "the fold that it was trained without" if folds else "the validation images"
    limits = limits_of(row, best, phantom)
    if folds:
        limits.append(
            "All members label an image outside of the study that trained them: its labels of "
            "patients that they learnt from are no test there."
        )
    return card(
        row["model"],
        {**row, "orientation": ORIENTATION},
        parameters,
        [
            "## Members",
            told,
            table("", "", facts),
            "## Scores",
            f"Of each member alone, on {seen}, as prepared for training.",
            _scores(members),
            *interval_paragraphs(row, calibration),
        ],
        limits,
        terms_of(row),
    )


def _scores(members: Mapping[str, Mapping[str, Any]]) -> str:
    """A row for each score, a column for each member."""
    columns = {name: score_rows(last) for name, last in members.items()}
    columns[MEAN] = score_rows(mean_scores(members))
    lines = [" | ".join(["| score", *columns]) + " |", "| --- " * (len(columns) + 1) + "|"]
    for score in columns[MEAN]:
        lines.append(
            " | ".join([f"| {score}", *(c.get(score, "-") for c in columns.values())]) + " |"
        )
    return "\n".join(lines)
