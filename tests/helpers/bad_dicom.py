"""DICOM files with damaged bytes, odd headers and odd encodings."""

import copy
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pydicom

from bad_cases import CLEANING, ROWS, SUBJECT, Case, Family, content_cases, imported, place_cases
from cmrseg.dicom.study import import_shard
from dicom_builder import write_series, write_study
from mutations import BOMB_BYTES, damaged_bytes, deflated_zeros

DICOM_FILE = "raw/train/train/7/study/sax_6/IM-0006-0002.dcm"
# Values that attributes of one slice get; a file is written with them.
ELEMENTS = [
    *({"PixelSpacing": v} for v in ([-1.5, 1.25], [1e-9, 1e-9], [1e9, 1e9], [1e-300, 1.25])),
    *({"PixelSpacing": v} for v in ([1e38, 1e38], [1e300, 1e300], [1.5], [1.5, 1.25, 1.0])),
    *({"ImagePositionPatient": v} for v in ([1e300] * 3, [1e9, 0, 0], [0, 0], [1e38, 1e38, 0])),
    *({"ImageOrientationPatient": v} for v in ([0] * 6, [1, 0, 0, 1, 0, 0], [2, 0, 0, 0, 2, 0])),
    *({"SliceLocation": v} for v in (1e300, -1e300)),
    *({"SpacingBetweenSlices": v} for v in (-8, 0, 1e300)),
    *({"SliceThickness": v} for v in (-8, 0, 1e300)),
    *({"TriggerTime": v} for v in (-40, 1e300, 0)),
    *({"CardiacNumberOfImages": v} for v in (0, -3, 1, 10**6, 2**31 - 1)),
    *({"SeriesNumber": v} for v in (-1, 2**31 - 1, 0)),
    *({"InstanceNumber": v} for v in (-1, 2**31 - 1, 0)),
    *({"RescaleSlope": v} for v in (0, 1e300, -1)),
    {"RescaleIntercept": 1e300},
    {"Rows": 65535, "Columns": 65535},
    {"Rows": 65535, "Columns": 1},
    {"Rows": 0, "Columns": 0},
    {"Rows": 1, "Columns": 120},
    {"Rows": 120, "Columns": 1},
    {"NumberOfFrames": 10**6},
    {"NumberOfFrames": 0},
    {"NumberOfFrames": -1},
    {"SamplesPerPixel": 3, "PhotometricInterpretation": "RGB", "PlanarConfiguration": 0},
    {"SamplesPerPixel": 65535},
    {"PhotometricInterpretation": "PALETTE COLOR"},
    {"PhotometricInterpretation": "YBR_FULL_422"},
    {"BitsAllocated": 8, "BitsStored": 8, "HighBit": 7},
    {"BitsAllocated": 64, "BitsStored": 64, "HighBit": 63},
    {"BitsAllocated": 1, "BitsStored": 1, "HighBit": 0},
    {"BitsAllocated": 0},
    {"BitsStored": 40},
    {"PixelRepresentation": 7},
    {"SpecificCharacterSet": "ISO_IR 999"},
    {"PatientID": ""},
    {"PatientID": "7" * 64},
    {"SeriesDescription": "x" * 64},
    {"Modality": "CT"},
    {"SOPClassUID": "1.2.840.10008.5.1.4.1.1.88.11"},
]
# A value written by hand, with tag and VR: what pydicom would not write.
RAW_ELEMENTS = {
    "a position of words": (b"\x20\x00\x32\x00", b"DS", b"left\\here\\up"),
    "a position that is not finite": (b"\x20\x00\x32\x00", b"DS", b"nan\\inf\\-inf"),
    "a position of whole numbers": (b"\x20\x00\x32\x00", b"IS", b"1\\2\\3 "),
    "a position that is a sequence": (b"\x20\x00\x32\x00", b"SQ", b""),
    "rows as text": (b"\x28\x00\x10\x00", b"LO", b"twelve"),
    "rows in four bytes": (b"\x28\x00\x10\x00", b"UL", b"\xff\xff\xff\xff"),
    "a VR that is none": (b"\x20\x00\x13\x00", b"ZZ", b"12"),
    "an unknown VR": (b"\x20\x00\x13\x00", b"UN", b"12"),
    "pixels as text": (b"\x28\x00\x30\x00", b"DS", b"1,5\\1,25"),
    "an instance beyond all bounds": (b"\x20\x00\x13\x00", b"IS", b"9" * 300),
}


def make_dicom(folder: Path) -> None:
    write_study(folder / "raw/train/train/7/study", slices=3)


def run_dicom(layout: str, mode: str = "corrected") -> Callable[[Path], list[str]]:
    raw = "raw/train/train/7" if layout == "folder" else "raw"
    rows = ROWS.assign(study="study") if layout == "folder" else ROWS

    def run(folder: Path) -> list[str]:
        settings = {**CLEANING, "mode": mode, "layout": layout}
        return imported(folder, *import_shard(rows, folder / raw, folder / "images", settings))

    return run


