"""What is true about an infarct: volumes, mass and transmurality, from the formulas.

Volumes are sums over a fine grid of the wall's material, not over voxels; those of the whole wall
are in closed form.
"""

import numpy as np

from cmrseg.labels import Tissue
from cmrseg.measure.aha_segments import GLOBAL, LEVELS, SHORT_AXIS_ROWS, segments_at
from cmrseg.measure.ventricles import MYOCARDIUM_G_PER_ML
from cmrseg.phantom.heart import ML_PER_MM3, Heart
from cmrseg.phantom.infarct import ANGLES, Infarct, material_grid

# Angles of the heart are 0 at the middle of the septum, those of segments at the anterior wall.
SEPTUM_DEG = 90.0


def infarct_truth(heart: Heart, infarct: Infarct | None = None) -> dict[str, float]:
    """Volumes in ml, mass in g and parts in percent, by column of truth.tsv; without infarct 0.

    scar_ml: all of the scar, with its grey zone and obstructed core. edema_ml: oedema outside the
    scar, as label maps have it; scar_edema_ml: both, the area at risk. Of AHA segments 1 to 16 and
    `global`, all of them: transmurality_<n>_percent, the mean part of the wall's thickness that is
    scar; scar_<n>_percent and edema_<n>_percent, parts of its volume. infarct: another one than the
    heart's.
    """
    wall_ml = heart.volume_ml(Tissue.MYO, 0.0)
    infarct = infarct or heart.parameters.infarct
    h, cos, sin, cell = material_grid(heart.length_mm)
    endo, epi = heart.at_rest(h, cos, sin)
    wall = (epi - endo) * (cell / 2 * ML_PER_MM3)
    nothing = np.zeros_like(wall)
    scar = core = edema = obstruction = nothing
    if infarct is not None:
        distance = infarct.distance(h / heart.length_mm, cos, sin)
        scar = np.maximum(infarct.scar_depth(distance), 0)
        core = np.maximum(infarct.core_depth(distance), 0)
        edema = np.maximum(infarct.edema_depth(distance) - scar, 0)
        obstruction = np.maximum(infarct.obstruction_depth(distance), 0)

    def ml(depth) -> float:
        return float((wall * depth).sum())

    scar_ml, edema_ml = ml(scar), ml(edema)
    found = {
        "wall_ml": wall_ml,
        "wall_g": wall_ml * MYOCARDIUM_G_PER_ML,
        "scar_ml": scar_ml,
        "scar_g": scar_ml * MYOCARDIUM_G_PER_ML,
        "scar_percent": 100 * scar_ml / wall_ml,
        "grey_zone_ml": ml(scar - core),
        "mvo_ml": ml(obstruction),
        "edema_ml": edema_ml,
        "edema_percent": 100 * edema_ml / wall_ml,
        "scar_edema_ml": scar_ml + edema_ml,
        "scar_edema_percent": 100 * (scar_ml + edema_ml) / wall_ml,
    }
    segments = material_segments(heart, h)
    radial = _of_thickness(scar, endo, epi)
    for row in SHORT_AXIS_ROWS:
        part = segments > 0 if row == GLOBAL else segments == int(row)
        total = float(wall[part].sum())
        found[f"transmurality_{row}_percent"] = 100 * float(radial[part].mean())
        found[f"scar_{row}_percent"] = 100 * float((wall * scar)[part].sum()) / total
        found[f"edema_{row}_percent"] = 100 * float((wall * edema)[part].sum()) / total
    return found


def _of_thickness(depth, endo, epi):
    """Part of the wall's thickness down to a depth, which is a part of its volume.

    endo, epi: squared radii.
    """
    inner, outer = np.sqrt(endo), np.sqrt(epi)
    at_depth = np.sqrt(endo + depth * (epi - endo))
    return (at_depth - inner) / np.maximum(outer - inner, 1e-6)


def material_segments(heart: Heart, h: np.ndarray) -> np.ndarray:
    """AHA segments 1 to 16 of a `material_grid`; 0 beyond the cavity's apex.

    h: heights (n, 1). The cavity's length at end-diastole is divided in thirds.
    """
    angles_deg = (np.arange(ANGLES) + 0.5) * (360 / ANGLES) + SEPTUM_DEG
    angles_deg = (angles_deg + 180) % 360 - 180
    apex_mm = heart.parameters.apex_wall_mm
    third = np.floor(3 * (heart.length_mm - h) / (heart.length_mm - apex_mm))
    rings = {i: segments_at(angles_deg, level) for i, level in enumerate(LEVELS)}
    found = np.zeros((len(h), ANGLES), int)
    for i, ring in rings.items():
        found[third[:, 0] == i] = ring
    return found
