"""The one registry of sequences: the images of a subject by name, and what they show."""

from dataclasses import dataclass
from pathlib import Path

from cmrseg.labels import Tissue, named_once


@dataclass(frozen=True)
class Sequence:
    """One kind of image that a subject may have.

    key: its name in files and tables. name: its images in words. plane: what it lies in. is_cine:
    whether it shows a heartbeat. volumetric: whether its slices fill the heart, so that voxels are
    a volume; of a single slice they are an area. tissues: those that its label maps may hold.
    drawn: those that whoever labels it draws in any case. phase_tissue: its largest and smallest
    volume, or area, are end-diastole and end-systole.
    """

    key: str
    name: str
    plane: str
    contrast: str
    is_cine: bool
    volumetric: bool
    tissues: tuple[Tissue, ...]
    drawn: tuple[Tissue, ...]
    phase_tissue: Tissue | None = None


LEFT = (Tissue.LV, Tissue.MYO)
VENTRICLES = (*LEFT, Tissue.RV)
WALL = (*VENTRICLES, Tissue.EDEMA, Tissue.SCAR)
ATRIA = (Tissue.LA, Tissue.RA)

SEQUENCES = {
    s.key: s
    for s in (
        Sequence(
            "sa", "short-axis cines", "short axis", "cine", True, True, VENTRICLES, LEFT, Tissue.LV
        ),
        Sequence(
            "la_2ch",
            "2-chamber cines",
            "2-chamber",
            "cine",
            True,
            False,
            (*LEFT, Tissue.LA),
            (Tissue.LA,),
            Tissue.LA,
        ),
        Sequence(
            "la_3ch",
            "3-chamber cines",
            "3-chamber",
            "cine",
            True,
            False,
            (*LEFT, Tissue.LA, Tissue.AAO),
            (Tissue.LA,),
            Tissue.LA,
        ),
        Sequence(
            "la_4ch",
            "4-chamber cines",
            "4-chamber",
            "cine",
            True,
            False,
            (*VENTRICLES, *ATRIA),
            ATRIA,
            Tissue.LA,
        ),
        Sequence(
            "ao",
            "aortic cines",
            "aorta",
            "cine",
            True,
            False,
            (Tissue.AAO, Tissue.DAO),
            (Tissue.AAO, Tissue.DAO),
            Tissue.AAO,
        ),
        Sequence(
            "tag", "tagged short-axis cines", "short axis", "tagging", True, False, LEFT, LEFT
        ),
        Sequence("c0", "end-diastolic cine images", "short axis", "bSSFP", False, True, WALL, LEFT),
        Sequence(
            "de", "late gadolinium enhancement images", "short axis", "LGE", False, True, WALL, LEFT
        ),
        Sequence("t2", "T2-weighted images", "short axis", "T2", False, True, WALL, LEFT),
    )
}

# The sequence of a cohort or model that names none.
USUAL = "sa"


def channels_of(text: str) -> tuple[Sequence, ...]:
    """The sequences that a model's `sequence` names, a channel of its network each: `c0,de,t2`.

    Labels lie on the grid of the first one. Raises ValueError naming one that is unknown or there
    twice, and cines beside still images.
    """
    if not isinstance(text, str):
        raise ValueError(f"sequence is {text!r}, expected text such as sa or c0,de,t2")
    found = tuple(named_once("sequence", text, SEQUENCES))
    if len({sequence.is_cine for sequence in found}) > 1:
        raise ValueError(f"sequence {text!r}: cines and still images; a network takes one kind")
    return found


def labelled_sequence(text: str) -> Sequence:
    """The sequence whose grid the labels of a model lie on. Errors as `channels_of`."""
    return channels_of(text)[0]


def image_path(folder: str | Path, sequence: str) -> Path:
    """The image, or label map, of a sequence in a subject's folder."""
    return Path(folder) / f"{sequence}.nii.gz"


def points_path(folder: str | Path, sequence: str) -> Path:
    """The points that a labeller placed in a sequence, in a subject's folder."""
    return Path(folder) / f"{sequence}.points.tsv.gz"


def sources_path(folder: str | Path, sequence: str) -> Path:
    """The table of the raw files of a sequence, in a subject's folder."""
    return Path(folder) / ("sources.tsv" if sequence == USUAL else f"{sequence}.sources.tsv")
