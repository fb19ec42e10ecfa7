"""The measures of the ventricles, a row each: their columns, and what they are made of."""

import math
from collections.abc import Mapping

from cmrseg.labels import Tissue
from cmrseg.measure.rows import Measure

# Density of myocardium, as in Bai et al. 2018, doi:10.1186/s12968-018-0471-x.
MYOCARDIUM_G_PER_ML = 1.05


VENTRICULAR = (
    Measure("edv_ml", Tissue.LV, "ed", "edv", "ml", "volume"),
    Measure("esv_ml", Tissue.LV, "es", "esv", "ml", "volume"),
    Measure("sv_ml", Tissue.LV, "", "sv", "ml", "stroke"),
    Measure("ef", Tissue.LV, "", "ef", "", "fraction"),
    Measure("co_l_min", Tissue.LV, "", "co", "l_min", "output", compared=False),
    Measure("mass_g", Tissue.MYO, "ed", "mass", "g", "mass"),
    Measure("es_mass_g", Tissue.MYO, "es", "mass", "g", "mass"),
    Measure("rv_edv_ml", Tissue.RV, "ed", "edv", "ml", "volume"),
    Measure("rv_esv_ml", Tissue.RV, "es", "esv", "ml", "volume"),
    Measure("rv_sv_ml", Tissue.RV, "", "sv", "ml", "stroke"),
    Measure("rv_ef", Tissue.RV, "", "ef", "", "fraction"),
)


def ejection_fraction(edv_ml: float, esv_ml: float) -> float:
    """Ejection fraction as a fraction; nan where the end-diastolic volume is 0."""
    return (edv_ml - esv_ml) / edv_ml if edv_ml else math.nan


def ventricular_measures(
    volumes_ml: Mapping[Tissue, tuple[float, float]], rate_bpm: float
) -> dict[str, float]:
    """Every measure of VENTRICULAR by its column.

    volumes_ml: of each tissue at end-diastole and end-systole, nan where unknown. rate_bpm: beats
    per minute, nan where unknown.
    """
    return {m.name: _value(m, *volumes_ml[m.tissue], rate_bpm) for m in VENTRICULAR}


def _value(measure: Measure, ed_ml: float, es_ml: float, rate_bpm: float) -> float:
    at_phase = es_ml if measure.phase == "es" else ed_ml
    match measure.kind:
        case "volume":
            return at_phase
        case "mass":
            return at_phase * MYOCARDIUM_G_PER_ML
        case "stroke":
            return ed_ml - es_ml
        case "fraction":
            return ejection_fraction(ed_ml, es_ml)
        case "output":
            return (ed_ml - es_ml) * rate_bpm / 1000
        case _:
            raise ValueError(f"measure {measure.name} is none of a ventricle")
