"""Who labelled a cohort: the subjects of a labeller, and the tissues that it knows."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from cmrseg.cine import Cine
from cmrseg.labels import Tissue
from cmrseg.shards import IMAGE, labelled_folders


@dataclass(frozen=True)
class LabelMaps:
    """An annotator or a model, with its label maps of a cohort.

    shards: folders of label maps. classes: those of a model's network; None for an annotator, who
    may or may not have labelled the right ventricle: what it knows is then seen in its maps.
    """

    name: str
    cohort: str
    shards: Iterable[str | Path]
    classes: int | None = None

    def folders(self) -> dict[str, Path]:
        """Folder of each labelled subject. Raises ValueError where there is none."""
        return labelled_folders(self.shards, self.cohort, self.name)


def known_classes(labeller: LabelMaps, folders: Mapping[str, Path]) -> int:
    """4 where the labeller knows the right ventricle, else 3; one number for all its subjects.

    A subject in which it found none then has an empty ventricle, not an unknown one. folders:
    of the labeller. Maps of an annotator are read until one has a right ventricle.
    """
    if labeller.classes is not None:
        return labeller.classes
    maps = (Cine.load(folder / IMAGE).voxels for folder in folders.values())
    return 4 if any((voxels == Tissue.RV).any() for voxels in maps) else 3
