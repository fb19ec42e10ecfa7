"""Decode compressed pixels of DICOM files, each transfer syntax with one decoder.

Which decoder pydicom uses depends on the installed packages, and some crash on damaged files. Here
it is imagecodecs for all but RLE, which pydicom reads itself.
"""

import struct
from collections.abc import Callable

import imagecodecs
import numpy as np
import pydicom
from pydicom.encaps import get_frame
from pydicom.pixels.decoders.base import get_decoder

JPEG, JPEG_LS = imagecodecs.jpeg8_decode, imagecodecs.jpegls_decode
JPEG_2000 = imagecodecs.jpeg2k_decode
# By transfer syntax (DICOM PS3.5, annex A.4).
DECODERS: dict[str, Callable[[bytes], np.ndarray]] = {
    "1.2.840.10008.1.2.4.50": JPEG,  # baseline, 8 bits
    "1.2.840.10008.1.2.4.51": JPEG,  # extended, 8 or 12 bits
    "1.2.840.10008.1.2.4.57": JPEG,  # lossless
    "1.2.840.10008.1.2.4.70": JPEG,  # lossless, first-order prediction: the usual one
    "1.2.840.10008.1.2.4.80": JPEG_LS,
    "1.2.840.10008.1.2.4.81": JPEG_LS,  # near-lossless
    "1.2.840.10008.1.2.4.90": JPEG_2000,
    "1.2.840.10008.1.2.4.91": JPEG_2000,  # lossy or lossless
    "1.2.840.10008.1.2.4.201": JPEG_2000,
    "1.2.840.10008.1.2.4.202": JPEG_2000,
    "1.2.840.10008.1.2.4.203": JPEG_2000,  # lossy or lossless
}
RLE = "1.2.840.10008.1.2.5"
LOSSY = {f"1.2.840.10008.1.2.4.{number}" for number in (50, 51, 81, 91, 203)}
# JPEG data end with this, possibly followed by fill bytes; the decoder fills missing data with
# grey.
JPEG_END = b"\xff\xd9"
# Beginnings of segments; the second bytes of those that tell the size of the picture.
MARKER, JPEG_FRAMES = 0xFF, {*range(0xC0, 0xD0), 0xF7} - {0xC4, 0xC8, 0xCC}
J2K_START = b"\xff\x4f\xff\x51"


class UnknownSyntaxError(ValueError):
    """No decoder for this transfer syntax."""


def is_lossy(data: pydicom.Dataset) -> bool:
    """Whether grey values were changed by compression, now or before this file was written.

    Decided by LossyImageCompression, or by the transfer syntax if it is absent.
    """
    said = str(data.get("LossyImageCompression") or "")
    syntax = data.file_meta.get("TransferSyntaxUID") if hasattr(data, "file_meta") else None
    return said == "01" or (said != "00" and syntax in LOSSY)


def decoded(data: pydicom.Dataset, index: int, frames: int) -> np.ndarray:
    """One picture of a file with compressed pixels, as stored: before any rescaling.

    index: from 0, of so many frames. Returns (rows, columns) uint16 or int16, or of 8 bits.
    Raises UnknownSyntaxError, or whatever a decoder raises where the data are damaged.
    """
    syntax = str(data.file_meta.TransferSyntaxUID)
    shape = int(data.Rows), int(data.Columns)
    if syntax == RLE:
        pixels, _ = get_decoder(syntax).as_array(data, index=index, decoding_plugin="pydicom")
        return pixels
    if syntax not in DECODERS:
        raise UnknownSyntaxError(syntax)
    coded = get_frame(data.PixelData, index, number_of_frames=frames)
    # A short file may declare any number of pixels, for which the decoder would allocate memory.
    if coded_shape(coded) != shape:
        raise ValueError(f"holds a picture of {coded_shape(coded)}, expected {shape}")
    if DECODERS[syntax] is JPEG and not coded.rstrip(b"\0\xff").endswith(JPEG_END):
        raise ValueError("JPEG data are truncated")
    pixels = DECODERS[syntax](coded)
    if pixels.shape != shape or pixels.dtype.kind not in "ui" or pixels.dtype.itemsize > 2:
        raise ValueError(
            f"decoded to {pixels.shape} of {pixels.dtype}, expected {shape} of 8 or 16 bits"
        )
    return as_stored(pixels, data, syntax)


def coded_shape(coded: bytes) -> tuple[int, int]:
    """Rows and columns declared by the coded data; (0, 0) if there are none.

    JPEG 2000: ISO/IEC 15444-1, annex A.5.1. JPEG and JPEG-LS: ISO/IEC 10918-1, annex B.2.2.
    """
    start = coded[:1024].find(J2K_START)
    if start >= 0:
        right, lower, left, upper = struct.unpack_from(">4I", coded, start + 8)
        return lower - upper, right - left
    place = 2
    while place + 9 <= len(coded) and coded[place] == MARKER:
        if coded[place + 1] in JPEG_FRAMES:
            rows, columns = struct.unpack_from(">2H", coded, place + 5)
            return rows, columns
        # Fill bytes are one marker byte behind another.
        filled = coded[place + 1] == MARKER
        place += 1 if filled else 2 + int.from_bytes(coded[place + 2 : place + 4], "big")
    return 0, 0


def as_stored(pixels: np.ndarray, data: pydicom.Dataset, syntax: str) -> np.ndarray:
    """Grey values as the header declares: BitsStored bits, signed or unsigned."""
    stored, allocated = int(data.BitsStored), int(data.BitsAllocated)
    if allocated not in (8, 16) or not 1 <= stored <= allocated:
        raise ValueError(f"BitsAllocated {allocated} and BitsStored {stored}")
    signed = int(data.PixelRepresentation) == 1
    if syntax in LOSSY and pixels.dtype.kind == "u" and not signed:
        # Lossy compression may exceed the largest value; it must not wrap around.
        return np.minimum(pixels, 2**stored - 1).astype(f"u{allocated // 8}")
    unused = allocated - stored
    kind = f"{'i' if signed else 'u'}{allocated // 8}"
    bits = pixels.astype(f"u{allocated // 8}" if pixels.dtype.kind == "u" else f"i{allocated // 8}")
    return bits.view(kind) << unused >> unused
