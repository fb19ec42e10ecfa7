"""A learnt judge of labels: Dice from features, and the probability that labels need a look."""

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from cmrseg.quality.reasons import Limits
from cmrseg.quality.trees import Trees

# Of what is stored; another form is refused.
FORM = 1
# Features of a subject that describe its images alone; how unusual they are is a feature, too.
OF_IMAGES = ("contrast", "noise")
UNUSUAL = "unusual_{}"


class Chance(NamedTuple):
    """Probability of a Dice below the threshold, by predicted Dice: falls, linear in between."""

    predicted: np.ndarray
    probability: np.ndarray

    def of(self, predicted: np.ndarray) -> np.ndarray:
        return np.interp(predicted, self.predicted, self.probability)


class Judged(NamedTuple):
    """What a judge says of some subjects.

    pictures: subject, slice, frame, pixels, predicted_dice. slices: a row per subject and slice,
    with `frame`, that of the lowest predicted Dice, and probability. subjects: a row per
    subject.
    """

    pictures: pd.DataFrame
    slices: pd.DataFrame
    subjects: pd.DataFrame


class Judge(NamedTuple):
    """Everything that is stored of a learnt judge; all of it is numbers and names.

    pictures, subjects: trees that predict the Dice of a picture, and what a subject's Dice is above
    the mean of its pictures. usual: feature -> (median, spread) of images that the labeller knows.
    slice_chance, subject_chance: probabilities. limits: of `reasons`.
    """

    threshold: float
    pictures: Trees
    subjects: Trees
    usual: dict[str, tuple[float, float]]
    slice_chance: Chance
    subject_chance: Chance
    limits: Limits

    def plain(self) -> dict[str, Any]:
        """For JSON."""
        found: dict[str, Any] = {"form": FORM, "threshold": self.threshold}
        found |= {"pictures": self.pictures.plain(), "subjects": self.subjects.plain()}
        # JSON has no nan.
        found["limits"] = {
            of: {name: [None if v != v else v for v in pair] for name, pair in limits.items()}
            for of, limits in self.limits.items()
        }
        found["usual"] = self.usual
        for name in ("slice_chance", "subject_chance"):
            found[name] = {k: v.tolist() for k, v in getattr(self, name)._asdict().items()}
        return found

    @classmethod
    def of(cls, plain: Mapping[str, Any]) -> "Judge":
        """A judge from what `plain` gave. Raises ValueError if it is of another form."""
        if plain.get("form") != FORM:
            raise ValueError(
                f"a judge of form {plain.get('form')}, expected {FORM}; learn it again"
            )
        chances = {
            name: Chance(*(np.asarray(plain[name][key], float) for key in Chance._fields))
            for name in ("slice_chance", "subject_chance")
        }
        limits = {
            of: {name: (_number(low), _number(high)) for name, (low, high) in pairs.items()}
            for of, pairs in plain["limits"].items()
        }
        return cls(
            threshold=float(plain["threshold"]),
            pictures=Trees.of(plain["pictures"]),
            subjects=Trees.of(plain["subjects"]),
            usual={name: (float(a), float(b)) for name, (a, b) in plain["usual"].items()},
            limits=limits,
            **chances,
        )

    def judge(self, pictures: pd.DataFrame, subjects: pd.DataFrame) -> Judged:
        """Predicted Dice and probabilities of subjects; arguments are the tables of `features`."""
        predicted = picture_dice(self.pictures, self.usual, pictures, subjects)
        slices = of_slices(predicted)
        slices["probability"] = self.slice_chance.of(slices["predicted_dice"].to_numpy())
        found = subjects[["subject"]].reset_index(drop=True)
        found["predicted_dice"] = subject_dice(self.subjects, self.usual, predicted, subjects)
        found["probability"] = self.subject_chance.of(found["predicted_dice"].to_numpy())
        return Judged(predicted, slices, found)


def with_unusual(subjects: pd.DataFrame, usual: Mapping[str, tuple[float, float]]) -> pd.DataFrame:
    """Subjects with how far their images are from usual ones, in units of the usual spread."""
    found = subjects.copy()
    for name, (middle, spread) in usual.items():
        found[UNUSUAL.format(name)] = abs(found[name] - middle) / spread
    return found


def picture_table(
    pictures: pd.DataFrame, subjects: pd.DataFrame, usual: Mapping[str, tuple[float, float]]
) -> pd.DataFrame:
    """Pictures with what is known of their subject's images."""
    about = with_unusual(subjects, usual).set_index("subject")
    names = [*usual, *(UNUSUAL.format(name) for name in usual)]
    return pictures.join(about[names], on="subject")


def picture_dice(
    trees: Trees,
    usual: Mapping[str, tuple[float, float]],
    pictures: pd.DataFrame,
    subjects: pd.DataFrame,
) -> pd.DataFrame:
    """Pictures with predicted_dice, 0 where nothing is labelled between labelled slices."""
    found = pictures[["subject", "slice", "frame", "pixels"]].copy()
    values = trees.predict(picture_table(pictures, subjects, usual)) if len(pictures) else 0.0
    found["predicted_dice"] = np.clip(values, 0, 1)
    found.loc[found["pixels"] == 0, "predicted_dice"] = 0.0
    return found


def of_slices(predicted: pd.DataFrame) -> pd.DataFrame:
    """A row per subject and slice: mean predicted Dice of its pictures, and the worst frame."""
    by = predicted.groupby(["subject", "slice"], sort=False)["predicted_dice"]
    worst = predicted.loc[by.idxmin(), ["subject", "slice", "frame"]]
    means = by.mean().reset_index()
    return means.merge(worst, on=["subject", "slice"], how="left", validate="one_to_one")


def summaries(predicted: pd.DataFrame, subjects: pd.DataFrame) -> pd.DataFrame:
    """Subjects with the mean, the mean over pixels and the tenth percentile of their pictures."""
    values = predicted["predicted_dice"]
    table = predicted.assign(weighted=values * predicted["pixels"])
    by = table.groupby("subject")
    pixels = by["pixels"].sum()
    found = pd.DataFrame(
        {
            "mean_dice": by["predicted_dice"].mean(),
            "pixel_dice": by["weighted"].sum() / pixels.where(pixels > 0),
            "low_dice": by["predicted_dice"].quantile(0.1),
        }
    )
    return subjects.join(found, on="subject")


def subject_dice(
    trees: Trees,
    usual: Mapping[str, tuple[float, float]],
    predicted: pd.DataFrame,
    subjects: pd.DataFrame,
) -> np.ndarray:
    """(n,) predicted Dice of subjects, 0 where nothing is labelled."""
    table = summaries(predicted, with_unusual(subjects, usual))
    found = table["pixel_dice"].to_numpy(float) + trees.predict(table)
    return np.clip(np.where(table["pixel_dice"].isna(), 0.0, found), 0, 1)


def _number(value: float | None) -> float:
    return float("nan") if value is None else float(value)
