"""Digital patients: the heart of a row with atria and aorta, and what is true about them.

All of it is drawn with random numbers of its own, so that ventricles and torso of a row stay what
they are without.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from cmrseg.labels import Tissue
from cmrseg.phantom.curves import Aorta, Atria, distensibility
from cmrseg.phantom.heart import Heart, HeartParameters
from cmrseg.phantom.infarct_truth import infarct_truth
from cmrseg.phantom.infarcts import with_infarct
from cmrseg.phantom.population import draw_parameters


@dataclass(frozen=True)
class AtrialGroup:
    """Largest left atrial volume of a group in ml, and the part that it ejects; mean and sd."""

    lav_max_ml: tuple[float, float]
    ef: tuple[float, float]


# Healthy as in Petersen et al. 2017, doi:10.1186/s12968-017-0327-9; the ill have larger atria.
ATRIA = {
    "healthy": AtrialGroup((70, 18), (0.60, 0.06)),
    "dilated": AtrialGroup((105, 24), (0.42, 0.08)),
    "hypertrophic": AtrialGroup((86, 22), (0.50, 0.07)),
    "infarct": AtrialGroup((86, 20), (0.50, 0.07)),
}
LAV_ML, LAEF = (35.0, 170.0), (0.2, 0.75)
# Most that the left atrium ejects, as part of the left ventricle's stroke volume.
LARGEST_SHARE = 0.75
# Distensibility of the ascending aorta in 1e-3 / mmHg at 20 years, and the part lost per year
# (Redheuil et al. 2010, doi:10.1161/HYPERTENSIONAHA.109.141275).
DISTENSIBILITY, LOST_PER_YEAR = 5.0, 0.022
PULSE_PRESSURE_MMHG = (28.0, 75.0)


def _rng(row: Mapping, stream: int) -> np.random.Generator:
    return np.random.default_rng([int(row["seed"]), stream])


def _normal(rng: np.random.Generator, mean: float, sd: float, bounds) -> float:
    return float(np.clip(rng.normal(mean, sd), *bounds))


def _age_y(row: Mapping) -> float:
    age = row.get("age_y")
    if age is None or pd.isna(age):
        raise ValueError(
            f"subject {row['subject']}: no age_y, on which atria and aorta depend; add it to the "
            "subject table"
        )
    return float(age)


def draw_atria(row: Mapping) -> Atria:
    """The atria of a row of a subject table.

    Raises KeyError for an unknown disease, ValueError where the row has no age.
    """
    rng, group = _rng(row, 21), ATRIA[row["disease"]]
    male = row["sex"] == "M"
    mean_ml, sd_ml = group.lav_max_ml
    bounds = (max(LAV_ML[0], mean_ml - 1.6 * sd_ml), LAV_ML[1])
    lav_max = _normal(rng, mean_ml + (4 if male else -5), sd_ml, bounds)
    ef = _normal(rng, *group.ef, LAEF)
    stroke_ml = float(row["edv_ml"]) - float(row["esv_ml"])
    ejected = min(ef * lav_max, LARGEST_SHARE * stroke_ml)
    # With age less blood leaves an atrium passively, and more by its contraction.
    age = _age_y(row)
    passive = _normal(rng, 0.75 - 0.004 * age, 0.06, (0.25, 0.8))
    larger = rng.uniform(1.08, 1.38)
    rav_max = larger * lav_max
    right = float(np.clip(ejected / lav_max - rng.uniform(0.04, 0.14), 0.08, 0.65)) * rav_max
    return Atria(
        lav_max_ml=round(lav_max, 1),
        lav_pre_a_ml=round(lav_max - passive * ejected, 1),
        lav_min_ml=round(lav_max - ejected, 1),
        rav_max_ml=round(rav_max, 1),
        rav_pre_a_ml=round(rav_max - 0.9 * passive * right, 1),
        rav_min_ml=round(rav_max - right, 1),
        length=rng.uniform(1.18, 1.32),
        flatness=rng.uniform(0.78, 0.92),
    )


def pulse_pressure_mmhg(row: Mapping) -> float:
    """Central pulse pressure of a row: its own cell if there is one, else drawn for its age.

    Raises ValueError where the row has neither.
    """
    given = row.get("pulse_pressure_mmhg")
    if given is not None and not pd.isna(given):
        return float(given)
    mean = 38 + 0.28 * (_age_y(row) - 40)
    return round(_normal(_rng(row, 23), mean, 6, PULSE_PRESSURE_MMHG), 1)


def draw_aorta(row: Mapping, es_phase: float, frames: int | None = None) -> Aorta:
    """The aorta of a row. frames: of a beat, if its areas' extremes shall fall on frames."""
    rng, age, pressure = _rng(row, 22), _age_y(row), pulse_pressure_mmhg(row)
    larger = 1.0 if row["sex"] == "M" else 0.86
    aao_min = larger * _normal(rng, 700 + 6.0 * (age - 45), 95, (420, 1400))
    dao_min = larger * _normal(rng, 400 + 3.2 * (age - 45), 50, (230, 800))
    stiff = DISTENSIBILITY * math.exp(-LOST_PER_YEAR * (age - 20))
    ascending = float(np.clip(stiff * math.exp(rng.normal(0, 0.22)), 0.6, 8.0))
    descending = float(np.clip(1.2 * stiff * math.exp(rng.normal(0, 0.18)), 0.7, 8.0))
    rise, peak = 0.05, float(0.62 * es_phase + rng.normal(0, 0.015) + 0.03)
    if frames is not None:
        first = round(rise * frames)
        rise, peak = first / frames, max(round(peak * frames), first + 1) / frames
    return Aorta(
        aao_max_mm2=round(aao_min * (1 + ascending * pressure / 1000), 1),
        aao_min_mm2=round(aao_min, 1),
        dao_max_mm2=round(dao_min * (1 + descending * pressure / 1000), 1),
        dao_min_mm2=round(dao_min, 1),
        pulse_pressure_mmhg=pressure,
        rise_phase=rise,
        peak_phase=peak,
        decay=rng.uniform(1.6, 2.8),
        ellipticity=rng.uniform(1.0, 1.12),
        ellipticity_deg=rng.uniform(-90, 90),
        tilt_deg=rng.uniform(0, 16),
    )


