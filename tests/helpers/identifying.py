"""Names, dates and free text put wherever a file could hold them, and the search for them."""

import base64
import gzip
import re
import zlib
from pathlib import Path

import nibabel as nib
import pydicom
from PIL import Image, PngImagePlugin
from pydicom._dicom_dict import DicomDictionary

SECRET = "Zephyrine"
# What a value of each kind may give away.
SECRETS = {
    **dict.fromkeys(("LO", "SH", "LT", "ST", "UT", "UC", "PN", "CS", "AE"), SECRET),
    **{"DA": "19430217", "DT": "19430217", "TM": "194302.17", "AS": "943Z"},
    **{"UI": "1.2.19430217", "UR": SECRET},
}
# Needed for the import, or text of which the form is free.
SPARED = {
    *("SpecificCharacterSet", "SOPClassUID", "SOPInstanceUID", "PhotometricInterpretation"),
    *("Manufacturer", "ManufacturerModelName", "SoftwareVersions", "SequenceName"),
    *("PatientSex", "PixelPresentation", "PatientID", "Modality"),
}


def plant_secrets(data: pydicom.Dataset) -> None:
    """Put names, dates and identifiers into every attribute of the standard that holds text."""
    item = pydicom.Dataset()
    item.PatientName = item.PatientID = item.SeriesDescription = item.CodeMeaning = SECRET
    item.RadionuclideTotalDose = item.PatientWeight = 19430217.0
    for tag, (representation, *_, keyword) in DicomDictionary.items():
        group = tag >> 16
        if not keyword or group in (0, 2, 4, 0x7FE0, 0xFFFA, 0xFFFC, 0xFFFE) or group > 0x6000:
            continue
        if keyword in SPARED:
            continue
        if representation == "SQ":
            data.add_new(tag, "SQ", [item])
        elif representation in SECRETS:
            data.add_new(tag, representation, SECRETS[representation])
    data.PatientID = SECRET
    data.PatientWeight = data.PatientSize = 19430217.0
    # A name written as a code, and a code that is none.
    data.add_new(0x00080090, "CS", SECRET.upper())
    data.add_new(0x00291001, "DS", "19430217")
    data.add_new(0x00291002, "UN", SECRET.encode())


# What must be found nowhere: the name, and the day of birth as date, number and time.
GIVEN_AWAY = (SECRET.lower(), "19430217", "194302.17", "943z")


def plant_in_dicom(folder: Path) -> None:
    """Into every attribute of every file below a folder that holds text."""
    for path in folder.rglob("*.dcm"):
        data = pydicom.dcmread(path)
        plant_secrets(data)
        data.save_as(path)


def plant_in_nifti(path: Path) -> None:
    """Into the texts of the header, and two extensions."""
    image = nib.load(path)
    for field in ("descrip", "aux_file", "intent_name", "db_name", "data_type"):
        width = image.header[field].dtype.itemsize
        image.header[field] = f"{SECRET} 19430217".encode()[:width]
    for code in (2, 6):  # DICOM attributes, and a comment
        image.header.extensions.append(nib.nifti1.Nifti1Extension(6, f"{SECRET} {code}".encode()))
    nib.save(image, path)


def plant_in_png(path: Path) -> None:
    """Into text chunks of all three kinds, and the attributes of a camera."""
    texts = PngImagePlugin.PngInfo()
    texts.add_text("Author", f"{SECRET} 19430217")
    texts.add_text("Comment", f"{SECRET} 19430217", zip=True)
    texts.add_itxt("Description", f"{SECRET} 19430217")
    exif = Image.Exif()
    exif[0x010E] = f"{SECRET} 19430217"
    with Image.open(path) as picture:
        picture.load()
        picture.save(path, pnginfo=texts, exif=exif)


def plant_in_con(path: Path) -> None:
    """Into the fields of a QMass file, before its first contour and behind its last."""
    lines = path.read_text().splitlines()
    fields = ("Patient_name", "Patient_gender", "Study_description", "Birth_date", "Manufacturer")
    planted = [f"{name}={SECRET} 19430217" for name in fields]
    lines = [line for line in lines if not line.startswith("Patient_id")]
    planted.append(f"Patient_id={SECRET}")
    path.write_text("\r\n".join([*planted, *lines, *planted]) + "\r\n")


def found_in(content: bytes) -> set[str]:
    """Which of GIVEN_AWAY are in a file's content, also where it is packed or written in base64."""
    found = {word for word in GIVEN_AWAY if word in content.decode("latin-1").lower()}
    for packed in re.findall(rb"base64,([A-Za-z0-9+/=]+)", content):
        # The word may stand in a program, too, with anything behind it.
        found |= found_in(base64.b64decode(packed[: len(packed) // 4 * 4]))
    if content[:2] == b"\x1f\x8b":
        found |= found_in(gzip.decompress(content))
    if content[:8] == b"\x89PNG\r\n\x1a\n":
        found |= _in_chunks(content)
    return found


def _in_chunks(content: bytes) -> set[str]:
    """What is in the compressed texts of a PNG."""
    found = set()
    for match in re.finditer(rb"(?:zTXt|iTXt)[^\0]{1,79}\0.{0,80}?(x\x9c.*)", content, re.DOTALL):
        found |= found_in(zlib.decompressobj().decompress(match[1], 10**6))
    return found
