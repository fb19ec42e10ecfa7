"""Write end-diastolic cine, late enhancement and T2 of a digital patient as three DICOM series."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from cmrseg.phantom.dicom_writer import file_bytes, slice_elements, study_elements, uid
from cmrseg.phantom.kaggle import Protocol, generator, scanner_of
from cmrseg.phantom.plan import PlannedSlice
from cmrseg.phantom.three_sequences import Stills
from cmrseg.vectors import length

# What a scanner writes of each sequence; SAR, coils and the like are left out.
SERIES: dict[str, dict[str, object]] = {
    "c0": {
        "SeriesDescription": "trufi_sax_ED",
        "ScanningSequence": "GR",
        "SequenceVariant": ["SK", "SS"],
        "SequenceName": "*tfi2d1_15",
        "ImageType": ["ORIGINAL", "PRIMARY", "M", "ND", "NORM"],
        "RepetitionTime": 39.0,
        "EchoTime": 1.2,
        "FlipAngle": 65,
        "EchoTrainLength": 1,
    },
    "de": {
        "SeriesDescription": "tfl_ir_lge_sax_MAG",
        "ScanningSequence": ["GR", "IR"],
        "SequenceVariant": ["SK", "SP", "MP"],
        "SequenceName": "*tfl2d1_25",
        "ImageType": ["ORIGINAL", "PRIMARY", "M", "ND", "NORM"],
        "RepetitionTime": 800.0,
        "EchoTime": 3.2,
        "InversionTime": 300.0,
        "FlipAngle": 25,
        "EchoTrainLength": 25,
        "ContrastBolusAgent": "gadolinium",
    },
    "t2": {
        "SeriesDescription": "t2_tse_db_sax",
        "ScanningSequence": ["SE", "IR"],
        "SequenceVariant": ["SK", "SP", "MP"],
        "SequenceName": "*tse2d1_21",
        "ImageType": ["ORIGINAL", "PRIMARY", "M", "ND", "NORM"],
        "RepetitionTime": 1700.0,
        "EchoTime": 76.0,
        "InversionTime": 170.0,
        "FlipAngle": 180,
        "EchoTrainLength": 21,
    },
}
# Time of day of the first series, and seconds from one series to the next.
FIRST_S, BETWEEN_S = 36000, 420


def write_dicom(
    row: Mapping, found: Mapping[str, Stills], protocol: Protocol, folder: Path
) -> None:
    """Write `<folder>/<number>_<sequence>/<slice>.dcm`, a series of each sequence, slices in order.

    row: of the subject table, with age_y. The same arguments give the same bytes.
    """
    study, field_t = str(row["study"]), scanner_of(row, protocol).field_t
    common = study_elements(row, field_t, 1, generator(row, "headers"))
    common |= {
        "PatientName": study,
        "StudyInstanceUID": uid(study, row["seed"], "study"),
        "FrameOfReferenceUID": uid(study, row["seed"], "reference"),
        "CardiacNumberOfImages": 1,
    }
    for number, (sequence, stills) in enumerate(found.items(), 1):
        pixels = np.clip(np.rint(stills.images), 0, 65535).astype("<u2")
        window = max(round(float(np.percentile(pixels, 99.5))), 1)
        clock = FIRST_S + number * BETWEEN_S
        places = [np.asarray(plane.position_mm) for plane in stills.planes]
        series = {
            **common,
            **SERIES[sequence],
            "SeriesInstanceUID": uid(study, row["seed"], "series", sequence),
            "SpacingBetweenSlices": length(places[1] - places[0]),
            "AcquisitionTime": f"{clock // 3600:02d}{clock // 60 % 60:02d}{clock % 60:02d}",
            "WindowCenter": window // 2,
            "WindowWidth": window,
        }
        target = folder / f"{number}_{sequence}"
        target.mkdir(parents=True, exist_ok=True)
        for z, (plane, picture) in enumerate(zip(stills.planes, pixels, strict=True)):
            planned = PlannedSlice(target.name, number, plane, frames=(0,), seed=0)
            own = {
                "SOPInstanceUID": uid(study, row["seed"], sequence, z),
                "InstanceNumber": z + 1,
                "TriggerTime": 0.0,
                "PixelData": picture.tobytes(),
            }
            content = file_bytes(series | slice_elements(planned) | own)
            (target / f"{z + 1}.dcm").write_bytes(content)
