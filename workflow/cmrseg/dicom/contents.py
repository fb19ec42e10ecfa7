"""Unusual DICOM files: gzip-compressed, deflated, or without preamble."""

import warnings
import zlib
from io import BytesIO

import pydicom
from pydicom.uid import ExplicitVRLittleEndian, ImplicitVRLittleEndian

from cmrseg.dicom.audit import UNREADABLE, SubjectError
from cmrseg.dicom.elements import META_START
from cmrseg.dicom.kinds import NotDicomError, check_kind
from cmrseg.dicom.plain import LONG, SHORT

DICM, PREAMBLE = b"DICM", bytes(128)
# A deflated data set may unpack to any size.
DEFLATED, MOST_DEFLATED_BYTES = b"1.2.840.10008.1.2.1.99", 2**26
# The meta information is short.
META_BYTES = 2**14
GZIP, MOST_GZIP_RATIO, MOST_GZIP_BYTES = b"\x1f\x8b", 200, 2**31
# Enough of a packed file to tell whether it is DICOM.
HEAD_BYTES = 2**12
# Groups that a data set begins with: the meta information, or what identifies the image.
FIRST_GROUPS = (b"\x02\x00", b"\x08\x00")


def check_deflated(content: bytes, name: str) -> None:
    """Refuse a deflated data set that is too long; pydicom would unpack all of it."""
    if DEFLATED not in content[:META_BYTES]:
        return
    start = 144 + int.from_bytes(content[140:144], "little")
    unpacked = zlib.decompressobj(-zlib.MAX_WBITS).decompress(content[start:], MOST_DEFLATED_BYTES)
    if content[132:140] != META_START or len(unpacked) == MOST_DEFLATED_BYTES:
        raise SubjectError(
            UNREADABLE,
            name,
            f"deflated data of {MOST_DEFLATED_BYTES} bytes or more; copy the file again",
        )


def ungzipped(content: bytes, name: str) -> bytes:
    """The content of a gzip-compressed file (`.dcm.gz`); all others unchanged.

    Raises NotDicomError if the content is no DICOM file, and SubjectError (UNREADABLE) naming the
    file if it is damaged or would become too long.
    """
    if not content.startswith(GZIP):
        return content
    try:
        head = zlib.decompressobj(zlib.MAX_WBITS | 16).decompress(content, HEAD_BYTES)
        if head[128:132] != DICM and not _with_preamble(head):
            raise NotDicomError("gzip file without a DICOM file")
        most = min(MOST_GZIP_RATIO * len(content), MOST_GZIP_BYTES)
        unpacking = zlib.decompressobj(zlib.MAX_WBITS | 16)
        unpacked = unpacking.decompress(content, most)
    except zlib.error:
        raise SubjectError(UNREADABLE, name, "damaged gzip file; copy the file again") from None
    if not unpacking.eof:
        why = f"unpacks to {most} bytes or more" if len(unpacked) == most else "is truncated"
        raise SubjectError(UNREADABLE, name, f"gzip file {why}; copy the file again")
    return unpacked


def without_preamble(content: bytes) -> pydicom.Dataset:
    """The image of a file that was written without 128 bytes and DICM, as old programs do.

    With or without meta information, in Implicit or Explicit VR Little Endian. As any bytes may
    look like an element, it has to be whole. Raises NotDicomError for all else.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            data = pydicom.dcmread(BytesIO(_with_preamble(content)))
            whole = _is_whole(data)
    except Exception:  # pydicom raises any error on noise
        whole = False
    if not whole:
        raise NotDicomError("no DICOM preamble")
    check_kind(data)
    return data


def _with_preamble(content: bytes) -> bytes:
    """A bare data set as a whole file; b"" if it does not begin as one."""
    if content[:2] not in FIRST_GROUPS or len(content) < 8:
        return b""
    explicit = content[4:6] in SHORT | LONG
    if content[:2] == FIRST_GROUPS[0]:
        return PREAMBLE + DICM + content if explicit else b""
    syntax = ExplicitVRLittleEndian if explicit else ImplicitVRLittleEndian
    uid = syntax.encode() + b"\0" * (len(syntax) % 2)
    element = b"\x02\x00\x10\x00UI" + len(uid).to_bytes(2, "little") + uid
    return PREAMBLE + DICM + META_START + len(element).to_bytes(4, "little") + element + content


def _is_whole(data: pydicom.Dataset) -> bool:
    """Whether a data set has a storage class, and as many pixels as it says."""
    needed = int(data.Rows) * int(data.Columns) * int(data.BitsAllocated) // 8
    needed *= int(data.get("SamplesPerPixel") or 1) * int(data.get("NumberOfFrames") or 1)
    length, syntax = len(data.PixelData), data.file_meta.TransferSyntaxUID
    fits = length > 0 if syntax.is_compressed else needed <= length <= needed + 1
    return bool(data.SOPClassUID) and needed > 0 and fits
