"""Scar and oedema of an examination: volumes, and by AHA segment."""

import math

from cmrseg.labels import Tissue
from cmrseg.measure.by_sequence import measures_of_curve
from cmrseg.measure.rows import Mode
from cmrseg.measure.transmurality import scar_table, wall_of
from cmrseg.measure.volumes import volume_curves
from cmrseg.phenotypes.columns import SEGMENT_COLUMNS
from cmrseg.phenotypes.examination import Examination, Measured
from cmrseg.sequences import SEQUENCES

# Of all slices, also those beyond the segments.
VOLUMES = ("wall_ml", "edema_ml", "scar_ml", "scar_g", "edema_percent", "scar_percent")
COLUMNS = (*VOLUMES, *SEGMENT_COLUMNS["scar"])


def measured(examination: Examination, mode: Mode) -> Measured:
    """Volumes of scar, oedema and wall, and of each segment how much of it is ill, and how deep.

    Details: a row per segment. Oedema is nan where the labeller does not know it. Raises ValueError
    where the labels are no ventricle of three slices or more.
    """
    labels, sequence = examination.labels["c0"], SEQUENCES["c0"]
    known = examination.known.get("c0", sequence.tissues)
    curve = volume_curves(labels.voxels, labels.spacing_mm, examination.subject, known, sequence)
    found = measures_of_curve(curve, sequence)
    details = scar_table(wall_of(labels, mode))
    if Tissue.EDEMA not in known:
        details["edema_percent"] = math.nan
    values = {name: found[name] for name in VOLUMES}
    for row in details.to_dict("records"):
        for quantity in ("transmurality", "scar", "edema"):
            values[f"{quantity}_{row['segment']}_percent"] = row[f"{quantity}_percent"]
    return Measured(values, "", details)
