"""Biplane volumes of the left ventricle of an examination."""

from cmrseg.measure.biplane import BIPLANE, biplane_curve, biplane_measures
from cmrseg.measure.rows import Mode
from cmrseg.measure.view_planes import view_doubts
from cmrseg.phenotypes.examination import Examination, Measured

COLUMNS = tuple(measure.name for measure in BIPLANE)


def measured(examination: Examination, mode: Mode) -> Measured:
    """Volumes of the cavity from both long axes, the same in each mode. Details: a row per frame.

    Raises ValueError where the subject lacks the short axis or a view.
    """
    missing = [key for key in ("la_2ch", "la_4ch") if key not in examination.labels]
    if "sa" not in examination.images:
        missing.append("sa")
    if missing:
        raise ValueError(f"no {', '.join(missing)}, from which the ventricle is measured")
    two, four = examination.labels["la_2ch"], examination.labels["la_4ch"]
    axis = examination.images["sa"].affine
    curve = biplane_curve(two, four, axis)
    return Measured(biplane_measures(curve), view_doubts(two, four, axis), curve)
