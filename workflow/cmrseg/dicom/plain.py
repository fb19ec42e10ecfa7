"""DICOM files in the form that nearly all have, read without pydicom's cost for each element.

That form: Explicit VR Little Endian, elements in order, one uncompressed grey image of 16 bits.
Only where an element ends is found here. What a value means is pydicom's to say, and is kept by
the element's bytes, as the files of a series share nearly all of them. A file that is anything
else, or damaged, is not taken: the caller reads it with pydicom, which also words what is wrong.
"""

import json
import struct
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import pydicom
from pydicom.charset import python_encoding
from pydicom.datadict import keyword_for_tag, tag_for_keyword
from pydicom.tag import BaseTag
from pydicom.valuerep import EXPLICIT_VR_LENGTH_16, EXPLICIT_VR_LENGTH_32

from cmrseg.dicom.elements import (
    EXPLICIT,
    META_PLACE,
    META_START,
    REMEMBERED,
    all_as_defined,
    dataset,
    is_as_defined,
    plain_numbers,
)
from cmrseg.dicom.header_table import header_entry, may_be_published
from cmrseg.dicom.pixels import Padding, padding_of

META_GROUP = 2
KIND, SYNTAX, CHARACTER_SET, PIXEL_DATA = 0x00020002, 0x00020010, 0x00080005, 0x7FE00010
# Other elements with pixels: together with PixelData, nobody knows which are meant. Tables of
# offsets belong to compressed pixels.
OTHER_PIXELS = {0x7FE00001, 0x7FE00002, 0x7FE00008, 0x7FE00009}
ITEM, END_OF_ITEM, END_OF_SEQUENCE = 0xFFFEE000, 0xFFFEE00D, 0xFFFEE0DD
UNDEFINED = 0xFFFFFFFF
# VRs whose length has two bytes, and those where two unused bytes and then four follow.
SHORT = {vr.encode() for vr in EXPLICIT_VR_LENGTH_16}
LONG = {vr.encode() for vr in EXPLICIT_VR_LENGTH_32}
# What decides on the form of the pixels, in this order; all of a file's and no other.
LAYOUT = {
    keyword: tag_for_keyword(keyword) or 0
    for keyword in (
        *("SamplesPerPixel", "PhotometricInterpretation", "NumberOfFrames", "Rows", "Columns"),
        *("BitsAllocated", "BitsStored", "PixelRepresentation", "PlanarConfiguration"),
        *("RescaleSlope", "RescaleIntercept", "PixelPaddingValue", "PixelPaddingRangeLimit"),
    )
}
# Only entries of short elements are remembered.
MOST_BYTES = 256

_head = struct.Struct("<HH2sH").unpack_from
_item = struct.Struct("<HHI").unpack_from
_long = struct.Struct("<I").unpack_from

Entry = tuple[tuple[str, object], ...]


@dataclass(frozen=True)
class Plain:
    """A file of the plain form. places: by tag where the element, and its value, begin and end."""

    content: bytes
    places: dict[int, tuple[int, int, int]]

    def element(self, tag: int) -> bytes:
        """An element as it is written; empty where it is absent."""
        place = self.places.get(tag)
        return self.content[place[0] : place[2]] if place else b""

    def elements(self, tags: Iterable[int]) -> bytes:
        """Elements as they are written, one behind the other, after the character set."""
        content, places = self.content, self.places
        # Of many tags in every file.
        found = [place for tag in (CHARACTER_SET, *tags) if (place := places.get(tag))]
        return b"".join([content[start:end] for start, _, end in found])

    def number(self, tag: int) -> float | None:
        """One number that is written as plain text; None where it is anything else."""
        element = self.element(tag)
        if not is_as_defined(tag, element[4:6]):
            return None
        numbers = plain_numbers(element[4:6], element[8:])
        return None if numbers is None or len(numbers) != 1 else float(numbers[0])

    def header_row(self) -> dict[str, object]:
        """As `header_table.header_row`."""
        content, places = self.content, self.places
        row: dict[str, object] = {}
        characters = self.element(CHARACTER_SET)
        for tag, (start, value, end) in places.items():
            vr = content[start + 4 : start + 6]
            # An empty value of an unknown kind has, for pydicom, the kind that it should have.
            if tag >> 16 <= META_GROUP or not (
                _published(tag, vr) or (vr == b"UN" and value == end)
            ):
                continue
            element, context = content[start:end], characters
            if tag >> 16 & 1:
                # The private creator gives the name.
                context += self.element(tag & 0xFFFF0000 | tag >> 8 & 0xFF)
            entry = _entry if end - value <= MOST_BYTES else _entry.__wrapped__
            row.update(entry(element, context))
        return row

    def layout(self) -> "Layout | None":
        """The form of the pixels; None where they are not plain."""
        if PIXEL_DATA not in self.places or OTHER_PIXELS & self.places.keys():
            return None
        start, value, end = self.places[PIXEL_DATA]
        layout = _layout(self.elements(LAYOUT.values()))
        if layout is None or end - value != 2 * layout.rows * layout.columns:
            return None
        return layout if self.content[start + 4 : start + 6] == b"OW" else None

    def pixels(self, layout: "Layout") -> np.ndarray:
        """(rows, columns) as stored, not to be written to; before any rescaling."""
        count, place = layout.rows * layout.columns, self.places[PIXEL_DATA][1]
        pixels = np.frombuffer(self.content, layout.dtype, count, place)
        if layout.unused_bits:
            pixels = pixels << layout.unused_bits >> layout.unused_bits
        return pixels.reshape(layout.rows, layout.columns)


