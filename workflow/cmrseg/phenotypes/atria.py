"""Atrial volumes of an examination."""

from cmrseg.labels import Tissue
from cmrseg.measure.atria import ATRIAL, atrial_curves, atrial_measures
from cmrseg.measure.cavity_quality import atrial_doubts
from cmrseg.measure.rows import Mode
from cmrseg.measure.view_planes import view_doubts
from cmrseg.phenotypes.examination import Examination, Measured

COLUMNS = tuple(measure.name for measure in ATRIAL)


def measured(examination: Examination, mode: Mode) -> Measured:
    """Volumes of both atria from the long axes. Details: curves, a row per frame.

    Biplane volumes need both views, those of the right atrium the 4-chamber view. Raises ValueError
    where the subject has no short axis, whose axis the lengths are along, or no long axis.
    """
    if "sa" not in examination.images:
        raise ValueError("no short-axis cine, along whose axis atria are measured")
    two, four = (examination.labels.get(key) for key in ("la_2ch", "la_4ch"))
    if mode == "compat" and (two is None or four is None):
        missing = "la_2ch" if two is None else "la_4ch"
        raise ValueError(f"no labels of {missing}; the published program needs both views")
    axis = examination.images["sa"].affine
    curves = atrial_curves(two, four, axis, mode)
    doubt = "" if mode == "compat" else view_doubts(two, four, axis)
    if two is not None:
        doubt = doubt or _of("2-chamber", atrial_doubts(two, (Tissue.LA,)))
    if four is not None:
        doubt = doubt or _of("4-chamber", atrial_doubts(four, (Tissue.LA, Tissue.RA)))
    return Measured(atrial_measures(curves), doubt, curves)


def _of(view: str, doubt: str) -> str:
    return f"{view} view: {doubt}" if doubt else ""
