"""The index of an export: a DICOMDIR."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from io import BytesIO
from itertools import pairwise

from pydicom import config, dcmread
from pydicom.dataelem import DataElement
from pydicom.dataset import Dataset
from pydicom.tag import Tag
from pydicom.uid import ExplicitVRLittleEndian, MediaStorageDirectoryStorage

from cmrseg.phantom.dicom_writer import dataset_of, file_bytes, uid

# Types of records from the top down, and the elements that each copies from an object.
LEVELS = (
    ("PATIENT", ("PatientName", "PatientID")),
    ("STUDY", ("StudyDate", "StudyTime", "StudyDescription", "StudyInstanceUID", "StudyID",
               "AccessionNumber")),
    ("SERIES", ("Modality", "SeriesInstanceUID", "SeriesNumber", "SeriesDescription")),
    ("IMAGE", ("InstanceNumber",)),
)  # fmt: skip
KEYS = ("PatientID", "StudyInstanceUID", "SeriesInstanceUID")
NOT_IMAGES = {"SR": "SR DOCUMENT", "PR": "PRESENTATION"}


@dataclass
class _Record:
    """A record of the index, and the names of those below it."""

    data: Dataset
    below: dict[str, "_Record"] = field(default_factory=dict)


def directory(files: Iterable[tuple[str, Mapping[str, object]]]) -> bytes:
    """A DICOMDIR of these files: (path with forward slashes, elements of the object).

    Records point at each other by their offsets in the file, so it is written twice.
    """
    roots: dict[str, _Record] = {}
    parts: list[object] = []
    for path, elements in files:
        level = roots
        for depth, name in enumerate([*(str(elements[key]) for key in KEYS), path]):
            if name not in level:
                level[name] = _Record(_record(depth, path, elements))
            level = level[name].below
        parts.append(elements["SOPInstanceUID"])
    records = list(_walk(roots))
    first = _content(records, parts, 0, 0)
    places = [item.seq_item_tell for item in dcmread(BytesIO(first)).DirectoryRecordSequence]
    offsets = {id(record): place for record, place in zip(records, places, strict=True)}
    _link(roots, offsets)
    ends = [offsets[id(root)] for root in roots.values()]
    return _content(records, parts, ends[0], ends[-1])


def _record(depth: int, path: str, elements: Mapping[str, object]) -> Dataset:
    kind, copied = LEVELS[depth]
    data = dataset_of(
        {
            "OffsetOfTheNextDirectoryRecord": 0,
            "RecordInUseFlag": 0xFFFF,
            "OffsetOfReferencedLowerLevelDirectoryEntity": 0,
            **{keyword: elements.get(keyword) for keyword in copied},
        }
    )
    if depth == len(LEVELS) - 1:
        kind = NOT_IMAGES.get(str(elements["Modality"]), kind)
        data.ReferencedSOPClassUIDInFile = elements["SOPClassUID"]
        data.ReferencedSOPInstanceUIDInFile = elements["SOPInstanceUID"]
        data.ReferencedTransferSyntaxUIDInFile = ExplicitVRLittleEndian
        # Real names do not keep to the eight capitals that the standard allows.
        names = path.split("/")
        tag = Tag("ReferencedFileID")
        data[tag] = DataElement(tag, "CS", names, validation_mode=config.IGNORE)
    data.DirectoryRecordType = kind
    return data


def _walk(level: Mapping[str, _Record]) -> Iterable[_Record]:
    for record in level.values():
        yield record
        yield from _walk(record.below)


def _link(level: Mapping[str, _Record], offsets: Mapping[int, int]) -> None:
    records = list(level.values())
    for record, following in pairwise(records):
        record.data.OffsetOfTheNextDirectoryRecord = offsets[id(following)]
    for record in records:
        if record.below:
            lower = offsets[id(next(iter(record.below.values())))]
            record.data.OffsetOfReferencedLowerLevelDirectoryEntity = lower
            _link(record.below, offsets)


def _content(records: list[_Record], parts: list[object], first: int, last: int) -> bytes:
    return file_bytes(
        {
            "SOPClassUID": MediaStorageDirectoryStorage,
            "SOPInstanceUID": uid("directory", *parts),
            "FileSetID": "EXPORT",
            "OffsetOfTheFirstDirectoryRecordOfTheRootDirectoryEntity": first,
            "OffsetOfTheLastDirectoryRecordOfTheRootDirectoryEntity": last,
            "FileSetConsistencyFlag": 0,
            "DirectoryRecordSequence": [record.data for record in records],
        }
    )
