"""Which infarct a digital subject has: drawn from the seed, of the size of real ones."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from cmrseg.phantom.heart import Heart, HeartParameters
from cmrseg.phantom.infarct import Infarct
from cmrseg.phantom.infarct_truth import infarct_truth


@dataclass(frozen=True)
class Territory:
    """A coronary artery's part of the wall: its middle, and how far it may vary.

    share: of infarcts. angle_deg, height: mean and standard deviation of the middle. half_height:
    extent along the heart over its half angle in rad. taper: as in `Infarct`.
    """

    share: float
    angle_deg: tuple[float, float]
    height: tuple[float, float]
    half_height: float
    taper: float


TERRITORIES = {
    "LAD": Territory(0.45, (-48, 10), (0.40, 0.06), 0.50, 0.9),
    "RCA": Territory(0.35, (75, 12), (0.62, 0.06), 0.55, -0.2),
    "LCX": Territory(0.20, (158, 14), (0.58, 0.06), 0.55, -0.1),
}
# Kinds of infarct and their shares: without oedema, swollen without scar, with a dark core.
KINDS = {"edema": 0.1, "chronic": 0.2, "acute": 0.35, "mvo": 0.35}
NO_INFARCT = "none"
# Scar, or oedema where there is no scar, as a part of the wall in percent.
SIZE_PERCENT = (5.0, 30.0)
# Most of the wall that an artery supplies, in percent, and by how much too large areas shrink.
LARGEST_PERCENT, SMALLER = 45.0, 0.95
# Half angles between which the one with the wanted size is sought.
HALF_ANGLE_DEG = (6.0, 100.0)
# Infarcts move less: how much of the contraction they lose, for each part of the wall that dies.
LOST = 0.95
# The rest of the wall contracts no more than that to this part of the cavity's squared radius.
LEAST_SQUEEZE = 0.12


def kind_of(row: Mapping, drawn: bool) -> str:
    """A kind of `KINDS`, or NO_INFARCT: that of the row's cell, else drawn for the disease.

    drawn: whether a row of disease `infarct` without such a cell has one. Raises ValueError for an
    unknown kind.
    """
    given = row.get("infarct")
    if given is not None and not pd.isna(given) and given:
        if given not in (NO_INFARCT, *KINDS):
            raise ValueError(
                f"subject {row['subject']}: infarct is {given}, expected {NO_INFARCT}, "
                + ", ".join(KINDS)
            )
        return str(given)
    if not drawn or row["disease"] != "infarct":
        return NO_INFARCT
    return str(_rng(row, 31).choice(list(KINDS), p=list(KINDS.values())))


def _rng(row: Mapping, stream: int) -> np.random.Generator:
    return np.random.default_rng([int(row["seed"]), stream])


def with_infarct(row: Mapping, parameters: HeartParameters, drawn: bool) -> HeartParameters:
    """The heart of a row with its infarct, if it has one; drawn: as of `kind_of`.

    The volumes stay the row's: the rest of the wall makes up for what the infarct does not move.
    """
    kind = kind_of(row, drawn)
    if kind == NO_INFARCT:
        return parameters
    rng = _rng(row, 32)
    names = list(TERRITORIES)
    name = names[rng.choice(len(names), p=[t.share for t in TERRITORIES.values()])]
    territory = TERRITORIES[name]
    swollen = kind == "edema"
    transmurality = float(np.clip(rng.normal(0.95, 0.25), 0.45, 1.4))
    infarct = Infarct(
        territory=name,
        angle_deg=float(rng.normal(*territory.angle_deg)),
        height=float(np.clip(rng.normal(*territory.height), 0.2, 0.8)),
        half_angle_deg=HALF_ANGLE_DEG[0],
        half_height=0.1,
        taper=territory.taper,
        outline=tuple(
            (float(amplitude), float(phase))
            for amplitude, phase in zip(
                rng.uniform(0, (0.12, 0.09, 0.06)), rng.uniform(-math.pi, math.pi, 3), strict=True
            )
        ),
        transmurality=0.0 if swollen else transmurality,
        grey=float(rng.uniform(0.1, 0.25)),
        obstruction=float(rng.uniform(0.35, 0.65)) if kind == "mvo" else 0.0,
        edema=kind != "chronic",
        risk=float(rng.uniform(1.0, 1.1) if swollen else rng.uniform(1.08, 1.4)),
        akinesia=LOST * (0.4 if swollen else min(transmurality, 1)),
    )
    low, high = np.log(SIZE_PERCENT)
    wanted = float(np.exp(rng.uniform(low, high)))
    return _feasible(_sized(parameters, infarct, territory.half_height, wanted))


def _sized(
    parameters: HeartParameters, infarct: Infarct, half_height: float, percent: float
) -> HeartParameters:
    """The heart with an infarct of the wanted part of its wall, or the largest of its kind."""
    low, high = HALF_ANGLE_DEG
    still = replace(parameters, infarct=None)
    heart = Heart(still)
    for _ in range(12):
        angle = (low + high) / 2
        tall = half_height * math.radians(angle)
        infarct = replace(infarct, half_angle_deg=angle, half_height=tall)
        found = infarct_truth(heart, infarct)
        size = found["scar_percent"] if infarct.transmurality else found["edema_percent"]
        low, high = (angle, high) if size < percent else (low, angle)
    while infarct.risk > 1 and found["scar_edema_percent"] > LARGEST_PERCENT:
        infarct = replace(infarct, risk=max(SMALLER * infarct.risk, 1.0))
        found = infarct_truth(heart, infarct)
    return replace(still, infarct=infarct)


def _feasible(parameters: HeartParameters) -> HeartParameters:
    """The heart with less akinesia where the rest of its wall would have to contract too much."""
    infarct = parameters.infarct
    assert infarct is not None
    for share in (1.0, 0.85, 0.7, 0.55, 0.4, 0.25, 0.1, 0.0):
        tried = replace(parameters, infarct=replace(infarct, akinesia=share * infarct.akinesia))
        try:
            squeeze = Heart(tried).state(tried.es_phase).squeeze
        except ValueError:
            continue
        if squeeze >= LEAST_SQUEEZE:
            return tried
    return tried
