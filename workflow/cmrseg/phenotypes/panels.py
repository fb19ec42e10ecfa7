"""Measures of a panel: what each reads of a subject, a row each.

A panel is a set of labellers that together label several sequences of a subject. Its measures are
modules of this room with their name; a script of that name in `scripts/measures` makes one of a
shard.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from cmrseg.labels import Tissue
from cmrseg.sequences import VENTRICLES


@dataclass(frozen=True)
class Need:
    """A sequence that a measure reads: label maps that tell of some tissues, none for none.

    image: whether it reads the image, too. needed: whether there is no measure without it. points:
    whether it reads points instead of label maps; these need the image.
    """

    sequence: str
    tissues: tuple[Tissue, ...] = ()
    image: bool = False
    needed: bool = True
    points: bool = False

    @property
    def labelled(self) -> bool:
        """Whether a labeller tells what is read."""
        return self.points or bool(self.tissues)


@dataclass(frozen=True)
class PanelMeasure:
    """A measure of a panel.

    key: its name in paths. name: in words. needs: what it reads, each sequence once.
    """

    key: str
    name: str
    needs: tuple[Need, ...]


CHAMBERS = (Tissue.LV, Tissue.MYO, Tissue.RV, Tissue.LA, Tissue.RA)

PANEL_MEASURES = {
    measure.key: measure
    for measure in (
        PanelMeasure(
            "atria",
            "atrial volumes",
            (
                Need("la_4ch", (Tissue.LA, Tissue.RA)),
                Need("la_2ch", (Tissue.LA,), needed=False),
                # Its axis says which way the base is.
                Need("sa", image=True),
            ),
        ),
        PanelMeasure(
            "biplane",
            "biplane volumes",
            (Need("la_2ch", (Tissue.LV,)), Need("la_4ch", (Tissue.LV,)), Need("sa", image=True)),
        ),
        PanelMeasure(
            "aorta",
            "aortic areas and distensibility",
            (Need("ao", (Tissue.AAO, Tissue.DAO), image=True),),
        ),
        PanelMeasure(
            "wall_thickness",
            "wall thickness",
            (Need("sa", (Tissue.LV, Tissue.MYO, Tissue.RV)),),
        ),
        PanelMeasure(
            "strain",
            "strain by registration",
            (
                Need("sa", (Tissue.LV, Tissue.MYO, Tissue.RV), image=True),
                # Its quality control looks at all chambers.
                Need("la_4ch", CHAMBERS, image=True, needed=False),
            ),
        ),
        # Whoever does not know oedema has none of its columns.
        PanelMeasure("scar", "scar by segment", (Need("c0", (*VENTRICLES, Tissue.SCAR)),)),
        PanelMeasure(
            "tagging",
            "strain by tagging",
            (
                Need("tag", image=True, points=True),
                # It says where the septum is, and which slice is which.
                Need("sa", (Tissue.LV, Tissue.MYO, Tissue.RV), needed=False),
            ),
        ),
    )
}


def serves(need: Need, tissues: Iterable[Tissue]) -> bool:
    """Whether label maps that tell of some tissues are enough for a need."""
    return set(need.tissues) <= set(tissues)
