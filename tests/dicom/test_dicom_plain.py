"""The fast way to read DICOM files, held against pydicom: same rows, frames and messages."""

import struct
import warnings
from dataclasses import fields
from types import SimpleNamespace
from unittest.mock import patch

import pydicom
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from pydicom.datadict import DicomDictionary, tag_for_keyword

from cmrseg.dicom import headers, reading
from cmrseg.dicom.audit import SubjectError
from cmrseg.dicom.elements import plain_numbers
from cmrseg.dicom.kinds import DECIDING_TAGS, NotDicomError
from cmrseg.dicom.plain import (
    CHARACTER_SET,
    LAYOUT,
    LONG,
    OTHER_PIXELS,
    PIXEL_DATA,
    SHORT,
    Plain,
    plain_file,
)
from cmrseg.dicom.reading import open_file, read_frames
from dicom_builder import write_series

META = {
    0x00020002: (b"UI", b"1.2.840.10008.5.1.4.1.1.4\0"),
    0x00020010: (b"UI", b"1.2.840.10008.1.2.1\0"),
}
# A small image, with what a header usually has.
USUAL = {
    0x00080005: (b"CS", b"ISO_IR 100"),
    0x00080008: (b"CS", b"ORIGINAL\\PRIMARY "),
    0x00080070: (b"LO", b"SIEMENS "),
    0x0008103E: (b"LO", b"sax 12"),
    0x00100010: (b"PN", b"Somebody"),
    0x00100020: (b"LO", b"7 "),
    0x00180050: (b"DS", b"8 "),
    0x00181060: (b"DS", b"37.5"),
    0x00181090: (b"IS", b"25"),
    0x00181310: (b"US", struct.pack("<4H", 0, 256, 192, 0)),
    0x00181312: (b"CS", b"ROW "),
    0x00190010: (b"LO", b"SIEMENS MR HEADER "),
    0x00191015: (b"FD", struct.pack("<3d", 1.5, -2, 0.1)),
    0x00200011: (b"IS", b"5 "),
    0x00200013: (b"IS", b"12"),
    0x00200032: (b"DS", b"-13.6174\\-215.526\\101.428 "),
    0x00200037: (b"DS", b"0.6\\0.8\\0.0\\0.0\\0.0\\-1.0 "),
    0x00201041: (b"DS", b"56.28215027 "),
    0x00280002: (b"US", struct.pack("<H", 1)),
    0x00280004: (b"CS", b"MONOCHROME2 "),
    0x00280010: (b"US", struct.pack("<H", 3)),
    0x00280011: (b"US", struct.pack("<H", 2)),
    0x00280030: (b"DS", b"1.5\\1.25"),
    0x00280100: (b"US", struct.pack("<H", 16)),
    0x00280101: (b"US", struct.pack("<H", 12)),
    0x00280102: (b"US", struct.pack("<H", 11)),
    0x00280103: (b"US", struct.pack("<H", 0)),
    0x00281050: (b"DS", b"360 "),
    0x7FE00010: (b"OW", struct.pack("<6H", 0, 1, 4095, 4096, 40000, 65535)),
}


def encoded(elements):
    """Explicit VR Little Endian; a value of None is a sequence, which is given as it is written."""
    parts = []
    for tag, (vr, value) in sorted(elements.items()):
        if vr is None:
            parts.append(value)
            continue
        head = struct.pack("<HH2s", tag >> 16, tag & 0xFFFF, vr)
        size = struct.pack("<HI", 0, len(value)) if vr in LONG else struct.pack("<H", len(value))
        parts.append(head + size + value)
    return b"".join(parts)


def file_of(elements, meta=META):
    head = encoded(meta)
    return bytes(128) + b"DICM" + b"\2\0\0\0UL\4\0" + struct.pack("<I", len(head)) + head + elements


def outcome(content, lenient=False):
    """All that the import learns of a file, as text that shows types and bits."""
    try:
        data, row = open_file(SimpleNamespace(read_bytes=lambda: content), "a.dcm", lenient)
    except (NotDicomError, SubjectError) as error:
        return [f"{type(error).__name__}: {error}"]
    told = [sorted((key, repr(value), type(value).__name__) for key, value in row.items())]
    try:
        (frame,) = read_frames(data, "a.dcm", lenient)
    except SubjectError as error:
        return [*told, str(error)]
    told += [repr(getattr(frame, f.name)) for f in fields(frame) if f.name != "pixels"]
    return [*told, frame.pixels.dtype.str, frame.pixels.shape, frame.pixels.tobytes()]


def by_pydicom(content, lenient=False):
    with patch.object(reading, "plain_file", return_value=None):
        return outcome(content, lenient)


