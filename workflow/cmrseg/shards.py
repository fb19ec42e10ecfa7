"""A shard: a folder with one folder per subject."""

from collections.abc import Iterable
from pathlib import Path

IMAGE = "sa.nii.gz"
SOURCES = "sources.tsv"


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
