"""Write digital patients as the MyoPS challenge gives its cases, with what is true about them.

Li et al. 2023, doi:10.1016/j.media.2023.102808. A case has an image of each sequence and a label
map, all on one grid.
"""

import gzip
from collections.abc import Mapping
from pathlib import Path

import nibabel as nib
import numpy as np
import pandas as pd

from cmrseg.files import replacing, write_table
from cmrseg.layouts.myops_codes import as_codes
from cmrseg.phantom.heart import Heart, HeartParameters
from cmrseg.phantom.image_plane import Plane
from cmrseg.phantom.infarct_truth import infarct_truth
from cmrseg.phantom.infarcts import kind_of, with_infarct
from cmrseg.phantom.kaggle import Protocol
from cmrseg.phantom.myops_dicom import write_dicom
from cmrseg.phantom.population import draw_parameters
from cmrseg.phantom.three_sequences import Stills, acquire_sequences
from cmrseg.phantom.ukbb import LPS_TO_RAS

# How names of files end.
ENDINGS = {"c0": "C0", "de": "DE", "t2": "T2"}
LABELS = "gd"
PREFIX = "myops_training"
DICOM = "dicom"
# Settings besides the fields of `Protocol`, with what they are by default; sequences are all three.
OWN = {"prefix": PREFIX, "sequence_shift_mm": 0.0, "interpolation": 1, "dicom": False}


def draw_case(row: Mapping) -> HeartParameters:
    """The heart of a row of a subject table, with its infarct if it has one."""
    return with_infarct(row, draw_parameters(row), drawn=True)


def affine_of_planes(planes: tuple[Plane, ...]) -> np.ndarray:
    """(4, 4): (x, y, z, 1) to RAS mm; x along the columns, y against the rows, z as the planes."""
    first, last = planes[0], planes[-1]
    up = -np.asarray(first.column_direction) * first.row_spacing_mm
    affine = np.eye(4)
    affine[:3, 0] = LPS_TO_RAS * first.row_direction * first.column_spacing_mm
    affine[:3, 1] = LPS_TO_RAS * up
    affine[:3, 2] = LPS_TO_RAS * np.subtract(last.position_mm, first.position_mm)
    affine[:3, 2] /= len(planes) - 1
    affine[:3, 3] = LPS_TO_RAS * (np.asarray(first.position_mm) - (first.rows - 1) * up)
    return affine


def save_volume(path: Path, voxels: np.ndarray, affine: np.ndarray) -> None:
    """Write (z, rows, columns) as the challenge does: int16, three dimensions, placed by qform."""
    image = nib.Nifti1Image(voxels[:, ::-1].T.astype(np.int16), affine)
    image.header.set_xyzt_units("mm", "sec")
    image.set_qform(affine, code=1)
    image.set_sform(None, code=0)
    with replacing(path) as temporary:
        # Without a time, so that the same image gives the same bytes.
        Path(temporary).write_bytes(gzip.compress(image.to_bytes(), 1, mtime=0))


def write_case(row: Mapping, settings: Mapping, folder: Path) -> None:
    """Write `<prefix>_<study>_{C0,DE,T2,gd}.nii.gz`; settings as of write_shard."""
    about = {key: value for key, value in settings.items() if key not in OWN}
    about.pop("sequences", None)
    own = {key: settings.get(key, usual) for key, usual in OWN.items()}
    protocol = Protocol(frames=1, **about)
    parameters = draw_case(row)
    found, labels = acquire_sequences(
        row, parameters, protocol, own["sequence_shift_mm"], own["interpolation"]
    )
    stem = f"{own['prefix']}_{row['study']}"
    affine = affine_of_planes(found["c0"].planes)
    for sequence, stills in found.items():
        save_volume(folder / f"{stem}_{ENDINGS[sequence]}.nii.gz", _whole(stills), affine)
    save_volume(folder / f"{stem}_{LABELS}.nii.gz", as_codes(labels), affine)
    if own["dicom"]:
        write_dicom(row, found, protocol, folder / DICOM / str(row["study"]))


def _whole(stills: Stills) -> np.ndarray:
    return np.clip(np.rint(stills.images), 0, 32767)


def truth_of_case(row: Mapping) -> dict[str, float | str]:
    """What is true about a row's heart: its infarct, its volumes, and those of its infarct."""
    parameters = draw_case(row)
    infarct = parameters.infarct
    return {
        "subject": str(row["subject"]),
        "infarct": kind_of(row, drawn=True),
        "territory": "" if infarct is None else infarct.territory,
        "edv_ml": parameters.edv_ml,
        "esv_ml": parameters.esv_ml,
        **infarct_truth(Heart(parameters)),
    }


def write_shard(rows: pd.DataFrame, settings: Mapping, folder: Path) -> None:
    """Write the cases of a shard, and truth.tsv with a row each.

    rows: rows of the subject table (subject, study, edv_ml, esv_ml, disease, sex, heart_rate_bpm,
    seed; infarct if there is such a column; age_y for DICOM). settings: the fields of
    `kaggle.Protocol` except frames; prefix of file names; sequence_shift_mm: how far apart the
    breath-holds of the sequences are (standard deviation in the plane), 0 for aligned ones;
    interpolation: stored over acquired rows and columns; dicom: whether `dicom/<study>/` is
    written, too. A subject's files do not depend on the other rows.
    """
    folder.mkdir(parents=True, exist_ok=True)
    records = rows.to_dict("records")
    for row in records:
        write_case(row, settings, folder)
    write_table(pd.DataFrame([truth_of_case(row) for row in records]), folder / "truth.tsv")