def is_fast(content):
    plain = plain_file(content)
    return plain is not None and headers.plain_frame(plain, "a.dcm", True) is not None


# Values as they should be, as they are now and then, and as nobody writes them.
NUMBERS = st.sampled_from(
    [
        b"1",
        b"-2 ",
        b"0.50",
        b"+3",
        b"1.",
        b".5",
        b"1e3",
        b"12345678901",
        b"0012",
        b"-0",
        b"nan",
        b"",
    ]
)
TEXTS = st.one_of(
    st.lists(NUMBERS, min_size=1, max_size=6).map(b"\\".join),
    st.sampled_from([b"ROW", b"MONOCHROME1", b"ISO_IR 6", b"ISO 2022 IR 87", b"a\\b ", b"1\0"]),
    st.binary(max_size=8),
)
PADDINGS = st.sampled_from([b"", b" ", b"\0", b"  ", b"\0\0", b" \0", b"\n"])
VRS = st.sampled_from(sorted(SHORT | LONG))
# What is read of a file, beside its row of the headers table.
READ = sorted(
    {*LAYOUT.values(), *headers.SHARED, *headers.TIME, *headers.OWN_TEXT, *DECIDING_TAGS}
    | {headers.INSTANCE_NUMBER, PIXEL_DATA, CHARACTER_SET}
)
KNOWN = sorted(t for t in DicomDictionary if t >> 16 in (0x08, 0x10, 0x18, 0x20, 0x28))
TAGS = st.one_of(
    st.sampled_from(READ),
    st.sampled_from(sorted(USUAL)),
    st.sampled_from(KNOWN),
    st.sampled_from([0x00191016, 0x00291001, 0x00291010, 0x00280008, 0x00281052, 0x00281053]),
    st.sampled_from(sorted(OTHER_PIXELS)),
)
# How a number is written, by VR; in all others it is a text.
BINARY = {
    **{b"US": "<H", b"SS": "<h", b"UL": "<I", b"SL": "<i", b"UV": "<Q", b"SV": "<q"},
    **{b"FL": "<f", b"FD": "<d", b"OW": "<H", b"OF": "<f", b"OD": "<d", b"OL": "<I"},
}


def usual_vr(tag):
    vr = USUAL[tag][0] if tag in USUAL else DicomDictionary.get(tag, ("DS",))[0][:2].encode()
    return b"UN" if vr == b"SQ" else vr


@st.composite
def element(draw):
    """Any element, of the kind that it should be or of any other, with a value that may fit."""
    tag = draw(TAGS)
    usual = USUAL.get(tag, (usual_vr(tag), b"1 "))
    vr = draw(st.one_of(st.just(usual[0]), VRS))
    numbers = st.lists(st.integers(0, 20), min_size=1, max_size=2)
    as_numbers = numbers.map(lambda ns: written_numbers(vr, ns))
    value = draw(st.one_of(as_numbers, as_numbers, TEXTS, st.just(usual[1])))
    return tag, (vr, value + draw(st.one_of(st.just(b" " * (len(value) % 2)), PADDINGS)))


def written_numbers(vr, numbers):
    if vr in BINARY:
        return b"".join(struct.pack(BINARY[vr], n) for n in numbers)
    return b"\\".join(str(n).encode() for n in numbers)


def undefined(tag, items, vr=b"SQ", mark=b"\xfe\xff\xdd\xe0"):
    """A sequence without a length. items: encoded elements, and whether the item has a length."""
    parts = [struct.pack("<HH2sHI", tag >> 16, tag & 0xFFFF, vr, 0, 0xFFFFFFFF)]
    for content, with_length in items:
        size = len(content) if with_length else 0xFFFFFFFF
        parts += [b"\xfe\xff\x00\xe0", struct.pack("<I", size), content]
        parts += [] if with_length else [b"\xfe\xff\x0d\xe0\0\0\0\0"]
    return b"".join([*parts, mark + bytes(4)])


REFERENCE = encoded({0x00081150: (b"UI", b"1.2\0"), 0x00081155: (b"UI", b"1.2.3\0")})
CHARACTERS = encoded({0x00080005: USUAL[0x00080005]})
SEQUENCES = {
    "empty": (undefined(0x00081140, []), True),
    "with lengths": (undefined(0x00081140, [(REFERENCE, True)] * 2), True),
    "without lengths": (undefined(0x00081140, [(REFERENCE, False), (b"", False)]), True),
    "nested": (
        undefined(0x00081140, [(undefined(0x00081199, [(REFERENCE, False)]), False)]),
        False,
    ),
    "own characters": (
        undefined(0x00081140, [(encoded({0x00080005: USUAL[0x00080005]}), 1)]),
        False,
    ),
    "no sequence": (undefined(0x00081140, [(REFERENCE, True)], vr=b"UN"), False),
    "wrong end": (undefined(0x00081140, [(REFERENCE, True)], mark=b"\xfe\xff\xdd\xe1"), False),
    "element out of its item": (undefined(0x00081140, [(REFERENCE[:-2], True)]), False),
}