def with_element(content: bytes, tag: bytes, kind: bytes, value: bytes) -> bytes:
    """An element's value replaced, whatever its form (short lengths alone)."""
    start = content.index(tag)
    length = int.from_bytes(content[start + 6 : start + 8], "little")
    value = value + b" " * (len(value) % 2)
    written = tag + kind
    if kind == b"SQ":
        written += b"\0\0" + (2**32 - 2).to_bytes(4, "little")
    elif kind in (b"UN", b"ZZ"):
        written += b"\0\0" + len(value).to_bytes(4, "little") + value
    else:
        written += len(value).to_bytes(2, "little") + value
    return content[:start] + written + content[start + 8 + length :]


def dicom_contents(good: bytes, folder: Path) -> Iterator[tuple[str, bytes]]:
    yield from damaged_bytes(good, seed=1, each=6)
    for name, (tag, kind, value) in RAW_ELEMENTS.items():
        yield name, with_element(good, tag, kind, value)
    for name, tag in (("pixels", b"\xe0\x7f\x10\x00OW\0\0"), ("a tag", b"\x20\x00\x32\x00DS")):
        start = good.index(tag) + len(tag)
        yield f"{name} of 4 GB", good[:start] + b"\xfe\xff\xff\xff" + good[start + 4 :]
        yield f"{name} of unknown length", good[:start] + b"\xff\xff\xff\xff" + good[start + 4 :]
    data = pydicom.dcmread(folder / DICOM_FILE)
    for syntax in ("1.2.840.10008.1.2", "1.2.840.10008.1.2.2", "1.2.840.10008.1.2.1.99", "1.2.3"):
        head = good.replace(b"1.2.840.10008.1.2.1\0", syntax.encode().ljust(20, b"\0"))
        yield f"transfer syntax {syntax}", head
    yield "a deflated bomb", deflated_bomb(data, folder)
    for name, changes in (
        ("RLE of 65535 x 65535", {"Rows": 65535, "Columns": 65535}),
        ("RLE of 8000 x 8000", {"Rows": 8000, "Columns": 8000}),
        ("RLE of 1000000 frames", {"NumberOfFrames": 10**6}),
    ):
        packed = copy.deepcopy(data)
        packed.compress(pydicom.uid.RLELossless, generate_instance_uid=False)
        for keyword, value in changes.items():
            setattr(packed, keyword, value)
        packed.save_as(folder / "written")
        yield name, (folder / "written").read_bytes()
    yield "deep sequences", nested_sequences(good, 5000)


def deflated_bomb(data: pydicom.Dataset, folder: Path) -> bytes:
    """A file whose data set would be 1.5 GB of zeros."""
    written = copy.deepcopy(data)
    written.file_meta.TransferSyntaxUID = pydicom.uid.DeflatedExplicitVRLittleEndian
    written.save_as(folder / "written")
    content = (folder / "written").read_bytes()
    behind = 144 + int.from_bytes(content[140:144], "little")
    return content[:behind] + deflated_zeros(BOMB_BYTES)


def nested_sequences(good: bytes, depth: int) -> bytes:
    sequence = b"\x08\x00\x40\x11SQ\0\0\xff\xff\xff\xff\xfe\xff\x00\xe0\xff\xff\xff\xff"
    start = good.index(b"\x10\x00\x10\x00")
    return good[:start] + sequence * depth + good[start:]


def dicom_cases(good: Path) -> Iterator[Case]:
    runs = [run_dicom("kaggle"), run_dicom("folder"), run_dicom("kaggle", "compat")]
    contents = dicom_contents((good / DICOM_FILE).read_bytes(), good)
    for i, (name, content) in enumerate(contents):
        yield from content_cases(DICOM_FILE, iter([(name, content)]), runs[i % 3])
    yield from place_cases(good, DICOM_FILE, runs[0])
    yield from place_cases(good, DICOM_FILE, runs[1])
    for i, elements in enumerate(ELEMENTS):
        for every in (False, True):

            def damage(folder: Path, elements=elements, every=every) -> None:
                study = folder / "raw/train/train/7/study"
                for k in range(3) if every else (1,):
                    pixels = {} if "NumberOfFrames" in elements else elements
                    write_odd(study / f"sax_{5 + k}", 5 + k, 8.0 * k, pixels or elements)

            what = "all slices" if every else "one slice"
            shown = ", ".join(f"{key} {value}" for key, value in elements.items())
            yield Case(f"{what}: {shown}", damage, runs[(i + every) % 3])


def write_odd(folder: Path, series: int, location_mm: float, elements: dict) -> None:
    """A slice of 12 x 10 pixels whose header says what it likes."""
    shutil.rmtree(folder)
    write_series(folder, series, location_mm=location_mm)
    for path in folder.iterdir():
        data = pydicom.dcmread(path)
        for keyword, value in elements.items():
            setattr(data, keyword, value)
        data.save_as(path)


FAMILIES = {
    "dicom": Family(make_dicom, dicom_cases, SUBJECT),
}
