"""Multi-frame objects: Enhanced MR and Legacy Converted Enhanced MR.

Place, time and scale of a frame are in functional groups: one for all frames, one for each
(DICOM PS3.3, C.7.6.16 and C.8.13.5). Here each frame gets a header of its own, as single images
have.
"""

from collections.abc import Iterator

import numpy as np
import pydicom
from pydicom.datadict import tag_for_keyword

from cmrseg.dicom.audit import UNREADABLE, SubjectError
from cmrseg.dicom.headers import Frame, frame_of
from cmrseg.dicom.pixels import (
    check_announced,
    check_interpretation,
    coded,
    in_units,
    is_compressed,
    padding_of,
)

SHARED_GROUPS = "SharedFunctionalGroupsSequence"
FRAME_GROUPS = "PerFrameFunctionalGroupsSequence"
# 2 GiB of grey values; minimum size of a compressed frame.
MOST_PIXELS, LEAST_CODED_BYTES = 2**29, 8
# Elements of the object that apply to all its frames.
OF_OBJECT = [
    tag_for_keyword(keyword) or 0
    for keyword in (
        *("SpecificCharacterSet", "PatientID", "SeriesNumber", "SeriesDescription", "Modality"),
        *("StudyInstanceUID", "SeriesInstanceUID", "SOPClassUID", "FrameOfReferenceUID"),
        *("ImageType", "AcquisitionNumber", "LossyImageCompression", "ContentTime"),
        "ComplexImageComponent",
    )
]
# Keywords of single images and the corresponding ones of frames; the first present one is used.
AS_SINGLE = {
    "TriggerTime": ("NominalCardiacTriggerDelayTime", "ActualCardiacTriggerDelayTime"),
    "TemporalPositionIdentifier": ("TemporalPositionIndex",),
    "AcquisitionNumber": ("FrameAcquisitionNumber",),
    "ImageType": ("FrameType",),
    "EchoTime": ("EffectiveEchoTime",),
}
# Letters by which the ImageType of single images names the signal component.
COMPONENTS = {"MAGNITUDE": "M", "PHASE": "P", "REAL": "R", "IMAGINARY": "I"}


def is_object_of_frames(data: pydicom.Dataset) -> bool:
    """Whether place and time are in functional groups.

    An image with its own ImagePositionPatient is a single image, whatever else is in its header.
    """
    has_groups = FRAME_GROUPS in data or SHARED_GROUPS in data
    several = int(data.get("NumberOfFrames") or 1) > 1
    return has_groups and (several or "ImagePositionPatient" not in data)


def frames_of_object(data: pydicom.Dataset, name: str) -> list[Frame]:
    """All frames of an object with functional groups, in its order.

    A frame is called `<name>#<number>`, from 1, which is its InstanceNumber, too, unless the object
    has one frame and a number. Raises SubjectError (UNREADABLE, MISSING_TAG) naming the file, and
    the frame where it is one's.
    """
    count = int(data.get("NumberOfFrames") or 1)
    groups = data.get(FRAME_GROUPS) or []
    if len(groups) != count:
        raise SubjectError(
            UNREADABLE,
            name,
            f"NumberOfFrames is {count}, but {len(groups)} frames have functional groups; "
            "export the series again",
        )
    pictures = _pictures(data, name, count)
    padding = padding_of(data)
    headers = _numbered_echoes([_single(data, group) for group in groups])
    frames = []
    for number, (header, picture) in enumerate(zip(headers, pictures, strict=True), start=1):
        frame_name = f"{name}#{number}"
        # Some scanners write an object for each image.
        alone = count == 1 and data.get("InstanceNumber") not in (None, "")
        header.InstanceNumber = data.InstanceNumber if alone else number
        header.SOPInstanceUID = f"{data.get('SOPInstanceUID') or ''}#{number}"
        pixels = in_units(header, frame_name, picture, padding)
        frames.append(frame_of(header, frame_name, pixels))
    return frames


def _pictures(data: pydicom.Dataset, name: str, count: int) -> Iterator[np.ndarray]:
    """(rows, columns) as stored, of each frame; memory for all of them is checked before."""
    if "PixelData" not in data:
        raise SubjectError(UNREADABLE, name, "the file has no pixel data; copy the file again")
    check_interpretation(data, name)
    if int(data.SamplesPerPixel) != 1:
        raise SubjectError(
            UNREADABLE, name, f"SamplesPerPixel is {data.SamplesPerPixel}, expected 1 (greyscale)"
        )
    announced = count * int(data.Rows) * int(data.Columns)
    check_announced(announced, MOST_PIXELS, name)
    if is_compressed(data):
        check_announced(count, len(data.PixelData) // LEAST_CODED_BYTES, name, "frames")
        return (coded(data, name, index, count) for index in range(count))
    return iter(data.pixel_array.reshape(count, int(data.Rows), int(data.Columns)))


def _single(data: pydicom.Dataset, group: pydicom.Dataset) -> pydicom.Dataset:
    """The header of one frame as a single image has it."""
    header = pydicom.Dataset()
    header.file_meta = data.file_meta
    for tag in OF_OBJECT:
        if tag in data:
            header[tag] = data[tag]
    shared = data.get(SHARED_GROUPS) or []
    for groups in (*shared, group):
        for element in groups:
            # A functional group is a sequence of one item.
            for item in element.value if element.VR == "SQ" else []:
                header.update({e.tag: e for e in item if e.VR != "SQ"})
    for keyword, others in AS_SINGLE.items():
        found = [header[other].value for other in others if header.get(other) not in (None, "")]
        if found:
            _set(header, keyword, found[0])
    _add_time(header)
    component = COMPONENTS.get(str(header.get("ComplexImageComponent") or ""))
    if component:
        _set(header, "ImageType", [*(header.get("ImageType") or ()), component])
    if header.get("InPlanePhaseEncodingDirection") == "COLUMN":
        _set(header, "InPlanePhaseEncodingDirection", "COL")
    return header


def _set(header: pydicom.Dataset, keyword: str, value: object) -> None:
    """Set an element of one frame; the existing one may be shared with other frames."""
    if keyword in header:
        del header[keyword]
    setattr(header, keyword, value)


def _add_time(header: pydicom.Dataset) -> None:
    """The time of day of FrameAcquisitionDateTime (yyyymmddhhmmss.ffffff)."""
    moment = str(header.get("FrameAcquisitionDateTime") or "")
    if len(moment) >= 14:
        # Without the difference to universal time, if there is one.
        _set(header, "AcquisitionTime", moment[8:].partition("+")[0].partition("-")[0])


def _numbered_echoes(headers: list[pydicom.Dataset]) -> list[pydicom.Dataset]:
    """EchoNumbers, from 1, where frames differ in their echo time."""
    times = sorted({float(h.EffectiveEchoTime) for h in headers if h.get("EffectiveEchoTime")})
    if len(times) > 1:
        for header in headers:
            if header.get("EffectiveEchoTime"):
                header.EchoNumbers = 1 + times.index(float(header.EffectiveEchoTime))
    return headers
