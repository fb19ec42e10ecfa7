"""The headers table: which attributes of DICOM files may be shared."""

import json
import re

import pandas as pd
import pydicom
from pydicom.datadict import dictionary_has_tag, dictionary_VR, keyword_for_tag
from pydicom.dataelem import DataElement
from pydicom.tag import BaseTag

# What may enter the headers table: codes and numbers of the groups that describe the image and its
# acquisition, three attributes of the patient, and the texts below. Everything else may
# identify a person or a hospital: names, dates, free text, unique identifiers, other groups
# (visits, requests, procedures), and every sequence, as it may hold any of these.
IMAGE_GROUPS = {0x0008, 0x0018, 0x0020, 0x0028}
CODE_VR = "CS"
NUMBER_VRS = {"DS", "FD", "FL", "IS", "SL", "SS", "SV", "UL", "US", "UV"}
# Private whole numbers may be dates or identifiers; floating point numbers are measures.
PRIVATE_VRS = {"FD", "FL"}
# A code has letters, digits, blanks and underscores (DICOM PS3.5).
CODE = re.compile(r"[A-Z0-9_ ]{0,16}")
VERSION = re.compile(r"[\w.\-+()/ ]{0,64}")
WORD = (
    r"(sax|lax|sa|la|[234] ?ch|rvot|lvot|cine|short|long|axis|stack|scout|localizer|tfi2?d?"
    r"|lge|psir|de|late|early|enhancement|t[12]|map|molli|flow|perfusion|rest|stress|tagging|pre|post"
    r"|contrast|mag|phase|ao|aorta|ssfp|trufi|fiesta|ffe|retro|rt)"
)
TEXTS = {
    "ImagedNucleus": re.compile(r"\d{0,3}[A-Z][a-z]?"),
    "Manufacturer": VERSION,
    "ManufacturerModelName": VERSION,
    "PatientAge": re.compile(r"\d{3}[DWMY]"),
    "PatientID": re.compile(r".*", re.DOTALL),
    "PatientSex": re.compile(r"[FMO]"),
    "SOPClassUID": re.compile(r"[0-9.]+"),
    "SequenceName": re.compile(r"[\w*.\-]{1,16}"),
    "SeriesDescription": re.compile(rf"{WORD}([ _\-]{WORD})*([ _\-]?\d{{1,3}})?", re.IGNORECASE),
    "SoftwareVersions": VERSION,
}
# The number of a study of the Kaggle data, which stands in place of the patient's identifier.
STUDY_NUMBER = re.compile(r"\d{1,4}")
# Replaces a value in the headers table that does not match its VR. The import checks the values it
# needs; an invalid value elsewhere does not exclude a subject.
INVALID = "invalid"


def header_row(data: pydicom.Dataset) -> dict[str, object]:
    """The attributes of one file that may be published: keyword -> value.

    Private attributes are called by name and tag number, and only floating point numbers are
    kept. Multiple values become JSON text.
    """
    row: dict[str, object] = {}
    for tag in data.keys():  # noqa: SIM118 - iterating the dataset itself would decode all
        row.update(header_entry(data, tag))
    return row


def header_entry(data: pydicom.Dataset, tag: BaseTag) -> dict[str, object]:
    """What `header_row` has of one element: a keyword and a value, or nothing."""
    if not may_be_published(tag, _value_representation(data, tag)):
        return {}
    try:
        element = data[tag]
    except Exception:  # pydicom raises whatever the conversion of a wrong value raises
        return {keyword_for_tag(tag) or f"{int(tag):08X}": INVALID}
    value = _plain(element.value)
    if _is_harmless(keyword_for_tag(tag), element.VR, value):
        return {_key(element): _cell(value)}
    return {}


def _value_representation(data: pydicom.Dataset, tag: BaseTag) -> str:
    """VR of an element without decoding it; in implicit transfer syntaxes the dictionary's."""
    written = data.get_item(tag).VR
    if written is None and dictionary_has_tag(tag):
        written = dictionary_VR(tag)
    return "UN" if written is None else written[:2]


def may_be_published(tag: BaseTag, representation: str) -> bool:
    """Whether an element of this kind may enter the table, if its value is harmless.

    representation: its VR as written, or in implicit transfer syntaxes the dictionary's.
    """
    if representation == "SQ":
        return False
    if tag.is_private:
        return representation in PRIVATE_VRS
    if keyword_for_tag(tag) in TEXTS:
        return True
    if tag.group not in IMAGE_GROUPS or not dictionary_has_tag(tag):
        return False
    # A name that is written as a code is still a name.
    as_defined = representation in dictionary_VR(tag).split(" or ")
    return as_defined and representation in NUMBER_VRS | {CODE_VR}


def _is_harmless(keyword: str, representation: str, value: object) -> bool:
    """Whether a value has the expected form, so that it cannot be free text."""
    texts = [str(v) for v in (value if isinstance(value, list) else [value])]
    if keyword in TEXTS:
        return all(TEXTS[keyword].fullmatch(text) for text in texts)
    return representation != CODE_VR or all(CODE.fullmatch(text) for text in texts)


def harmless_description(text: str) -> str:
    """A SeriesDescription, if it consists of known words; else nothing."""
    return text if TEXTS["SeriesDescription"].fullmatch(text) else ""


def _key(element: DataElement) -> str:
    if element.tag.is_private or not element.keyword:
        return f"{element.name} {int(element.tag):08X}"
    return element.keyword


def _plain(value: object) -> object:
    if isinstance(value, (list, pydicom.multival.MultiValue)):
        return [_plain(v) for v in value]
    if isinstance(value, int):
        return int(value)
    if isinstance(value, float):
        return float(value)
    return "" if value is None else str(value)


def _cell(value: object) -> object:
    return json.dumps(value) if isinstance(value, list) else value


def named_rows(rows: pd.DataFrame, subject: str, study: str, kaggle: bool) -> pd.DataFrame:
    """Header rows with the subject and the study's folder.

    The PatientID is the number of the study in the Kaggle data; anywhere else it is not shown.
    """
    rows.insert(0, "subject", subject)
    rows.insert(1, "pid", study)
    if "PatientID" in rows:
        numbered = rows["PatientID"].astype(str).str.fullmatch(STUDY_NUMBER) & kaggle
        rows["PatientID"] = rows["PatientID"].where(numbered, study)
    return rows


def joined_rows(headers: list[pd.DataFrame]) -> pd.DataFrame:
    """One table: subject, pid, dir, file, then all attributes by name."""
    first = ["subject", "pid", "dir", "file"]
    headers = [table for table in headers if len(table)]
    if not headers:
        return pd.DataFrame(columns=first)
    table = pd.concat(headers, ignore_index=True)
    return table[first + sorted(set(table.columns) - set(first))]
