"""The files of an export before they have names: what each is, and its bytes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from cmrseg.phantom.dicom_writer import file_bytes
from cmrseg.phantom.pacs import objects
from cmrseg.phantom.pacs.enhanced import enhanced_object
from cmrseg.phantom.pacs.headers import Written, of_picture, stored_pixels
from cmrseg.phantom.pacs.variant import PRIVATE, REPORT, SCREENSHOT, STATE
from cmrseg.phantom.pacs.vendors import CINE, GE, MAGNITUDE, PHASE, SECOND_CINE, SIEMENS, Vendor

SCREENSHOTS = 2
# Objects that a presentation state is about.
SHOWN = 3


@dataclass(frozen=True)
class Item:
    """One file to be: what it is, and its content."""

    kind: str
    content: bytes
    elements: Mapping[str, object] = field(default_factory=dict)
    examination: int | None = None
    slice_: int | None = None
    frame: int | None = None


def series_items(
    written: Written, vendor: Vendor, common: Mapping[str, object], cine_as: str
) -> list[Item]:
    number = written.day + 1
    if cine_as == "object" and written.kind in (CINE, SECOND_CINE):
        elements = enhanced_object(written, vendor, common)
        return [Item(written.kind, file_bytes(elements), elements, number)]
    items = []
    for instance, picture in enumerate(written.pictures, 1):
        elements = of_picture(written, instance, vendor, common)
        pixels, meaning = stored_pixels(picture, vendor)
        private: list[tuple[int, str, object]] = []
        if vendor is GE and picture.shows in (MAGNITUDE, PHASE):
            # Raw data type: 0 magnitude, 1 phase.
            private = [(0x00430010, "LO", "GEMS_PARM_01")]
            private.append((0x0043102F, "SS", int(picture.shows == PHASE)))
        content = file_bytes({**elements, **meaning, "PixelData": pixels.tobytes()}, private)
        items.append(Item(written.kind, content, elements, number, picture.z, picture.t))
    return items


def other_items(
    study: Mapping[str, object],
    kinds: Sequence[str],
    vendor: Vendor,
    picture: np.ndarray,
    labels: np.ndarray,
    volumes_ml: Mapping[str, float],
    images: Sequence[Item],
) -> list[Item]:
    """What lies beside the images: screenshots, a report, a presentation state, a private object.

    study: elements of all objects. kinds: which of these. picture, labels: (rows, columns), what
    the screenshots show. volumes_ml: what the report says. images: of the examination.
    """
    made: list[tuple[str, dict[str, object]]] = []
    if SCREENSHOT in kinds:
        modality = "MR" if vendor is SIEMENS else "OT"
        made += [
            (SCREENSHOT, objects.screenshot(study, picture, labels, number, modality))
            for number in range(1, SCREENSHOTS + 1)
        ]
    if REPORT in kinds:
        made.append((REPORT, objects.report(study, volumes_ml)))
    if STATE in kinds:
        shown = [item.elements for item in images[:SHOWN]]
        made.append((STATE, objects.presentation_state(study, shown)))
    if PRIVATE in kinds:
        made.append((PRIVATE, objects.private_object(study, vendor.private_class)))
    return [Item(kind, file_bytes(elements), elements, 1) for kind, elements in made]
