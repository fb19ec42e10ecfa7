"""DICOM SEG of a cine: a segment per tissue, on the pixels of the source images, over time.

highdicom makes a SEG of the images of one series at one time; the slices of a cine may be series of
their own, with several frames at each place. So the object is put together here, by DICOM PS3.3
A.51; highdicom describes its segments.
"""

from collections import defaultdict
from collections.abc import Sequence

import numpy as np
from highdicom import AlgorithmIdentificationSequence
from highdicom.color import CIELabColor
from highdicom.seg import SegmentDescription
from pydicom.dataset import Dataset
from pydicom.sr.codedict import codes
from pydicom.sr.coding import Code
from pydicom.tag import Tag
from pydicom.uid import UID, SegmentationStorage

from cmrseg.export.codes import SEGMENTS
from cmrseg.export.equipment import MAKER, MOST_TEXT, RESEARCH, Author, new_object
from cmrseg.export.own_pixels import OwnLabels
from cmrseg.export.source_images import SourceImage, Sources, uid_of
from cmrseg.export.version import VERSION
from cmrseg.labels import COLOURS, NAMES, Tissue

# Number of the series in the study; above those of scanners.
SERIES_NUMBER = 9001
# What frames are sorted by: element, functional group that holds it, in words.
DIMENSIONS = (
    ("ReferencedSegmentNumber", "SegmentIdentificationSequence", "Segment"),
    ("InStackPositionNumber", "FrameContentSequence", "Slice"),
    ("TemporalPositionIndex", "FrameContentSequence", "Frame"),
)
STACK = "1"
# Decimals of a position or spacing in mm, so that a decimal string holds it.
DECIMALS = 6


def segmentation(
    images: Sequence[OwnLabels], sources: Sources, tissues: Sequence[Tissue], author: Author
) -> Dataset:
    """The SEG of a cine's label maps.

    images: of each image of the cine. sources: these images by their file. tissues: those that the
    label maps tell of, a segment each, in this order. An image without a tissue has no frame in its
    segment. Frames have the pixels of their source image; where images differ in size, all have
    that of the largest, with what is beyond an image as background. The same labels of the same
    images give the same bytes. Raises ValueError where nothing is labelled.
    """
    shown = [
        (number, tissue, one)
        for number, tissue in enumerate(tissues, start=1)
        for one in sorted(images, key=lambda one: (one.z, one.t))
        if (one.labels == tissue).any()
    ]
    if not shown:
        raise ValueError(f"{author.name} labelled nothing, and a DICOM SEG needs a labelled pixel")
    files = {one.file: sources.images[one.file] for _, _, one in shown}
    used = Sources(files, sources.invented)
    made = new_object(
        used, SegmentationStorage, "SEG", f"Segmentation: {author.name}", _uid(images, used, author)
    )
    made.SeriesNumber = SERIES_NUMBER
    made.ImageType = ["DERIVED", "PRIMARY"]
    made.FrameOfReferenceUID = used.headers[0].FrameOfReferenceUID
    made.PositionReferenceIndicator = ""
    made.ContentLabel = "SEGMENTATION"
    made.ContentDescription = f"{author.name}. {RESEARCH}"[:MOST_TEXT]
    made.ContentCreatorName = ""
    made.SegmentationType = "BINARY"
    made.SegmentsOverlap = "NO"
    made.SegmentSequence = [_described(n, t, author) for n, t in enumerate(tissues, start=1)]
    made.ReferencedSeriesSequence = referenced_series(used)
    _set_dimensions(made)
    made.SharedFunctionalGroupsSequence = [Dataset()]
    made.PerFrameFunctionalGroupsSequence = [
        _groups(number, one, sources.images[one.file]) for number, _, one in shown
    ]
    _set_pixels(made, [one.labels == tissue for _, tissue, one in shown])
    return made


def _uid(images: Sequence[OwnLabels], sources: Sources, author: Author) -> UID:
    content = [one.labels.tobytes() for one in images]
    names = [str(header.SOPInstanceUID) for header in sources.headers]
    return uid_of("segmentation", VERSION, author, *names, *map(uid_of, content))


