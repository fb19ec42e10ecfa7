"""Single elements of a DICOM file, apart from it: what pydicom makes of their bytes."""

import re
import struct
from functools import lru_cache
from io import BytesIO

import pydicom
from pydicom.datadict import dictionary_VR

# The meta information starts with an element that tells its length.
META_PLACE, META_START = 132, b"\x02\0\0\0UL\x04\0"
EXPLICIT = b"1.2.840.10008.1.2.1\0"
# The least that pydicom takes for a file of this form.
FILE_HEAD = bytes(128) + b"DICM" + META_START + b"\x1c\0\0\0" + b"\x02\0\x10\0UI\x14\0" + EXPLICIT
# Numbers as text that read the same everywhere.
DECIMAL = re.compile(rb"[+-]?[0-9]{1,9}(\.[0-9]{0,9})? ?")
WHOLE = re.compile(rb"[+-]?[0-9]{1,9} ?")
# So many elements are remembered by what reads them.
REMEMBERED = 2**14

_short = struct.Struct("<H").unpack


@lru_cache(maxsize=REMEMBERED)
def is_as_defined(tag: int, vr: bytes) -> bool:
    """Whether an element is of the kind that DICOM defines for it.

    One of another kind may look right and be refused by pydicom, or by the decoder of pixels.
    """
    return vr.decode("ascii", "replace") in dictionary_VR(tag).split(" or ")


def plain_numbers(vr: bytes, value: bytes) -> list[float] | list[int] | None:
    """Numbers of a short element that can be read in one way only; None for all others."""
    if vr == b"US":
        return list(_short(value)) if len(value) == 2 else None
    if vr == b"DS":
        parts = value.split(b"\\")
        return [float(p) for p in parts] if all(map(DECIMAL.fullmatch, parts)) else None
    if vr == b"IS":
        parts = value.split(b"\\")
        return [int(p) for p in parts] if all(map(WHOLE.fullmatch, parts)) else None
    return None


def dataset(elements: bytes) -> pydicom.Dataset:
    """What pydicom makes of elements that are written one behind the other."""
    return pydicom.dcmread(BytesIO(FILE_HEAD + elements))


def all_as_defined(data: pydicom.Dataset) -> bool:
    """Whether all elements of a data set that was just read are of their kinds."""
    tags = data.keys()
    return all(is_as_defined(tag, data.get_item(tag).VR.encode()) for tag in tags)
