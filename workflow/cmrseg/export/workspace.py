"""Contours of label maps as a workspace of cvi42 has them, by the image that they lie on."""

from collections.abc import Sequence
from dataclasses import dataclass

from cmrseg.contours.chambers import cvi42_labels, kinds_of
from cmrseg.contours.cvi42 import Contours
from cmrseg.contours.qmass import ContourType
from cmrseg.contours.raster import contours_of, outline
from cmrseg.export.own_pixels import OwnLabels
from cmrseg.export.source_images import Sources
from cmrseg.labels import UNLABELLED, Tissue
from cmrseg.sequences import USUAL

# The two contours that belong together.
WALL = {Tissue.LV: ContourType.ENDOCARDIUM, Tissue.MYO: ContourType.EPICARDIUM}


@dataclass(frozen=True)
class Workspace:
    """contours: of each image, for `contours.cvi42.write_cvi42`.

    other_pixels: pixels that filled contours have another label of than the label maps: a contour
    has neither holes nor islands.
    """

    contours: Contours
    other_pixels: int


def workspace(images: Sequence[OwnLabels], sources: Sources, sequence: str) -> Workspace:
    """The contours of a cine's label maps, in pixels of their images.

    images: of each image of the cine. sources: these images by their file. sequence: sa, or a long
    axis with atria. They run half-way between pixels inside and outside, and are of the largest
    piece of each tissue. Images without a tissue have no contours. Raises ValueError where nothing
    is labelled, for a sequence whose chambers have no contours, and for files of several images,
    which a workspace does not tell apart.
    """
    names = {tissue: kinds[0] for tissue, kinds in kinds_of(sequence).items()}
    found: Contours = {}
    other = 0
    for one in images:
        image = sources.images[one.file]
        if image.number is not None:
            raise ValueError(
                f"{one.file} is a frame of a file with many, and a workspace of cvi42 knows files "
                "alone; export single images from the scanner or the PACS"
            )
        drawn = {}
        if sequence == USUAL:
            pair = contours_of(one.labels)
            drawn = {names[t]: pair[kind] for t, kind in WALL.items() if kind in pair}
        for tissue, name in names.items():
            if tissue not in WALL and (one.labels == tissue).any():
                drawn[name] = outline(one.labels == tissue)
        if not drawn:
            continue
        found[str(image.header.SOPInstanceUID)] = drawn
        rows, columns = one.labels.shape
        filled = cvi42_labels(drawn, rows, columns, sequence, "corrected")
        other += int(((filled != one.labels) & (filled != UNLABELLED)).sum())
    if not found:
        raise ValueError("nothing is segmented that cvi42 has contours of")
    return Workspace(found, other)
