"""Codes of tissues and measures in exported DICOM objects: SNOMED CT, LOINC, UCUM.

As in DICOM PS3.16: contexts 12200 to 12205 and 3833 (volumes, mass, ejection fraction), 7150 and
7151 (what a segment shows).
"""

from typing import NamedTuple

from pydicom.sr.coding import Code

from cmrseg.labels import Tissue

ANATOMY = Code("91723000", "SCT", "Anatomical Structure")
ABNORMAL = Code("49755003", "SCT", "Morphologically Abnormal Structure")
LEFT_VENTRICLE = Code("87878005", "SCT", "Left ventricle")
MYOCARDIUM = Code("49848007", "SCT", "Left Ventricle Myocardium")
RIGHT_VENTRICLE = Code("53085002", "SCT", "Right ventricle")
CYCLE = Code("246092007", "SCT", "Cardiac cycle phase")
END_DIASTOLE = Code("416190007", "SCT", "End diastole")
END_SYSTOLE = Code("416430001", "SCT", "End Systole")
VOLUME = Code("118565006", "SCT", "Volume")
STROKE_VOLUME = Code("90096001", "SCT", "Stroke Volume")
ML = Code("ml", "UCUM", "milliliter")
GRAM = Code("g", "UCUM", "gram")
PERCENT = Code("%", "UCUM", "percent")
L_MIN = Code("l/min", "UCUM", "liter per minute")


class Segment(NamedTuple):
    """Category and type of a tissue's segment; site: where a lesion lies."""

    category: Code
    kind: Code
    site: Code | None = None


SEGMENTS = {
    Tissue.LV: Segment(ANATOMY, LEFT_VENTRICLE),
    Tissue.MYO: Segment(ANATOMY, MYOCARDIUM),
    Tissue.RV: Segment(ANATOMY, RIGHT_VENTRICLE),
    Tissue.LA: Segment(ANATOMY, Code("82471001", "SCT", "Left atrium")),
    Tissue.RA: Segment(ANATOMY, Code("73829009", "SCT", "Right atrium")),
    Tissue.AAO: Segment(ANATOMY, Code("54247002", "SCT", "Ascending aorta")),
    Tissue.DAO: Segment(ANATOMY, Code("281130003", "SCT", "Descending aorta")),
    Tissue.EDEMA: Segment(ABNORMAL, Code("79654002", "SCT", "Edema"), MYOCARDIUM),
    Tissue.SCAR: Segment(ABNORMAL, Code("12402003", "SCT", "Scar tissue"), MYOCARDIUM),
}


class Coded(NamedTuple):
    """Name and unit of a measure.

    factor: from the number of our tables. phase: of the heart cycle, where the name has none.
    """

    name: Code
    unit: Code
    factor: float = 1.0
    phase: Code | None = None


# By tissue, and in a tissue by column of the tables of volumes. What has no name of its own for the
# right ventricle is a volume at a phase of the heart cycle.
MEASURES = {
    Tissue.LV: {
        "edv_ml": Coded(Code("18026-5", "LN", "Left Ventricular End Diastolic Volume"), ML),
        "esv_ml": Coded(Code("18148-7", "LN", "Left Ventricular End Systolic Volume"), ML),
        "sv_ml": Coded(STROKE_VOLUME, ML),
        "ef": Coded(Code("8811-2", "LN", "Left ventricular ejection fraction by MR"), PERCENT, 100),
        "co_l_min": Coded(Code("82799009", "SCT", "Cardiac Output"), L_MIN),
    },
    Tissue.MYO: {
        "mass_g": Coded(Code("18087-7", "LN", "Left Ventricle Mass"), GRAM, phase=END_DIASTOLE),
        "es_mass_g": Coded(Code("18087-7", "LN", "Left Ventricle Mass"), GRAM, phase=END_SYSTOLE),
    },
    Tissue.RV: {
        "rv_edv_ml": Coded(VOLUME, ML, phase=END_DIASTOLE),
        "rv_esv_ml": Coded(VOLUME, ML, phase=END_SYSTOLE),
        "rv_sv_ml": Coded(Code("429483009", "SCT", "RV Stroke Volume"), ML),
        "rv_ef": Coded(
            Code("8818-7", "LN", "Right ventricular ejection fraction by MR"), PERCENT, 100
        ),
    },
}
