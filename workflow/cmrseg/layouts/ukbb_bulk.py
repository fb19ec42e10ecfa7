"""Bulk files of UK Biobank on the disk: `<eid>_<field>_<instance>_<array>.zip`, or unpacked.

Standard library only, as a plan asks for every subject of a study.
"""

import os
import re
from functools import lru_cache
from pathlib import Path, PurePosixPath

# Sequences that the bulk files of cardiac MR hold (`ukbb_series`).
SEQUENCES = ("sa", "la_2ch", "la_3ch", "la_4ch", "ao", "tag")
# The first imaging visit.
FIRST_IMAGING = "2_0"
NAME = re.compile(r"(?P<eid>.+)_(?P<field>\d{4,6})_(?P<instance>\d+_\d+)(?:\.zip)?", re.IGNORECASE)
INSTANCE = re.compile(r"\d+_\d+")
ZIP = ".zip"


def names_in(folder: Path) -> list[str]:
    """Names in a subject's folder that are those of bulk files, packed or not."""
    found = os.listdir(folder) if folder.is_dir() else []
    return sorted(name for name in found if NAME.fullmatch(name) and _is_bulk(folder / name))


def names_beside(raw: Path, study: str) -> tuple[Path, list[str]]:
    """The folder that holds the bulk files of all subjects, and the names of one subject's.

    study: eid, with folders before it or not.
    """
    place = PurePosixPath(study)
    folder = raw / place.parent
    if not folder.is_dir():
        return folder, []
    names = _by_person(folder, folder.stat().st_mtime_ns).get(place.name, [])
    return folder, [name for name in names if _is_bulk(folder / name)]


@lru_cache(maxsize=4)
def _by_person(folder: Path, changed_ns: int) -> dict[str, list[str]]:
    """Names of bulk files in a folder by eid; listed once for the subjects of a cohort."""
    found: dict[str, list[str]] = {}
    for name in sorted(os.listdir(folder)):
        if match := NAME.fullmatch(name):
            found.setdefault(match["eid"], []).append(name)
    return found


def _is_bulk(path: Path) -> bool:
    return path.is_file() if path.name.lower().endswith(ZIP) else path.is_dir()


def find_bulk(raw: Path, study: str, instance: str = "") -> tuple[Path, list[str]]:
    """The folder of a subject's bulk files, and their names in it.

    They lie in the subject's folder `<raw>/<study>`, or as `<study>_<field>_<instance>_<array>` in
    the folder of all subjects. A subject's folder without such names is itself what was unpacked:
    the name is then "". instance: as "2_0"; "" is the first imaging visit. Raises ValueError where
    there is nothing, where names are of two people, and where a bulk file is there twice.
    """
    if instance and not INSTANCE.fullmatch(instance):
        raise ValueError(f"series is {instance!r}, expected an instance of UK Biobank as 2_0")
    own = raw / study
    folder, names = own, names_in(own)
    beside, others = names_beside(raw, study)
    if others and (names or (own.is_dir() and any(own.iterdir()))):
        raise ValueError(
            f"{others[0]} and a folder {own.name} are both there; keep one of them for a subject"
        )
    if not names and own.is_dir():
        if not any(own.iterdir()):
            raise ValueError(f"the folder {own.name} is empty; put the zip files into it")
        if instance:
            raise ValueError(
                f"the folder {own.name} does not say of which instance its files are; give it the "
                f"name {own.name}_<field>_{instance} or leave series empty"
            )
        return own, [""]
    if not names:
        folder, names = beside, others
    if not names:
        raise ValueError(
            f"neither a folder {own.name} nor {own.name}_<field>_<instance>.zip; check the subject "
            "table's study"
        )
    found = {name: NAME.fullmatch(name) for name in names}
    people = sorted({match["eid"] for match in found.values() if match})
    if len(people) > 1:
        raise ValueError(
            f"{own.name} has files of {len(people)} people, {' and '.join(people[:2])}; give each "
            "a folder"
        )
    wanted = instance or FIRST_IMAGING
    chosen = [name for name, match in found.items() if match and match["instance"] == wanted]
    if not chosen:
        there = sorted({match["instance"] for match in found.values() if match})
        raise ValueError(
            f"no file of instance {wanted}; there are those of {', '.join(there)}: name one in the "
            "subject table's series"
        )
    stems = [name.lower().removesuffix(ZIP) for name in chosen]
    twice = next((name for name in chosen if stems.count(name.lower()) > 1), None)
    if twice is not None:
        raise ValueError(f"{twice}.zip and the folder {twice} are both there; keep one of them")
    return folder, chosen
