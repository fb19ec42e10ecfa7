"""Label maps that are valid but anatomically impossible."""

import numpy as np
from scipy import ndimage

from cmrseg.labels import NAMES, REGIONS, UNLABELLED, Tissue
from cmrseg.sequences import VENTRICLES

# The myocardium, healthy or not.
WALL = [int(tissue) for tissue in REGIONS["wall"].members]


def frames_without_muscle(labels: np.ndarray) -> list[int]:
    """Frames of (t, z, y, x) with a cavity but without myocardium in any slice.

    The myocardium was not labelled then. Frames with unlabelled pixels next to the cavity are
    excepted.
    """
    cavity = (labels == Tissue.LV).any(axis=(1, 2, 3))
    muscle = np.isin(labels, WALL).any(axis=(1, 2, 3))
    with_cavity = (labels == Tissue.LV).any(axis=(2, 3))
    around = (with_cavity & (labels == Tissue.BACKGROUND).any(axis=(2, 3))).any(axis=1)
    return np.flatnonzero(cavity & ~muscle & around).tolist()


def other_numbers(labels: np.ndarray) -> str:
    """A message if label values of (t, z, y, x) follow another convention, else an empty text.

    Myocardium is a ring around the cavity. The frame with most tissue is checked.
    """
    tissue = (labels != Tissue.BACKGROUND) & (labels != UNLABELLED)
    volume = labels[tissue.sum(axis=(1, 2, 3)).argmax()]
    volume = np.where(np.isin(volume, WALL), Tissue.MYO, volume)
    within = {(ring, inner): 0 for ring in VENTRICLES for inner in VENTRICLES if ring != inner}
    for plane in volume:
        for ring in VENTRICLES:
            holes = ndimage.binary_fill_holes(plane == ring) & (plane != ring)
            for inner in VENTRICLES:
                if inner != ring:
                    within[ring, inner] += int((holes & (plane == inner)).sum())
    expected = within.pop((Tissue.MYO, Tissue.LV))
    (ring, inner), pixels = max(within.items(), key=lambda item: item[1])
    if pixels <= expected:
        return ""
    return (
        f"{NAMES[inner]} ({int(inner)}) lies within {NAMES[ring]} ({int(ring)}), expected "
        f"{NAMES[Tissue.LV]} ({int(Tissue.LV)}) within {NAMES[Tissue.MYO]} ({int(Tissue.MYO)}); "
        "if these files use other label values, declare them in `numbers` of the annotator"
    )
