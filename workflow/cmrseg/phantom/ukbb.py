"""Write digital subjects as labelled volumes of end-diastole and end-systole, as UK Biobank has.

All subjects are scanned alike, with the orientation of the UK Biobank short-axis images (Bai et
al. 2018, doi:10.1186/s12968-018-0471-x): x along the columns, y along the rows, slice 0 at the
base, the right ventricle at smaller x and larger y than the left one.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from cmrseg.cine import Cine
from cmrseg.phantom.image_plane import Plane
from cmrseg.phantom.kaggle import Protocol, acquire_slice, plan_stack, scanner_of
from cmrseg.phantom.plan import PlannedSlice
from cmrseg.phantom.population import draw_parameters

LPS_TO_RAS = np.array([-1.0, -1.0, 1.0])


def affine_of(slices: tuple[PlannedSlice, ...]) -> np.ndarray:
    """(4, 4): (x, y, z, 1) indices to RAS mm; z counts the slices in the order given.

    May be left-handed, as the orientation of the pictures and the order of slices are given.
    """
    return affine_of_planes([planned.plane for planned in slices])


def affine_of_planes(planes: Sequence[Plane]) -> np.ndarray:
    """(4, 4): as `affine_of`, of parallel planes with even distances, two or more."""
    first, last = planes[0], planes[-1]
    step = np.subtract(last.position_mm, first.position_mm) / (len(planes) - 1)
    affine = np.eye(4)
    affine[:3, 0] = LPS_TO_RAS * first.row_direction * first.column_spacing_mm
    affine[:3, 1] = LPS_TO_RAS * first.column_direction * first.row_spacing_mm
    affine[:3, 2] = LPS_TO_RAS * step
    affine[:3, 3] = LPS_TO_RAS * first.position_mm
    return affine


def affine_of_plane(plane: Plane) -> np.ndarray:
    """(4, 4): (x, y, z, 1) indices to RAS mm of a single slice, as thick as it is."""
    affine = np.eye(4)
    affine[:3, 0] = LPS_TO_RAS * plane.row_direction * plane.column_spacing_mm
    affine[:3, 1] = LPS_TO_RAS * plane.column_direction * plane.row_spacing_mm
    affine[:3, 2] = LPS_TO_RAS * plane.normal * plane.thickness_mm
    affine[:3, 3] = LPS_TO_RAS * plane.position_mm
    return affine


def write_subject(row: Mapping, protocol: Protocol, folder: Path) -> None:
    """Write images and labels of end-diastole and end-systole, each (1, z, y, x)."""
    parameters = draw_parameters(row)
    slices = plan_stack(row, parameters, protocol, 1).slices
    phases = np.array([0.0, parameters.es_phase])
    scanner = scanner_of(row, protocol)
    acquired = [acquire_slice(parameters, s, scanner, phases) for s in slices]
    images = np.stack([image for image, _ in acquired], axis=1)
    labels = np.stack([truth for _, truth in acquired], axis=1)
    affine = affine_of(slices)
    for t, frame in enumerate(("ED", "ES")):
        image = np.clip(np.rint(images[t : t + 1]), 0, 32767).astype(np.int16)
        Cine(image, affine).save(folder / f"sa_{frame}.nii.gz")
        label = labels[t : t + 1].astype(np.uint8)
        Cine(label, affine).save(folder / f"label_sa_{frame}.nii.gz")


def write_shard(rows: pd.DataFrame, settings: Mapping, folder: Path) -> None:
    """Write the subjects of a shard: <study>/{sa,label_sa}_{ED,ES}.nii.gz.

    rows: rows of the subject table. settings: the fields of `kaggle.Protocol` except frames.
    Labels are numbers of `Tissue`, the right ventricle among them. A subject's files do not
    depend on the other rows.
    """
    protocol = Protocol(frames=2, **settings)
    for row in rows.to_dict("records"):
        write_subject(row, protocol, folder / str(row["study"]))
