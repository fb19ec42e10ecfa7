"""Pixels of DICOM files in scanner units, or an error that describes the problem."""

import numpy as np
import pydicom

from cmrseg.dicom.audit import UNREADABLE, SubjectError
from cmrseg.dicom.compressed import UnknownSyntaxError, decoded
from cmrseg.dicom.values import absurd

# Far more than a picture has; a small file may announce, and unpack to, any number of pixels.
MOST_PIXELS = 2**24
# What stands where nothing was acquired, as around a picture that was moved.
OUTSIDE = 0

# Smallest and largest stored value that stands for no pixel.
Padding = tuple[int, int]


def picture(data: pydicom.Dataset, name: str, lenient: bool) -> np.ndarray:
    """The pixels of a file of one picture: (rows, columns) in scanner units.

    lenient: pixels of PixelPaddingValue become OUTSIDE. Raises SubjectError (UNREADABLE) naming
    the file.
    """
    if "PixelData" not in data:
        raise SubjectError(UNREADABLE, name, "the file has no pixel data; copy the file again")
    announced = 1
    for keyword in ("Rows", "Columns", "SamplesPerPixel", "NumberOfFrames"):
        announced *= int(data.get(keyword) or 1)
    check_announced(announced, MOST_PIXELS, name)
    if lenient and int(data.get("NumberOfFrames") or 1) > 1:
        raise SubjectError(
            UNREADABLE,
            name,
            f"{data.NumberOfFrames} frames in one file without a position and time for each; "
            "export "
            "the series as single images, or as Enhanced MR",
        )
    pixels = coded(data, name, 0, 1) if is_compressed(data) else data.pixel_array
    if pixels.ndim != 2:
        raise SubjectError(
            UNREADABLE,
            name,
            f"pixels of shape {pixels.shape}, expected a greyscale image (rows, columns)",
        )
    check_interpretation(data, name)
    return in_units(data, name, pixels, padding_of(data) if lenient else None)


def check_announced(announced: int, most: int, name: str, what: str = "pixels") -> None:
    """Refuse more pixels, or frames, than there can be, before memory is taken for them."""
    if announced > most:
        raise SubjectError(
            UNREADABLE,
            name,
            f"{announced} {what} declared, expected at most {most}; copy the file again",
        )


def check_interpretation(data: pydicom.Dataset, name: str) -> None:
    """Refuse images with inverted grey scale."""
    if data.get("PhotometricInterpretation") == "MONOCHROME1":
        raise SubjectError(
            UNREADABLE,
            name,
            "PhotometricInterpretation is MONOCHROME1 (inverted grey scale); convert the series "
            "to MONOCHROME2 first",
        )


def is_compressed(data: pydicom.Dataset) -> bool:
    syntax = data.file_meta.get("TransferSyntaxUID")
    return syntax is not None and syntax.is_compressed


def coded(data: pydicom.Dataset, name: str, index: int, frames: int) -> np.ndarray:
    """One picture of compressed pixels, as stored; index: from 0, of so many frames."""
    shown = data.file_meta.TransferSyntaxUID.name
    try:
        return decoded(data, index, frames)
    except UnknownSyntaxError:
        why = "no decoder; decompress the series first, for example with gdcmconv --raw"
    except Exception:  # decoders raise whatever they like
        why = "damaged; copy the file again"
    raise SubjectError(UNREADABLE, name, f"cannot decode {shown}: {why}")


def in_units(
    data: pydicom.Dataset, name: str, pixels: np.ndarray, padding: Padding | None
) -> np.ndarray:
    """Stored pixels after RescaleSlope and RescaleIntercept of their header."""
    slope = float(data.get("RescaleSlope") or 1)
    intercept = float(data.get("RescaleIntercept") or 0)
    return rescaled(pixels, name, slope, intercept, padding)


def rescaled(
    pixels: np.ndarray, name: str, slope: float, intercept: float, padding: Padding | None = None
) -> np.ndarray:
    """Stored pixels in scanner units; those of `padding` are OUTSIDE.

    Raises SubjectError (UNREADABLE) naming the file where they are not finite then.
    """
    outside = None
    if padding is not None and (padding != (0, 0) or intercept):
        outside = (pixels >= padding[0]) & (pixels <= padding[1])
    if (slope, intercept) != (1, 0):
        with np.errstate(all="ignore"):
            pixels = (pixels * slope + intercept).astype(np.float32)
        if not np.isfinite(pixels).all():
            raise absurd(name, "RescaleSlope", slope, "a slope that gives finite pixels")
    if outside is not None and outside.any():
        pixels = np.where(outside, pixels.dtype.type(OUTSIDE), pixels)
    return pixels


def padding_of(data: pydicom.Dataset) -> Padding | None:
    """Stored values that stand for no pixel: PixelPaddingValue, up to PixelPaddingRangeLimit.

    None where the header has none. Either may be written with a sign or without; it means
    the pixel of the same bits (DICOM PS3.3, C.7.5.1.1.2).
    """
    value = data.get("PixelPaddingValue")
    if value is None or value == "":
        return None
    limit = data.get("PixelPaddingRangeLimit")
    ends = (value, value if limit is None or limit == "" else limit)
    bits = int(data.BitsAllocated)
    found = []
    for end in ends:
        whole = int(end) % 2**bits
        signed = int(data.PixelRepresentation) == 1 and whole >= 2 ** (bits - 1)
        found.append(whole - 2**bits if signed else whole)
    return min(found), max(found)