def draw_patient(row: Mapping, frames: int | None = None) -> HeartParameters:
    """The subject of a row with atria and aorta; arguments and errors as of `draw_parameters`.

    With an infarct where the row's own cell says so.
    """
    parameters = with_infarct(row, draw_parameters(row, frames), drawn=False)
    aorta = draw_aorta(row, parameters.es_phase, frames)
    return replace(parameters, atria=draw_atria(row), aorta=aorta, moving_textures=True)


def with_build(table: pd.DataFrame) -> pd.DataFrame:
    """A subject table with pulse_pressure_mmhg, height_cm and weight_kg of each row.

    Height and weight fit the torso that is drawn for the row.
    """
    builds = []
    for row in table.to_dict("records"):
        rng, body, male = _rng(row, 24), draw_parameters(row).body, row["sex"] == "M"
        wide = body.half_width_mm / 165 - (1.02 if male else 0.94)
        height = (176.0 if male else 163.0) + 120 * wide + rng.normal(0, 4)
        index = float(np.clip(21 + 0.45 * (body.fat_mm - 8) + rng.normal(0, 1.5), 17, 45))
        builds.append(
            {
                "pulse_pressure_mmhg": pulse_pressure_mmhg(row),
                "height_cm": round(height),
                "weight_kg": round(index * (height / 100) ** 2, 1),
            }
        )
    return table.assign(**pd.DataFrame(builds, index=table.index))


def truth(row: Mapping, frames: int | None = None) -> dict[str, float | str]:
    """What is true about a patient: volumes in ml, areas in mm2, distensibility in 1e-3 / mmHg.

    frames: as for `draw_patient`. With an infarct also what is true about it (`infarct_truth`).
    """
    p = draw_patient(row, frames)
    heart, atria, aorta = Heart(p), draw_atria(row), draw_aorta(row, p.es_phase, frames)
    found: dict[str, float | str] = {"subject": str(row["subject"])}
    found |= {"edv_ml": p.edv_ml, "esv_ml": p.esv_ml}
    found |= {"rv_edv_ml": p.rv_edv_ml, "rv_esv_ml": p.rv_esv_ml}
    found["myocardium_ml"] = heart.volume_ml(Tissue.MYO, 0.0)
    for side in ("lav", "rav"):
        largest, least = getattr(atria, f"{side}_max_ml"), getattr(atria, f"{side}_min_ml")
        found |= {f"{side}_max_ml": largest, f"{side}_min_ml": least}
        found[f"{side}_pre_a_ml"] = getattr(atria, f"{side}_pre_a_ml")
        found[f"{side[:2]}ef"] = (largest - least) / largest
    for vessel in ("aao", "dao"):
        largest, least = getattr(aorta, f"{vessel}_max_mm2"), getattr(aorta, f"{vessel}_min_mm2")
        found |= {f"{vessel}_max_mm2": largest, f"{vessel}_min_mm2": least}
        stiff = distensibility(largest, least, aorta.pulse_pressure_mmhg)
        found[f"{vessel}_distensibility_per_kmmhg"] = stiff
    found["pulse_pressure_mmhg"] = aorta.pulse_pressure_mmhg
    found["es_phase"] = p.es_phase
    if p.infarct is not None:
        found |= {"territory": p.infarct.territory, **infarct_truth(heart)}
    return found


def true_curves(row: Mapping, frames: int) -> pd.DataFrame:
    """Volumes and areas of a patient in each frame of a beat, a row each."""
    p = draw_patient(row, frames)
    heart, aorta = Heart(p), draw_aorta(row, p.es_phase, frames)
    rows = []
    for frame in range(frames):
        phase = frame / frames
        volumes = {
            f"{name}_ml": heart.volume_ml(tissue, phase)
            for name, tissue in (
                ("lv", Tissue.LV),
                ("rv", Tissue.RV),
                ("la", Tissue.LA),
                ("ra", Tissue.RA),
            )
        }
        areas = {
            "aao_mm2": aorta.ascending_mm2(phase),
            "dao_mm2": aorta.descending_mm2(phase),
        }
        rows.append({"subject": str(row["subject"]), "frame": frame, **volumes, **areas})
    return pd.DataFrame(rows)