def _described(number: int, tissue: Tissue, author: Author) -> Dataset:
    """A segment; what is drawn by hand has no algorithm."""
    segment = SEGMENTS[tissue]
    algorithm = None
    if author.by != "MANUAL":
        algorithm = AlgorithmIdentificationSequence(
            author.name,
            codes.DCM.ArtificialIntelligence,
            VERSION,
            source=MAKER,
        )
    return SegmentDescription(
        number,
        NAMES[tissue],
        segment.category,
        segment.kind,
        author.by,
        algorithm,
        tracking_uid=uid_of("tissue", author.name, int(tissue)),
        tracking_id=NAMES[tissue],
        anatomic_regions=[segment.site] if segment.site else None,
        display_color=CIELabColor.from_string(COLOURS[tissue]),
    )


def referenced_series(sources: Sources) -> list[Dataset]:
    """The files of some images, by their series."""
    by_series: dict[str, list[Dataset]] = defaultdict(list)
    for header in sources.headers:
        by_series[header.SeriesInstanceUID].append(_reference(header))
    return [
        _item(ReferencedInstanceSequence=found, SeriesInstanceUID=uid)
        for uid, found in by_series.items()
    ]


def _reference(header: Dataset, number: int | None = None) -> Dataset:
    found = _item(
        ReferencedSOPClassUID=header.SOPClassUID, ReferencedSOPInstanceUID=header.SOPInstanceUID
    )
    if number is not None:
        found.ReferencedFrameNumber = number
    return found


def _item(**elements: object) -> Dataset:
    item = Dataset()
    for keyword, value in elements.items():
        setattr(item, keyword, value)
    return item


def _coded(code: Code) -> list[Dataset]:
    return [
        _item(
            CodeValue=code.value,
            CodingSchemeDesignator=code.scheme_designator,
            CodeMeaning=code.meaning,
        )
    ]


def _set_dimensions(made: Dataset) -> None:
    uid = uid_of("dimensions", made.SOPInstanceUID)
    made.DimensionOrganizationSequence = [_item(DimensionOrganizationUID=uid)]
    made.DimensionIndexSequence = [
        _item(
            DimensionOrganizationUID=uid,
            DimensionIndexPointer=Tag(element),
            FunctionalGroupPointer=Tag(group),
            DimensionDescriptionLabel=label,
        )
        for element, group, label in DIMENSIONS
    ]


def _groups(number: int, one: OwnLabels, source: SourceImage) -> Dataset:
    """Functional groups of a frame: its segment, slice and time, its place, its source image."""
    index = [number, one.z + 1, one.t + 1]
    content = _item(
        StackID=STACK,
        InStackPositionNumber=one.z + 1,
        TemporalPositionIndex=one.t + 1,
        DimensionIndexValues=index,
    )
    reference = _reference(source.header, source.number)
    reference.PurposeOfReferenceCodeSequence = _coded(
        codes.DCM.SourceImageForImageProcessingOperation
    )
    reference.SpatialLocationsPreserved = "YES"
    measures = _item(PixelSpacing=_decimals(source.spacing_mm))
    if source.thickness_mm > 0:
        measures.SliceThickness = _decimals([source.thickness_mm])[0]
    return _item(
        FrameContentSequence=[content],
        SegmentIdentificationSequence=[_item(ReferencedSegmentNumber=number)],
        PlanePositionSequence=[_item(ImagePositionPatient=_decimals(source.position_mm))],
        PlaneOrientationSequence=[_item(ImageOrientationPatient=_decimals(source.orientation))],
        PixelMeasuresSequence=[measures],
        DerivationImageSequence=[
            _item(
                DerivationCodeSequence=_coded(codes.DCM.Segmentation),
                SourceImageSequence=[reference],
            )
        ],
    )


def _decimals(values: Sequence[float]) -> list[float]:
    """Numbers as decimal strings of at most 16 signs hold them."""
    return [round(value, DECIMALS) + 0.0 for value in values]


def _set_pixels(made: Dataset, masks: Sequence[np.ndarray]) -> None:
    """Frames of one bit per pixel, without a gap between frames."""
    rows, columns = np.max([mask.shape for mask in masks], axis=0)
    frames = np.zeros((len(masks), rows, columns), bool)
    for frame, mask in zip(frames, masks, strict=True):
        frame[: mask.shape[0], : mask.shape[1]] = mask
    made.NumberOfFrames, made.Rows, made.Columns = len(masks), int(rows), int(columns)
    made.SamplesPerPixel, made.PhotometricInterpretation = 1, "MONOCHROME2"
    made.BitsAllocated = made.BitsStored = 1
    made.HighBit = made.PixelRepresentation = 0
    made.LossyImageCompression = "00"
    packed = np.packbits(frames.ravel(), bitorder="little").tobytes()
    made.add_new("PixelData", "OB", packed + b"\0" * (len(packed) % 2))
