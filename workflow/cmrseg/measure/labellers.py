"""Who labelled a cohort: the subjects of a labeller, and the tissues that it knows."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from cmrseg.cine import Cine
from cmrseg.labels import REGIONS, Region, Target, Tissue, in_order, tissues_of
from cmrseg.sequences import SEQUENCES, USUAL, image_path
from cmrseg.shards import labelled_folders


@dataclass(frozen=True)
class LabelMaps:
    """An annotator or a model, with its label maps of a sequence of a cohort.

    shards: folders of label maps. tissues: those that a model's network knows, as in a models
    table; "" for an annotator, who may or may not have labelled some of them: what it knows is then
    seen in its maps.
    """

    name: str
    cohort: str
    shards: Iterable[str | Path]
    tissues: str = ""
    sequence: str = USUAL

    def folders(self) -> dict[str, Path]:
        """Folder of each labelled subject. Raises ValueError where there is none."""
        return labelled_folders(self.shards, self.cohort, self.name)

    def load(self, folder: Path) -> Cine:
        """The label maps in a subject's folder."""
        return Cine.load(image_path(folder, self.sequence))


def tissues_known(labeller: LabelMaps, folders: Mapping[str, Path]) -> tuple[Tissue, ...]:
    """The tissues that a labeller knows, the same for all its subjects.

    A subject in which it found none of one then has an empty ventricle, not an unknown one.
    folders: of the labeller. Maps of an annotator are read until one has each of the sequence's.
    """
    if labeller.tissues:
        return tissues_of(labeller.tissues)
    sequence = SEQUENCES[labeller.sequence]
    known = set(sequence.drawn)
    for folder in folders.values():
        if open_ := set(sequence.tissues) - known:
            voxels = labeller.load(folder).voxels
            known |= {tissue for tissue in open_ if np.any(voxels == tissue)}
    return in_order(known)


def regions_known(labeller: LabelMaps, tissues: Collection[Tissue]) -> tuple[Region, ...]:
    """The regions of which a labeller tells as a whole. tissues: those that it knows.

    A model may tell where the wall is and not know its oedema.
    """
    if labeller.tissues:
        target = Target.of(labeller.tissues)
        return tuple(region for region in REGIONS.values() if target.tells(region))
    return tuple(r for r in REGIONS.values() if set(r.members) <= set(tissues))


def as_told_by(labeller: LabelMaps, labels: np.ndarray) -> np.ndarray:
    """Labels of another labeller without what this one does not tell apart.

    A model without a channel for oedema labels it as the wall that it lies in: so it is here.
    """
    found = labels.copy()
    if labeller.tissues:
        for tissue, number in Target.of(labeller.tissues).painted.items():
            found[labels == tissue] = number
    return found
