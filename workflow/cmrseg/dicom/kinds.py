"""Which DICOM files may belong to a cine, decided by the header alone."""

import re
from functools import lru_cache

import pydicom
from pydicom.datadict import tag_for_keyword
from pydicom.uid import UID

from cmrseg.dicom.audit import NOT_DICOM, NOT_MR
from cmrseg.dicom.elements import REMEMBERED, dataset
from cmrseg.dicom.plain import KIND, Plain

# Secondary Capture Image Storage and its relatives.
SCREENSHOT = "1.2.840.10008.5.1.4.1.1.7"
PLACE = ("ImagePositionPatient", "ImageOrientationPatient", "PixelSpacing")
DECIDING = ("SOPClassUID", "Modality", "PhotometricInterpretation", "Rows", *PLACE)
DECIDING_TAGS = [tag_for_keyword(keyword) or 0 for keyword in DECIDING]
# A value that may be repeated in a message: a code, and nothing that anybody typed.
CODE = re.compile(r"[A-Z][A-Z0-9_ ]{1,15}")


# Names of files that no DICOM file has, so that one which is empty has lost no image.
OTHER_NAME = re.compile(
    r"\..*|readme.*|.*\.(txt|md|log|ini|inf|db|xml|html?|css|js|json|csv|tsv|pdf|jpe?g|png|gif|exe)",
    re.IGNORECASE,
)


class NotDicomError(Exception):
    """The file is no DICOM file, or one that cannot belong to a cine. kind: its audit row."""

    def __init__(self, detail: str, kind: tuple[str, str] = NOT_DICOM):
        super().__init__(detail)
        self.kind = kind


def check_image(data: pydicom.Dataset) -> None:
    """Raise NotDicomError where the storage class of a file is known, and holds no image."""
    _check_class(data.file_meta.get("MediaStorageSOPClassUID"))


def check_kind(data: Plain | pydicom.Dataset) -> None:
    """Raise NotDicomError where the header says that this is no grey MR image."""
    if isinstance(data, Plain):
        _, start, end = data.places[KIND]
        _check_plain(data.elements(DECIDING_TAGS), data.content[start:end])
    else:
        _check(data, str(data.file_meta.get("MediaStorageSOPClassUID") or ""))


@lru_cache(maxsize=REMEMBERED)
def _why(elements: bytes, stored_as: bytes) -> NotDicomError | None:
    try:
        _check(dataset(elements), stored_as.decode("ascii", "replace").rstrip("\0 "))
    except NotDicomError as error:
        return error
    return None


def _check_plain(elements: bytes, stored_as: bytes) -> None:
    """As `_check`, of the bytes that decide, which most files of a series share."""
    why = _why(elements, stored_as)
    if why is not None:
        raise NotDicomError(str(why), why.kind)


def _check(data: pydicom.Dataset, stored_as: str) -> None:
    kind = UID(stored_as or _code(data, "SOPClassUID"))
    for uid in (kind, UID(_code(data, "SOPClassUID"))):
        _check_class(uid)
    known = kind.name != kind
    if not known and "Rows" not in data and "PixelData" not in data:
        raise NotDicomError("contains no image but a vendor-specific object")
    modality = _code(data, "Modality")
    screenshot = kind == SCREENSHOT or kind.startswith(f"{SCREENSHOT}.")
    if modality not in ("", "MR"):
        raise NotDicomError(f"Modality is {_shown(modality)}, expected MR", NOT_MR)
    if not modality and known and "MR" not in kind.name and not screenshot:
        raise NotDicomError(kind.name, NOT_MR)
    colours = _code(data, "PhotometricInterpretation")
    if colours and not colours.startswith("MONOCHROME"):
        raise NotDicomError(f"colour image: {_shown(colours)}", NOT_MR)
    # Some programs write true slices of this kind; a copy of the screen has no place.
    if screenshot and not all(keyword in data for keyword in PLACE):
        raise NotDicomError(f"screenshot: {kind.name}", NOT_MR)


def _check_class(kind: UID | None) -> None:
    # An unknown kind has its number for a name.
    if kind and kind.name != kind and "Image" not in kind.name:
        raise NotDicomError(f"contains no image but: {kind.name}")


def _code(data: pydicom.Dataset, keyword: str) -> str:
    """An element as text; empty where it is absent or anything that is none."""
    try:
        value = data.get(keyword)
    except Exception:  # pydicom raises whatever the conversion of a wrong value raises
        return ""
    return value.strip() if isinstance(value, str) else ""


def _shown(code: str) -> str:
    return code if CODE.fullmatch(code) else "another"
