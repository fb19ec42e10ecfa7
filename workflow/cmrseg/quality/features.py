"""All that is told about a labelled subject without a truth: of its pictures, and as a whole."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from cmrseg.labels import SHORT_NAMES, Tissue
from cmrseg.quality.agreement import agreement
from cmrseg.quality.curves import curve_values
from cmrseg.quality.grey import grey_values
from cmrseg.quality.neighbours import neighbours
from cmrseg.quality.planes import areas, planes_of
from cmrseg.quality.topology import topology

# What a row is about; all other columns are features.
ABOUT = ("subject", "slice", "frame", "pixels")


def features(
    labels: np.ndarray,
    image: np.ndarray,
    spacing_mm: tuple[float, float, float],
    subject: str,
    members: Sequence[np.ndarray] = (),
) -> tuple[pd.DataFrame, dict[str, float | str]]:
    """Features of a subject's pictures, and of the subject.

    labels: (t, z, y, x) of LV cavity, myocardium and RV of the short axis. image: of the same
    shape. spacing_mm: along z, y, x. members: label maps of the members of an ensemble, for the
    column `agreement`. Returns (pictures: a row per slice and frame, from 0, that is labelled or
    lies between labelled ones of its frame, with subject, slice, frame, pixels and the columns of
    topology, neighbours and grey; row: subject and the columns of curves, grey and agreement). A
    subject of which nothing is labelled has no pictures, and a row of missed_frames 1 alone. Raises
    ValueError naming the subject.
    """
    if not ((labels >= Tissue.LV) & (labels <= Tissue.RV)).any():
        return pd.DataFrame(columns=[*ABOUT]), {"subject": subject, "missed_frames": 1.0}
    try:
        planes = planes_of(labels, image, spacing_mm)
    except ValueError as error:
        raise ValueError(f"subject {subject}: {error}") from error
    found = areas(planes.labels)
    columns = topology(planes.labels) | neighbours(planes.labels, planes.pixel_mm)
    of_grey, row = grey_values(planes)
    columns |= of_grey
    heart = found[..., 1:].sum(axis=-1)
    largest = found.max(axis=(0, 1))
    for tissue in (Tissue.LV, Tissue.MYO, Tissue.RV):
        share = found[..., tissue] / max(largest[tissue], 1)
        columns[f"size_{SHORT_NAMES[tissue]}"] = share
    row |= curve_values(found)
    if members:
        columns["agreement"], row["agreement"] = agreement(members)
    z = np.arange(labels.shape[1])
    there = heart > 0
    first = np.where(there, z, len(z)).min(axis=1, keepdims=True)
    last = np.where(there, z, -1).max(axis=1, keepdims=True)
    frames, slices = np.nonzero((z >= first) & (z <= last))
    about = {"subject": subject, "slice": slices, "frame": frames}
    about["pixels"] = heart[frames, slices].astype(int)
    values = {name: values[frames, slices] for name, values in columns.items()}
    return pd.DataFrame(about | values), {"subject": subject, **row}