def test_a_usual_file_is_read_the_fast_way():
    content = file_of(encoded(USUAL))
    assert is_fast(content)
    assert outcome(content) == by_pydicom(content)
    # Of 12 bits that are stored the four above are of no meaning.
    (frame,) = read_frames(plain_file(content), "a.dcm")
    assert frame.pixels.tolist() == [[0, 1], [4095, 0], [40000 % 4096, 4095]]


@pytest.mark.parametrize("bits", [1, 12, 16])
@pytest.mark.parametrize("signed", [0, 1])
@pytest.mark.parametrize("slope", [None, b"1 ", b"0.25", b"1e300 "])
def test_pixels_of_any_stored_bits_sign_and_slope_are_those_of_pydicom(bits, signed, slope):
    changed = {
        0x00280101: (b"US", struct.pack("<H", bits)),
        0x00280103: (b"US", bytes([signed, 0])),
    }
    if slope is not None:
        changed |= {0x00281052: (b"DS", b"-8"), 0x00281053: (b"DS", slope)}
    content = file_of(encoded(USUAL | changed))
    assert is_fast(content) == (slope != b"1e300 ")
    assert outcome(content) == by_pydicom(content)


# Elements that are changed, tags that are absent, and whether reading is lenient.
CHANGES = (
    st.lists(element(), max_size=4),
    st.sets(st.sampled_from(sorted(USUAL)), max_size=2),
    st.booleans(),
)


@settings(max_examples=300)
@given(*CHANGES)
@example([(0x00080005, (b"CS", b"ISO_IR 999"))], set(), True)
@example([(0x00080005, (b"UN", b"ISO_IR 6"))], set(), True)
@example([(0x00100020, (b"LO", "Ä7".encode()))], {0x00080005}, True)
@example([(0x00191015, (b"FD", b"1234"))], set(), True)
@example([(0x00281052, (b"DS", b"a "))], set(), True)
@example([(0x00080008, (b"UN", b""))], set(), True)
@example([(0x00080008, (b"CS", b"ROW ")), (0x7FE00010, (b"UN", b""))], set(), True)
@example([(0x00080005, (b"CS", b""))], set(), True)
@example([(0x00280103, (b"DS", b"1 "))], set(), True)
@example([(0x00280006, (b"US", b"\0"))], set(), True)
@example([(0x7FE00001, (b"OV", b""))], set(), True)
@example([(0x00080018, (b"UI", b"1\n"))], set(), True)
@example([(0x0008103E, (b"SQ", b"12345678")), (0x00280103, (b"US", b"123"))], set(), True)
@example([(0x00280004, (b"UN", b"MONOCHROME2 "))], set(), True)
def test_whatever_the_elements_hold_rows_frames_and_messages_are_those_of_pydicom(
    changed, absent, lenient
):
    check_elements(changed, absent, lenient)


@pytest.mark.long
@settings(max_examples=3000)
@given(*CHANGES)
def test_whatever_many_elements_hold_it_is_as_pydicom_says(changed, absent, lenient):
    check_elements(changed, absent, lenient)


def check_elements(changed, absent, lenient):
    """Read a file with changed and absent elements both ways."""
    elements = USUAL | dict(changed)
    content = file_of(encoded({tag: e for tag, e in elements.items() if tag not in absent}))
    assert outcome(content, lenient) == by_pydicom(content, lenient)


@settings(max_examples=400)
@given(st.data())
def test_whatever_bytes_are_damaged_rows_frames_and_messages_are_those_of_pydicom(data):
    sequence = undefined(0x00081140, [(REFERENCE, False), (REFERENCE, True)])
    content = bytearray(file_of(encoded(USUAL | {0x00081140: (None, sequence)})))
    assert is_fast(bytes(content))
    for place in data.draw(st.lists(st.integers(128, len(content) - 1), max_size=3)):
        content[place] = data.draw(st.integers(0, 255))
    end = data.draw(st.one_of(st.just(len(content)), st.integers(0, len(content))))
    content = bytes(content[:end]) + data.draw(st.sampled_from([b"", b"\0", bytes(8), bytes(40)]))
    lenient = data.draw(st.booleans())
    assert outcome(content, lenient) == by_pydicom(content, lenient)


