"""Who the digital subjects are: healthy and diseased adults with volumes of published ranges."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import pandas as pd

from cmrseg.phantom.body import BodyParameters
from cmrseg.phantom.heart import HeartParameters
from cmrseg.vectors import dot, unit


@dataclass(frozen=True)
class Disease:
    """Means and standard deviations of a group, and its share of the population.

    edv_ml: of men and women; wall_mm: at end-diastole; elongation: long over short semi-axis;
    akinesia, septal_excess: as in `HeartParameters`, upper and lower bound.
    """

    share: float
    edv_ml: tuple[float, float]
    edv_sd: float
    ef: float
    ef_sd: float
    wall_mm: tuple[float, float]
    elongation: float
    akinesia: tuple[float, float]
    septal_excess: tuple[float, float]


# Healthy: Petersen et al. 2017, doi:10.1186/s12968-017-0327-9. Shares and diseased groups are set
# so that all together have the EDV (160 +- 60 ml) and EF (0.59 +- 0.11) of the Kaggle data.
DISEASES = {
    "healthy": Disease(0.64, (163, 126), 26, 0.61, 0.055, (8.5, 1.0), 2.3, (0.02, 0.12), (0, 0.1)),
    "dilated": Disease(0.09, (275, 235), 50, 0.33, 0.08, (8.5, 1.0), 1.85, (0.05, 0.2), (0, 0.1)),
    "hypertrophic": Disease(
        0.14, (150, 120), 28, 0.69, 0.05, (14.0, 2.0), 2.35, (0.02, 0.1), (0.1, 0.35)
    ),
    "infarct": Disease(0.13, (195, 160), 42, 0.46, 0.09, (8.5, 1.0), 2.1, (0.3, 0.5), (0, 0.1)),
}
# Bounds outside which no heart is drawn.
EDV_ML = (55.0, 420.0)
EF = (0.12, 0.82)
MALE_SHARE = 0.59  # 670 of the 1,140 Kaggle patients

# Directions of an average heart: the long axis points left, forward and down.
LONG_AXIS = (0.62, -0.64, -0.45)
TOWARDS_RV = (-0.78, -0.52, -0.33)
AXIS_SD = 0.07


@dataclass(frozen=True)
class Species:
    """A population, and how its bodies differ from the human one that the digital heart has.

    diseases: by name. edv_ml, ef: bounds outside which no heart is drawn. digits: of volumes in
    ml; age_digits: of years, None for whole ones. age_y, heart_rate_bpm: mean, standard deviation
    and bounds. magnification: how many times larger than life the body is made, so that one set of
    forms serves all; lengths in `diseases` are of the large body. beat_scale: factor of the heart
    rate to that of a human heart. long_axis: mean direction from base to apex. build: factors of
    the fields of the torso that is drawn for a human.
    """

    diseases: Mapping[str, Disease]
    edv_ml: tuple[float, float]
    ef: tuple[float, float]
    male_share: float
    digits: int
    age_y: tuple[float, float, tuple[float, float]]
    heart_rate_bpm: tuple[float, float, tuple[float, float]]
    age_digits: int | None = None
    magnification: float = 1.0
    beat_scale: float = 1.0
    long_axis: tuple[float, float, float] = LONG_AXIS
    build: Mapping[str, float] = field(default_factory=dict)


HUMAN = Species(DISEASES, EDV_ML, EF, MALE_SHARE, 1, (50, 17, (18, 88)), (70, 11, (45, 110)))


def draw_subjects(
    count: int,
    seed: int,
    ids: Sequence[str] | None = None,
    splits: Sequence[str] | None = None,
    diseases: Sequence[str] | None = None,
    species: Species = HUMAN,
) -> pd.DataFrame:
    """Subject table of `count` digital subjects, one row each.

    ids: their names (default "1" to str(count)); splits: train, validate or test for each (default
    train); diseases: for each a name of the species' (default drawn by their shares).
    Raises ValueError where a list has another length or a disease is unknown.
    """
    ids = [str(i + 1) for i in range(count)] if ids is None else list(ids)
    splits = ["train"] * count if splits is None else list(splits)
    rng = np.random.default_rng([seed, 1])
    names = list(species.diseases)
    shares = np.array([species.diseases[name].share for name in names])
    drawn = [names[i] for i in rng.choice(len(names), size=count, p=shares / shares.sum())]
    diseases = drawn if diseases is None else list(diseases)
    for what, values in [("ids", ids), ("splits", splits), ("diseases", diseases)]:
        if len(values) != count:
            raise ValueError(f"{count} subjects need as many {what}, got {len(values)}")
    unknown = sorted(set(diseases) - set(names))
    if unknown:
        raise ValueError(f"unknown disease {unknown[0]!r}; known are {', '.join(names)}")
    rows = []
    for subject, split, disease in zip(ids, splits, diseases, strict=True):
        group, digits = species.diseases[disease], species.digits
        male = rng.random() < species.male_share
        mean_ml = group.edv_ml[0 if male else 1]
        edv_ml = round(_within(rng, mean_ml, group.edv_sd, species.edv_ml), digits)
        ef = _within(rng, group.ef, group.ef_sd, species.ef)
        rows.append(
            {
                "subject": subject,
                "study": subject,
                "series": "",
                "split": split,
                "set": split,
                "edv_ml": edv_ml,
                "esv_ml": round(edv_ml * (1 - ef), digits),
                "disease": disease,
                "sex": "M" if male else "F",
                "age_y": round(_within(rng, *species.age_y), species.age_digits),
                "heart_rate_bpm": round(_within(rng, *species.heart_rate_bpm)),
                "seed": int(rng.integers(2**31)),
                "faults": "",
            }
        )
    return pd.DataFrame(rows)


def draw_parameters(
    row: Mapping, frames: float | None = None, species: Species = HUMAN
) -> HeartParameters:
    """The subject of a row of a subject table: heart and body.

    Volumes, sex, disease and heart rate are the row's; what the row does not say is drawn with
    its `seed`, so that the same row is always the same subject. frames: of one beat of the cine
    that will be made, if any; end-systole then falls on one of them, as else no frame has the
    row's volume. The body is larger than life by the species' magnification.
    Raises KeyError for an unknown disease, ValueError for impossible volumes (see `Heart`).
    """
    group = species.diseases[row["disease"]]
    rng = np.random.default_rng([int(row["seed"]), 2])
    male = row["sex"] == "M"
    larger = species.magnification**3
    edv_ml, esv_ml = float(row["edv_ml"]) * larger, float(row["esv_ml"]) * larger
    rate_bpm = float(row["heart_rate_bpm"]) * species.beat_scale
    ef = 1 - esv_ml / edv_ml
    # Both ventricles eject the same blood; the right one is a little larger.
    rv_edv_ml = (edv_ml if row["disease"] != "dilated" else 0.75 * edv_ml) * rng.uniform(0.98, 1.14)
    rv_esv_ml = max(rv_edv_ml - (edv_ml - esv_ml), 0.25 * rv_edv_ml)
    axis = np.array(species.long_axis) + rng.normal(0, AXIS_SD, 3)
    axis = unit(axis)
    rv = np.array(TOWARDS_RV) + rng.normal(0, AXIS_SD, 3)
    rv = unit(rv - dot(rv, axis) * axis)
    squeeze = 1 - ef
    akinesia = min(rng.uniform(*group.akinesia), 0.7 * squeeze / (1 - squeeze))
    # Systole shortens less than diastole when the heart beats faster (Weissler et al. 1968).
    es_phase = 0.36 + 0.0012 * (rate_bpm - 70) + rng.normal(0, 0.012)
    es_phase = float(np.clip(es_phase, 0.28, 0.45))
    if frames is not None:
        es_phase = max(round(es_phase * frames), 1) / frames
    centre_mm = np.array([35.0, -37.0, 0.0]) + rng.normal(0, 4, 3)
    return HeartParameters(
        edv_ml=edv_ml,
        esv_ml=esv_ml,
        wall_mm=_within(rng, group.wall_mm[0] + (0.5 if male else -0.7), group.wall_mm[1], (6, 20)),
        es_phase=es_phase,
        rv_edv_ml=rv_edv_ml,
        rv_esv_ml=rv_esv_ml,
        centre_mm=tuple(centre_mm.tolist()),
        long_axis=tuple(axis.tolist()),
        rv_direction=tuple(rv.tolist()),
        heart_rate_bpm=float(row["heart_rate_bpm"]),
        seed=int(row["seed"]),
        apex_wall_mm=rng.uniform(4.5, 7),
        septal_excess=rng.uniform(*group.septal_excess),
        elongation=_within(rng, group.elongation, 0.15, (1.6, 2.8)),
        truncation=rng.uniform(0.32, 0.48),
        shortening=0.03 + 0.2 * ef,
        twist_deg=rng.uniform(6, 14),
        akinesia=akinesia,
        akinesia_deg=rng.uniform(-180, 180),
        ellipticity=rng.uniform(0.0, 0.12),
        ellipticity_deg=rng.uniform(50, 130),
        rv_span_deg=rng.uniform(64, 80),
        body=_draw_body(rng, male, species),
    )


def _draw_body(rng: np.random.Generator, male: bool, species: Species) -> BodyParameters:
    size = rng.normal(1.02 if male else 0.94, 0.05)
    body = BodyParameters(
        half_width_mm=165 * size,
        half_depth_mm=108 * size * rng.uniform(0.95, 1.08),
        fat_mm=_within(rng, 11 if male else 15, 5, (5, 32)),
        muscle_mm=_within(rng, 19 if male else 15, 3, (10, 27)),
        liver_mm=rng.normal(0, 8),
        pericardial_fat_mm=_within(rng, 4, 2, (1.5, 10)),
        stomach_gas=rng.uniform(0, 1),
        seed=int(rng.integers(2**31)),
    )
    return replace(body, **{name: getattr(body, name) * f for name, f in species.build.items()})


def _within(rng, mean: float, sd: float, bounds: tuple[float, float]) -> float:
    """A normal draw, repeated until it is within the bounds."""
    while True:
        value = rng.normal(mean, sd)
        if bounds[0] <= value <= bounds[1]:
            return float(value)
