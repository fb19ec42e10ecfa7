"""A shard: a folder with one folder per subject."""

from collections.abc import Iterable
from pathlib import Path

from cmrseg.sequences import image_path


def subject_folders(shards: Iterable[str | Path]) -> dict[str, Path]:
    """Folder of each subject in some shards, by subject, in the order of the names.

    Raises ValueError naming a subject that is in two shards.
    """
    found: dict[str, Path] = {}
    for shard in shards:
        for folder in Path(shard).iterdir():
            # Snakemake leaves a hidden time stamp in the folders that it makes.
            if folder.name.startswith("."):
                continue
            if folder.name in found:
                raise ValueError(f"subject {folder.name} is in {found[folder.name]} and {folder}")
            found[folder.name] = folder
    return dict(sorted(found.items()))


def folders_with(shards: Iterable[str | Path], *sequences: str) -> dict[str, Path]:
    """As subject_folders, of the subjects that have an image of each of some sequences."""
    found = subject_folders(shards)
    return {
        subject: folder
        for subject, folder in found.items()
        if all(image_path(folder, sequence).is_file() for sequence in sequences)
    }


def labelled_folders(shards: Iterable[str | Path], cohort: str, labeller: str) -> dict[str, Path]:
    """As subject_folders, of the label maps of a cohort's labeller.

    Raises ValueError naming cohort and labeller where no subject is labelled.
    """
    found = subject_folders(shards)
    if not found:
        raise ValueError(
            f"cohort {cohort}: {labeller} labelled no subject; check that its annotations lie "
            f"where the layout has them, or take the labeller out of the study"
        )
    return found