@pytest.mark.parametrize("name", SEQUENCES)
def test_sequences_without_a_length_are_stepped_over_or_left_to_pydicom(name):
    sequence, fast = SEQUENCES[name]
    content = file_of(encoded(USUAL | {0x00081140: (None, sequence)}))
    assert is_fast(content) == fast
    assert outcome(content) == by_pydicom(content)


@pytest.mark.parametrize(
    ("changed", "meta"),
    [
        ({}, {0x00020010: (b"UI", b"1.2.840.10008.1.2\0")}),
        ({}, {0x00020010: (b"UI", b"1.2.840.10008.1.2.2\0")}),
        ({}, {0x00020010: (b"UI", b"1.2.840.10008.1.2.1.99\0\0")}),
        ({}, {0x00020002: (b"UI", b"1.2.840.10008.5.1.4.1.1.66\0\0")}),
        ({}, {0x00020002: (b"UI", b"1.2.3\0")}),
        ({0x00280008: (b"IS", b"2 ")}, {}),
        ({0x00280002: (b"US", b"\3\0")}, {}),
        ({0x00280004: (b"CS", b"MONOCHROME1 ")}, {}),
        ({0x00280010: (b"US", b"\2\0")}, {}),
        ({0x00280100: (b"US", b"\x08\0"), 0x00280101: (b"US", b"\x08\0")}, {}),
        ({0x7FE00010: (b"OB", bytes(12))}, {}),
        ({0x7FE00008: (b"OF", bytes(24))}, {}),
        ({0x00181060: (b"DS", b"")}, {}),
        ({0x00280030: (b"DS", b"0\\1 ")}, {}),
    ],
)
def test_other_forms_are_left_to_pydicom(changed, meta):
    content = file_of(encoded(USUAL | changed), META | meta)
    assert not is_fast(content)
    assert outcome(content) == by_pydicom(content)


def test_elements_out_of_order_or_twice_are_left_to_pydicom():
    first, rest = encoded(dict(list(USUAL.items())[:3])), encoded(dict(list(USUAL.items())[3:]))
    for elements in (rest + first, first + first + rest):
        content = file_of(elements)
        assert plain_file(content) is None
        assert outcome(content) == by_pydicom(content)


def test_files_of_the_phantom_and_of_real_scanners_are_read_the_fast_way(tmp_path, data):
    paths = write_series(tmp_path, frames=(1,))
    paths += sorted((data / "sunnybrook/dicoms").rglob("*.dcm"))[::50]
    assert len(paths) > 10
    for path in paths:
        content = path.read_bytes()
        with warnings.catch_warnings(action="ignore"):
            assert is_fast(content), path
        assert outcome(content) == by_pydicom(content)


def test_a_private_value_has_the_name_that_its_own_creator_gives():
    other = {0x00190010: (b"LO", b"SIEMENS CT VA0 COAD "), 0x00191092: (b"FD", bytes(8))}
    for changed in ({}, other, {0x00190010: (b"LO", b"NOBODY")}):
        content = file_of(encoded(USUAL | changed))
        assert outcome(content) == by_pydicom(content)


@pytest.mark.parametrize(
    ("vr", "value", "expected"),
    [
        (b"DS", b"1.50 ", [1.5]),
        (b"DS", b"1\\-2.5", [1.0, -2.5]),
        (b"DS", b"1e3 ", None),
        (b"DS", b" 1", None),
        (b"DS", b"1\\", None),
        (b"DS", "١".encode(), None),
        (b"IS", b"-7", [-7]),
        (b"IS", b"1.0 ", None),
        (b"IS", b"99999999999 ", None),
        (b"US", b"\1\2", [513]),
        (b"US", b"\1\2\3\4", None),
        (b"FD", bytes(8), None),
    ],
)
def test_numbers_are_taken_where_they_read_in_one_way_only(vr, value, expected):
    assert plain_numbers(vr, value) == expected


def test_a_plain_file_is_not_decoded_again_for_each_frame(tmp_path, monkeypatch):
    paths = write_series(tmp_path, frames=range(1, 31))
    read = []
    real = pydicom.dcmread
    monkeypatch.setattr(pydicom, "dcmread", lambda *a, **k: read.append(1) or real(*a, **k))
    for path in paths:
        plain, _ = open_file(path, path.name)
        assert isinstance(plain, Plain)
        read_frames(plain, path.name)
    # Elements of the first file; those that differ between frames are numbers.
    assert len(read) <= 40


def test_the_tags_of_a_frame_are_known():
    assert 0 not in [*headers.SHARED, *headers.TIME]
    assert tag_for_keyword("TriggerTime") == headers.TIME[0]