@dataclass(frozen=True)
class Layout:
    """How the pixels of a plain file are stored.

    unused_bits: above those that are stored. padding: `pixels.padding_of`.
    """

    rows: int
    columns: int
    dtype: str
    unused_bits: int
    slope: float
    intercept: float
    padding: Padding | None


def plain_file(content: bytes) -> Plain | None:
    """The elements of a whole file; None where it is not of the plain form, or damaged.

    May hold any elements: `layout` says whether its pixels are plain, too.
    """
    if content[META_PLACE : META_PLACE + len(META_START)] != META_START:
        return None
    places: dict[int, tuple[int, int, int]] = {}
    if _read(content, META_PLACE, len(content), places) != len(content):
        return None
    syntax, kind = (places.get(tag, (0, 0, 0)) for tag in (SYNTAX, KIND))
    plain = Plain(content, places)
    usual = (
        content[syntax[1] : syntax[2]] == EXPLICIT
        and _is_image(content[kind[1] : kind[2]])
        and _are_known(plain.element(CHARACTER_SET))
    )
    return plain if usual else None


def _read(
    content: bytes, place: int, end: int, places: dict | None = None, marked: bool = False
) -> int:
    """Follow elements from a place on; where they end, which is -1 where anything is unusual.

    places: gets the elements of the file itself; None within an item of a sequence. marked: they
    end with a mark, and otherwise at `end`.
    """
    last = -1
    while place < end:
        if place + 8 > end:
            return -1
        group, number, vr, length = _head(content, place)
        tag, value = group << 16 | number, place + 8
        if vr in LONG and place + 12 <= end:
            (length,) = _long(content, value)
            value += 4
        elif vr not in SHORT:
            ends = marked and tag == END_OF_ITEM and content[place + 4 : value] == bytes(4)
            return value if ends else -1
        if length == UNDEFINED:
            # Those within other sequences are for pydicom.
            nested = vr == b"SQ" and places is not None
            behind = _behind_sequence(content, value, end) if nested else -1
        else:
            behind = value + length
        if tag <= last or not value <= behind <= end or (tag == CHARACTER_SET and places is None):
            return -1
        if places is not None:
            # Its kind follows from other elements, in ways that are for pydicom.
            if vr == b"UN" and value == behind and not group & 1:
                return -1
            places[tag] = place, value, behind
        last, place = tag, behind
    return -1 if marked else place


def _behind_sequence(content: bytes, place: int, end: int) -> int:
    """Where a sequence without a length ends; -1 where anything in it is unusual."""
    while place + 8 <= end:
        group, number, length = _item(content, place)
        tag, place = group << 16 | number, place + 8
        if tag == END_OF_SEQUENCE:
            return -1 if length else place
        marked = length == UNDEFINED
        behind = end if marked else place + length
        if tag != ITEM or behind > end:
            return -1
        place = _read(content, place, behind, marked=marked)
        if place < 0 or not (marked or place == behind):
            return -1
    return -1


@lru_cache(maxsize=REMEMBERED)
def _is_image(kind: bytes) -> bool:
    """Whether a storage class is known, by its number, and holds images."""
    uid = pydicom.uid.UID(kind.rstrip(b"\0").decode("ascii", "replace"))
    return uid.name != uid and "Image" in uid.name


@lru_cache(maxsize=REMEMBERED)
def _are_known(characters: bytes) -> bool:
    """Whether the element of the character set is absent, or names one that pydicom knows."""
    name = characters[8:].rstrip(b" ").decode("ascii", "replace")
    return not characters or (characters[4:6] == b"CS" and name != "" and name in python_encoding)


@lru_cache(maxsize=REMEMBERED)
def _published(tag: int, vr: bytes) -> bool:
    return may_be_published(BaseTag(tag), vr.decode())


@lru_cache(maxsize=REMEMBERED)
def _entry(element: bytes, context: bytes) -> Entry:
    """What the headers table has of an element. context: elements that its meaning depends on."""
    group, number, vr, _ = _head(element)
    tag = BaseTag(group << 16 | number)
    numbers = plain_numbers(vr, element[8:])
    keyword = keyword_for_tag(tag)
    if numbers is not None and keyword and is_as_defined(tag, vr):
        return ((keyword, numbers[0] if len(numbers) == 1 else json.dumps(numbers)),)
    return tuple(header_entry(dataset(context + element), tag).items())


@lru_cache(maxsize=REMEMBERED)
def _layout(elements: bytes) -> Layout | None:
    data = dataset(elements)
    if not all_as_defined(data):
        return None
    try:
        values = {keyword: data.get(keyword) for keyword in LAYOUT}
        padding = padding_of(data)
    except Exception:  # pydicom raises whatever the conversion of a wrong value raises
        return None
    expected = {
        "SamplesPerPixel": (1,),
        "PhotometricInterpretation": ("MONOCHROME2",),
        "NumberOfFrames": (None, 1),
        "BitsAllocated": (16,),
        "BitsStored": range(1, 17),
        "PixelRepresentation": (0, 1),
        "Rows": range(1, 2**16),
        "Columns": range(1, 2**16),
    }
    if any(values[keyword] not in allowed for keyword, allowed in expected.items()):
        return None
    scale = (values["RescaleSlope"] or 1, values["RescaleIntercept"] or 0)
    if not all(isinstance(number, (int, float)) for number in scale):
        return None
    return Layout(
        rows=int(values["Rows"]),
        columns=int(values["Columns"]),
        dtype="<i2" if values["PixelRepresentation"] else "<u2",
        unused_bits=16 - values["BitsStored"],
        slope=float(scale[0]),
        intercept=float(scale[1]),
        padding=padding,
    )
