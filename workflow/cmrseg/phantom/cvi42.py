"""What an expert draws in cvi42 on pictures of the digital heart."""

from collections.abc import Mapping

import numpy as np

from cmrseg.contours.chambers import kinds_of
from cmrseg.contours.cvi42 import Contours
from cmrseg.labels import Tissue
from cmrseg.phantom.observer import draw_contours, smooth_outline


def as_cvi42(labels: np.ndarray, images: Mapping[tuple[int, int], str], sequence: str) -> Contours:
    """Contours of the true label maps of a sequence, for `contours.cvi42.write_cvi42`.

    labels: (t, z, y, x) of Tissue on the pixels of the DICOM files. images: (slice, frame) ->
    SOPInstanceUID of the images that the expert draws on; UK Biobank has those of end-diastole and
    end-systole. A chamber that an image does not show has no contour. Workspaces hold all sequences
    of an examination: join what this gives of each.
    """
    kinds = {tissue: names[0] for tissue, names in kinds_of(sequence).items()}
    pairs = draw_contours(labels) if Tissue.LV in kinds else {}
    contours: Contours = {}
    for (z, t), image in images.items():
        drawn = {}
        for tissue, name in kinds.items():
            if tissue in (Tissue.LV, Tissue.MYO):
                pair = pairs.get((z, t))
                xy = pair and pair[tissue == Tissue.MYO]
            else:
                xy = smooth_outline(labels[t, z] == tissue)
            if xy is not None:
                drawn[name] = xy
        if drawn:
            contours[image] = drawn
    return contours
