"""The one registry of sequences: the images of a subject by name, and what they show."""

from dataclasses import dataclass
from pathlib import Path

from cmrseg.labels import Tissue


@dataclass(frozen=True)
class Sequence:
    """One kind of image that a subject may have.

    key: its name in files and tables. plane: what it lies in. is_cine: whether it shows a
    heartbeat. volumetric: whether its slices fill the heart, so that voxels are a volume; of a
    single slice they are an area. tissues: those that its label maps may hold. drawn: those that
    whoever labels it draws in any case. phase_tissue: its largest and smallest volume, or area, are
    end-diastole and end-systole.
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
        Sequence("sa", "short axis", "short axis", "cine", True, True, VENTRICLES, LEFT, Tissue.LV),
        Sequence(
            "la_2ch",
            "2-chamber view",
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
            "3-chamber view",
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
            "4-chamber view",
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
            "aortic cine",
            "aorta",
            "cine",
            True,
            False,
            (Tissue.AAO, Tissue.DAO),
            (Tissue.AAO, Tissue.DAO),
            Tissue.AAO,
        ),
        Sequence("tag", "tagged cine", "short axis", "tagging", True, False, LEFT, LEFT),
        Sequence("c0", "cine at end-diastole", "short axis", "bSSFP", False, True, WALL, LEFT),
        Sequence("de", "late enhancement", "short axis", "LGE", False, True, WALL, LEFT),
        Sequence("t2", "T2-weighted", "short axis", "T2", False, True, WALL, LEFT),
    )
}

# The sequence of a cohort or model that names none.
USUAL = "sa"


def image_path(folder: str | Path, sequence: str) -> Path:
    """The image, or label map, of a sequence in a subject's folder."""
    return Path(folder) / f"{sequence}.nii.gz"
