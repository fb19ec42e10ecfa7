"""The DICOM images that a cine was made of, as objects that refer to them need their headers."""

import hashlib
import warnings
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

import numpy as np
import pydicom
from pydicom.dataset import Dataset
from pydicom.uid import UID

from cmrseg.dicom.contents import DICM, ungzipped, without_preamble
from cmrseg.dicom.headers import frame_of
from cmrseg.dicom.zipped import place_of

# Functional groups that tell the place of a frame.
GROUPS = {
    "PlanePositionSequence": ("ImagePositionPatient",),
    "PlaneOrientationSequence": ("ImageOrientationPatient",),
    "PixelMeasuresSequence": ("PixelSpacing", "SliceThickness"),
}
# Elements of patient and study that every object has, though maybe empty: of a file that was
# stripped of them they stay empty.
OFTEN_EMPTY = (
    *("PatientName", "PatientID", "PatientBirthDate", "PatientSex", "AccessionNumber", "StudyID"),
    *("StudyDate", "StudyTime", "ReferringPhysicianName"),
)
# Elements that all images of a cine have in common.
COMMON = ("PatientID", "StudyInstanceUID", "FrameOfReferenceUID")


@dataclass(frozen=True)
class SourceImage:
    """One image: a file, or a frame of an object of many.

    header: of the file, without pixels; frames of one object share it. number: of the frame, from
    1; None of a file with one image. Lengths in mm, DICOM patient coordinates (LPS). position_mm:
    of the first pixel. spacing_mm: between rows, between columns. thickness_mm: nan where unknown.
    """

    header: Dataset
    number: int | None
    position_mm: tuple[float, ...]
    orientation: tuple[float, ...]
    spacing_mm: tuple[float, ...]
    thickness_mm: float


@dataclass(frozen=True)
class Sources:
    """Images of one study by their names in the table of sources: `<file>` or `<file>#<frame>`.

    invented: identifiers that the files lack, by keyword; each was made of those of the images, so
    that it is always the same one.
    """

    images: Mapping[str, SourceImage]
    invented: tuple[str, ...]

    @property
    def headers(self) -> list[Dataset]:
        """Of each file, once."""
        return list({id(image.header): image.header for image in self.images.values()}.values())


def uid_of(*parts: object) -> UID:
    """A UID that depends on its parts alone (UUID-derived root 2.25)."""
    digest = hashlib.sha256("\n".join(map(str, parts)).encode()).digest()
    return UID(f"2.25.{int.from_bytes(digest[:15], 'big')}")


def read_sources(folder: Path, files: Iterable[str]) -> Sources:
    """The images of a study.

    folder: of the study. files: names of the table of sources. Elements of OFTEN_EMPTY that a
    header lacks are empty in it. Raises ValueError naming a file that is gone or has no
    SOPInstanceUID, and where files differ in what a patient, a study or a frame of reference has
    one of.
    """
    headers: dict[str, Dataset] = {}
    images = {}
    for name in files:
        file, _, number = name.partition("#")
        if file not in headers:
            headers[file] = _header(folder, file)
        images[name] = _image(headers[file], name, int(number) if number else None)
    for keyword in COMMON:
        _share(headers, keyword)
    return Sources(images, _complete(list(headers.values())))


def _header(folder: Path, file: str) -> Dataset:
    try:
        content = ungzipped(place_of(folder, file).read_bytes(), file)
    except (OSError, KeyError) as error:
        raise ValueError(
            f"{file} is not among the raw files any more; put it back, or import the images again"
        ) from error
    with warnings.catch_warnings():
        # Those of pydicom may quote a name.
        warnings.simplefilter("ignore")
        if content[128:132] == DICM:
            header: Dataset = pydicom.dcmread(BytesIO(content), stop_before_pixels=True)
        else:
            header = without_preamble(content)
            del header.PixelData
    # Nobody refers to what a maker adds, and it is most of a header.
    tags = list(header.keys())
    for tag in tags:
        if tag.is_private:
            del header[tag]
    if not header.get("SOPInstanceUID"):
        raise ValueError(f"{file} has no SOPInstanceUID, by which DICOM objects name an image")
    return header


def _image(header: Dataset, name: str, number: int | None) -> SourceImage:
    single = header if number is None else _single(header, number)
    frame = frame_of(single, name, np.empty((0, 0), np.uint16))
    return SourceImage(
        header,
        number,
        frame.position_mm,
        frame.orientation,
        frame.spacing_mm,
        frame.thickness_mm,
    )


def _single(header: Dataset, number: int) -> Dataset:
    """The place of a frame as a single image has it."""
    single = Dataset()
    single.file_meta = header.file_meta
    single.SeriesNumber = single.InstanceNumber = number
    own = header.PerFrameFunctionalGroupsSequence[number - 1]
    for holder in (*(header.get("SharedFunctionalGroupsSequence") or []), own):
        for group, keywords in GROUPS.items():
            for item in holder.get(group) or []:
                single.update({item[k].tag: item[k] for k in keywords if k in item})
    return single


def _share(headers: Mapping[str, Dataset], keyword: str) -> None:
    """Give files the element that the others have. Raises ValueError where these differ."""
    files = {str(h[keyword].value): file for file, h in headers.items() if h.get(keyword)}
    if len(files) > 1:
        first, other, *_ = files.values()
        raise ValueError(
            f"{keyword} differs between {first} and {other}; a DICOM object refers to images of "
            "one patient, study and frame of reference"
        )
    for value in files:
        for header in headers.values():
            setattr(header, keyword, value)


def _complete(headers: list[Dataset]) -> tuple[str, ...]:
    """Fill in what objects that refer to these files cannot do without; what was invented."""
    names = sorted(str(header.SOPInstanceUID) for header in headers)
    invented = set()
    for header in headers:
        for keyword in OFTEN_EMPTY:
            if keyword not in header:
                setattr(header, keyword, "")
        own = {
            "StudyInstanceUID": uid_of("study", *names),
            "FrameOfReferenceUID": uid_of("frame of reference", *names),
            "SeriesInstanceUID": uid_of("series", header.get("SeriesNumber"), *names),
        }
        for keyword, value in own.items():
            if not header.get(keyword):
                setattr(header, keyword, value)
                invented.add(keyword)
    return tuple(sorted(invented))
