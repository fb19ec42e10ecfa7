"""Labels of some frames, in the HDF5 file of their images."""

import logging

import numpy as np

from cmrseg.annotations.subject import NOT_LISTED, PHASES, Subject
from cmrseg.labels import UNLABELLED, Tissue
from cmrseg.layouts.hdf5 import FRAMES, MASKS, files_of, read_masks
from cmrseg.measure.phases import Phases, phases

logger = logging.getLogger(__name__)

# Values of the dataset, by index.
TISSUES = np.array([Tissue.BACKGROUND, Tissue.MYO, Tissue.LV], np.uint8)


def hdf5(subject: Subject) -> np.ndarray | None:
    """The datasets Masks and Frames_with_ROI of `<folder>/<annotation>.h5` (or `.hdf5`).

    In Masks 1 is LV myocardium and 2 LV cavity. Empty slices of a labelled frame are background.
    Frames that are not listed, and a listed one without any label, are UNLABELLED. None where
    the file has no labels.
    """
    found, cine = files_of(subject.folder, subject.annotation), subject.cine
    if not found:
        return None
    if len(found) > 1:
        raise ValueError(f"{found[0].name} and {found[1].name} both exist; keep one of them")
    path = found[0]
    if (read := read_masks(path)) is None:
        return None
    masks, frames = read
    if masks.shape != cine.voxels.shape:
        raise ValueError(
            f"{path.name}: {MASKS} {masks.shape} and images {cine.voxels.shape} differ (t, z, y, x)"
        )
    wrong = (masks < 0) | (masks >= len(TISSUES))
    if wrong.any():
        t, z = np.argwhere(wrong.any(axis=(2, 3)))[0]
        values = np.unique(masks[t, z][wrong[t, z]])[:5].tolist()
        raise ValueError(
            f"{path.name}: frame {t + 1}, slice {z + 1} (from 1) has labels {values}, "
            "expected 0 (background), 1 (myocardium) or 2 (cavity)"
        )
    drawn = masks.any(axis=(1, 2, 3))
    listed = np.isin(np.arange(len(masks)), frames)
    for sentence, frame in (
        ("has labels but is not in " + FRAMES, drawn & ~listed),
        ("is in " + FRAMES + " but has no label", listed & ~drawn),
    ):
        for t in np.flatnonzero(frame):
            subject.audit.add(
                NOT_LISTED, path.name, f"frame {t} (from 0, as in the file) {sentence}"
            )
    labelled = np.flatnonzero(listed & drawn)
    if not len(labelled):
        return None
    carried = np.full(masks.shape, UNLABELLED, np.uint8)
    carried[labelled] = TISSUES[masks[labelled]]
    _, y, x = cine.spacing_mm
    found_phases = phases(carried, labelled, y * x)
    _log(path.name, found_phases)
    for doubt in found_phases.doubts:
        subject.audit.add(PHASES, path.name, doubt)
    return carried


def _log(name: str, found: Phases) -> None:
    end_systole = f"frame {found.es + 1}" if found.es >= 0 else "unknown"
    inflow = ", ".join(str(t + 1) for t in found.inflow) or "none"
    logger.info(
        "%s: frames from 1: ED is frame %d, ES is %s, inflow: %s",
        *(name, found.ed + 1, end_systole, inflow),
    )
