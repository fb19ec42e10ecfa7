"""What exported DICOM objects say of themselves: who made them, and of which patient and study."""

from dataclasses import dataclass

from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import UID, ExplicitVRLittleEndian

from cmrseg.export.source_images import OFTEN_EMPTY, Sources, uid_of
from cmrseg.export.version import VERSION

MAKER = "cmrseg"
RESEARCH = "Research use, not a medical device"
# Root of the project's UIDs of implementation.
IMPLEMENTATION = uid_of(MAKER)
# Longest text of an LO element.
MOST_TEXT = 64
# More of patient and study, copied where the images have it.
IF_THERE = (
    *("SpecificCharacterSet", "PatientAge", "PatientSize", "PatientWeight", "StudyDescription"),
    *("PatientIdentityRemoved", "DeidentificationMethod"),
)
# Of the images, in this order, is the date of an object: that of the run would make other bytes of
# the same labels.
DATES = ("ContentDate", "AcquisitionDate", "SeriesDate", "StudyDate")
TIMES = ("ContentTime", "AcquisitionTime", "SeriesTime", "StudyTime")
NO_DATE, NO_TIME = "19000101", "000000"


@dataclass(frozen=True)
class Author:
    """Who drew label maps.

    name: of the labeller. by: AUTOMATIC of a model, MANUAL of an annotator, SEMIAUTOMATIC of labels
    that were carried to other frames.
    """

    name: str
    by: str = "AUTOMATIC"

    def __post_init__(self) -> None:
        if self.by not in ("AUTOMATIC", "MANUAL", "SEMIAUTOMATIC"):
            raise ValueError(f"by is {self.by!r}, expected AUTOMATIC, MANUAL or SEMIAUTOMATIC")


def date_of(header: Dataset) -> tuple[str, str]:
    """Date and time of an object that was made of an image."""
    date = next((str(header[k].value) for k in DATES if header.get(k)), NO_DATE)
    return date, next((str(header[k].value) for k in TIMES if header.get(k)), NO_TIME)


def new_object(sources: Sources, class_uid: UID, modality: str, series: str, uid: UID) -> Dataset:
    """An object of the patient and the study of some images, so far without content.

    series: its description. uid: its SOPInstanceUID, of which that of its series is made.
    """
    first = sources.headers[0]
    made = Dataset()
    made.file_meta = FileMetaDataset()
    made.file_meta.MediaStorageSOPClassUID = made.SOPClassUID = class_uid
    made.file_meta.MediaStorageSOPInstanceUID = made.SOPInstanceUID = uid
    made.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    made.file_meta.ImplementationClassUID = IMPLEMENTATION
    for keyword in (*OFTEN_EMPTY, *IF_THERE):
        if keyword in first:
            made[keyword] = first[keyword]
    made.StudyInstanceUID = first.StudyInstanceUID
    made.SeriesInstanceUID = uid_of("series", uid)
    made.Modality = modality
    made.SeriesDescription = series[:MOST_TEXT]
    made.InstanceNumber = 1
    made.Manufacturer = made.ManufacturerModelName = MAKER
    made.DeviceSerialNumber = "none"
    made.SoftwareVersions = VERSION
    made.ContentDate, made.ContentTime = date_of(first)
    return made
