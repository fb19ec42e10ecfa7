"""End-diastole and end-systole of short-axis label maps, for the measures of a panel."""

from cmrseg.cine import Cine
from cmrseg.measure.rows import Mode
from cmrseg.measure.volumes import measures, volume_curves


def cardiac_phases(labels: Cine, subject: str, mode: Mode) -> tuple[int, int | None]:
    """Frames of end-diastole and end-systole, from 0; end-systole is None where it is unknown.

    compat: end-diastole is the first frame, as in Bai et al. 2018; corrected: the first if its
    cavity is nearly the largest, else the frame with the largest. Raises ValueError naming the
    subject where no frame is labelled in every slice, or its end-diastole is unknown.
    """
    curve = volume_curves(labels.voxels, labels.spacing_mm, subject)
    found = measures(curve, ed="first" if mode == "compat" else "first_if_near")
    ed, es = found["ed_frame"], found["es_frame"]
    if ed != ed:
        raise ValueError(f"subject {subject}: end-diastole is unknown")
    return int(ed), None if es != es else int(es)
