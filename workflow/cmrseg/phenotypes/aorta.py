"""Aortic areas and distensibility of an examination."""

from cmrseg.measure.aorta import AORTIC, aortic_curve, aortic_measures
from cmrseg.measure.cavity_quality import aortic_doubts
from cmrseg.measure.rows import Mode
from cmrseg.phenotypes.examination import Examination, Measured

COLUMNS = tuple(measure.name for measure in AORTIC)


def measured(examination: Examination, mode: Mode) -> Measured:
    """Areas of ascending and descending aorta. Details: curves, a row per frame.

    Distensibility needs `pulse_pressure_mmhg` of the subject table, and is nan without it. Mode
    `compat` counts pixels; `corrected` also looks at the image for how areas change.
    """
    labels, image = examination.labels["ao"], examination.images["ao"]
    curve = aortic_curve(labels, None if mode == "compat" else image)
    values = aortic_measures(curve, examination.about_number("pulse_pressure_mmhg"), mode)
    return Measured(values, aortic_doubts(image, labels, mode), curve)
