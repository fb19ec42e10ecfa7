"""Names of files of cvi42, and of its images; standard library only, as plans ask for them."""

from pathlib import Path

SUFFIX = ".cvi42wsx"
# What follows a subject's name; zip files of UK Biobank have the first ending.
ENDINGS = ("_cvi42.zip", f"_cvi42{SUFFIX}", SUFFIX)


def workspace_of(folder: Path, annotation: str) -> Path | None:
    """The file `<folder>/<annotation>` with one of ENDINGS; None if there is none.

    Raises ValueError if there are several.
    """
    there = [p for ending in ENDINGS if (p := folder / f"{annotation}{ending}").exists()]
    if len(there) > 1:
        raise ValueError(f"{there[0].name} and {there[1].name} both exist; keep one of them")
    return there[0] if there else None


def image_of(file: str) -> str:
    """The SOPInstanceUID that names a DICOM file, which has the suffix .dcm or none.

    file: with or without folders; of an object of many frames `<file>#<frame>`.
    """
    name = file.partition("#")[0].rpartition("/")[2]
    return name[:-4] if name.lower().endswith(".dcm") else name
