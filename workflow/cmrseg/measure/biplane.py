"""Volume of the left ventricle from the 2- and the 4-chamber view, by the area-length method.

A check of the short axis with other images of the same patient. The formula (Lang et al. 2015,
doi:10.1016/j.echo.2014.10.003) is exact for an ellipsoid; a ventricle that is cut at the base, a
little beyond its widest level, is some 2 % smaller than it says.
"""

import math

import numpy as np
import pandas as pd

from cmrseg.cine import Cine
from cmrseg.labels import Tissue
from cmrseg.measure.atria import area_length_volume_ml, matched_frames, outlines, towards_head
from cmrseg.measure.rows import Measure
from cmrseg.measure.ventricles import ejection_fraction

BIPLANE = (
    Measure("biplane_edv_ml", Tissue.LV, "ed", "edv", "ml", "largest"),
    Measure("biplane_esv_ml", Tissue.LV, "es", "esv", "ml", "smallest"),
    Measure("biplane_sv_ml", Tissue.LV, "", "sv", "ml", "stroke"),
    Measure("biplane_ef", Tissue.LV, "", "ef", "", "fraction"),
)


def biplane_curve(two: Cine, four: Cine, sa_affine: np.ndarray) -> pd.DataFrame:
    """Areas, lengths and volume of the cavity in each frame of the view that has more of them.

    two, four: label maps (t, 1, y, x) of `Tissue`. sa_affine: of the short-axis cine, whose slices
    lie across the long axis. Returns frame (from 0), lv_2ch_area_cm2, lv_2ch_length_cm,
    lv_4ch_area_cm2, lv_4ch_length_cm, lv_ml; nan where a view shows no cavity. The length is the
    longer one, as a plane beside the apex foreshortens the ventricle. Errors as
    `measure.atria.atrial_curves`.
    """
    up = towards_head(sa_affine, "corrected")
    views = {"2-chamber": two, "4-chamber": four}
    found = {
        view: outlines(cine, (Tissue.LV,), up, view, "corrected")[0] for view, cine in views.items()
    }
    counts = {view: len(outline.area_cm2) for view, outline in found.items()}
    frames = matched_frames(counts, "corrected")
    first, second = (found[view].at(frames[view]) for view in views)
    length_cm = np.maximum(first.length_cm, second.length_cm)
    return pd.DataFrame(
        {
            "frame": np.arange(len(length_cm)),
            "lv_2ch_area_cm2": first.area_cm2,
            "lv_2ch_length_cm": first.length_cm,
            "lv_4ch_area_cm2": second.area_cm2,
            "lv_4ch_length_cm": second.length_cm,
            "lv_ml": area_length_volume_ml(first.area_cm2, second.area_cm2, length_cm),
        }
    )


def biplane_measures(curve: pd.DataFrame) -> dict[str, float]:
    """Every measure of BIPLANE by its column.

    All are nan unless two frames show the cavity in both views: one is no heartbeat.
    """
    volumes = curve["lv_ml"].dropna()
    if len(volumes) < 2:
        return {measure.name: math.nan for measure in BIPLANE}
    edv_ml, esv_ml = float(volumes.max()), float(volumes.min())
    return {
        "biplane_edv_ml": edv_ml,
        "biplane_esv_ml": esv_ml,
        "biplane_sv_ml": edv_ml - esv_ml,
        "biplane_ef": ejection_fraction(edv_ml, esv_ml),
    }
