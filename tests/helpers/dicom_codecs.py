"""Pictures written in the compressed transfer syntaxes of archives."""

from pathlib import Path

import imagecodecs
import numpy as np
import pydicom
from pydicom.encaps import encapsulate

BASE = "1.2.840.10008.1.2.4"
# Name: number of the syntax, how a picture of so many bits is coded, the most that it may change.
LOSSLESS = {
    "JPEG lossless": ("57", lambda p, bits: jpeg(p, bits, lossless=True)),
    "JPEG lossless, first order": ("70", lambda p, bits: jpeg(p, bits, lossless=True)),
    "JPEG-LS": ("80", lambda p, bits: imagecodecs.jpegls_encode(p)),
    "JPEG 2000": ("90", lambda p, bits: jpeg_2000(p, bits, level=0, reversible=True)),
    "JPEG 2000 that may be lossy": (
        "91",
        lambda p, bits: jpeg_2000(p, bits, level=0, reversible=True),
    ),
    "HTJ2K": ("201", lambda p, bits: imagecodecs.htj2k_encode(p, reversible=True)),
}
LOSSY = {
    "JPEG extended": ("51", lambda p, bits: jpeg(p, bits, level=97), 8),
    "JPEG-LS near lossless": ("81", lambda p, bits: imagecodecs.jpegls_encode(p, level=2), 2),
    "JPEG 2000 lossy": ("91", lambda p, bits: jpeg_2000(p, bits, level=80), 4),
}


def jpeg(pixels: np.ndarray, bits: int, **options) -> bytes:
    return imagecodecs.jpeg8_encode(pixels, bitspersample=bits, **options)


def jpeg_2000(pixels: np.ndarray, bits: int, **options) -> bytes:
    return imagecodecs.jpeg2k_encode(pixels, codecformat="j2k", bitspersample=bits, **options)


def compress_file(path: Path, number: str, code) -> None:
    """Write a file of one grey picture anew in a syntax; code: (stored bits, bits) -> bytes.

    Signed values are coded by their bits, as most programs do.
    """
    data = pydicom.dcmread(path)
    bits = int(data.BitsStored)
    kind = np.uint8 if data.BitsAllocated == 8 else np.uint16
    pixels = data.pixel_array.view(kind) & kind(2**bits - 1)
    write_coded(path, data, number, [bytes(code(pixels, bits))])


def write_coded(path: Path, data: pydicom.Dataset, number: str, coded: list[bytes]) -> None:
    data.file_meta.TransferSyntaxUID = f"{BASE}.{number}"
    data.PixelData = encapsulate(coded)
    data["PixelData"].VR = "OB"
    data["PixelData"].is_undefined_length = True
    data.save_as(path)
