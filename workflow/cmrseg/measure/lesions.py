"""Scar and oedema of the wall in a still stack: masses and parts of the wall.

The wall is what of it is healthy, oedematous and scarred together. Voxels are of one tissue each,
so that oedema is what is oedematous and no scar; both together are the area at risk.
"""

import math
from collections.abc import Mapping

from cmrseg.labels import REGIONS, Tissue
from cmrseg.measure.rows import Measure
from cmrseg.measure.ventricles import MYOCARDIUM_G_PER_ML

# A heart may have none of these, unlike any other tissue.
LESIONS = (Tissue.EDEMA, Tissue.SCAR)
WALL = REGIONS["wall"].members

LESION_MEASURES = (
    Measure("wall_ml", Tissue.MYO, "", "wall_volume", "ml", "volume"),
    Measure("scar_g", Tissue.SCAR, "", "mass", "g", "mass"),
    Measure("scar_percent", Tissue.SCAR, "", "wall_share", "percent", "fraction"),
    Measure("edema_percent", Tissue.EDEMA, "", "wall_share", "percent", "fraction"),
)


def lesion_measures(volumes_ml: Mapping[Tissue, float]) -> dict[str, float]:
    """Every measure of LESION_MEASURES by its column.

    volumes_ml: of each tissue of the wall, nan where the labeller does not know it. Who knows no
    lesion labels them as wall, so that the wall is what it knows of it; without myocardium it is
    unknown. Shares of no wall are nan.
    """
    known = [volumes_ml[tissue] for tissue in WALL if not math.isnan(volumes_ml[tissue])]
    wall_ml = math.nan if math.isnan(volumes_ml[Tissue.MYO]) else math.fsum(known)
    found = {}
    for measure in LESION_MEASURES:
        volume = volumes_ml[measure.tissue]
        match measure.kind:
            case "volume":
                value = wall_ml
            case "mass":
                value = volume * MYOCARDIUM_G_PER_ML
            case _:
                value = 100 * volume / wall_ml if wall_ml else math.nan
        found[measure.name] = value
    return found
