"""The one registry of tissues: numbers in label maps, names and colours; regions made of them."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import IntEnum
from typing import Any, TypeVar

Named = TypeVar("Named")


class Tissue(IntEnum):
    """Value of a tissue in every label map (1 to 3 as in Bai et al. 2018)."""

    BACKGROUND = 0
    LV = 1
    MYO = 2
    RV = 3
    LA = 4
    RA = 5
    AAO = 6
    DAO = 7
    EDEMA = 8
    SCAR = 9


# Value of a voxel that nobody labelled. A frame or slice without a label is not background.
UNLABELLED = 255

NAMES = {
    Tissue.BACKGROUND: "background",
    Tissue.LV: "LV cavity",
    Tissue.MYO: "LV myocardium",
    Tissue.RV: "RV cavity",
    Tissue.LA: "left atrium",
    Tissue.RA: "right atrium",
    Tissue.AAO: "ascending aorta",
    Tissue.DAO: "descending aorta",
    Tissue.EDEMA: "oedema",
    Tissue.SCAR: "scar",
}

# In columns of tables and in studies.
SHORT_NAMES = {
    Tissue.BACKGROUND: "bg",
    Tissue.LV: "lv",
    Tissue.MYO: "my",
    Tissue.RV: "rv",
    Tissue.LA: "la",
    Tissue.RA: "ra",
    Tissue.AAO: "aao",
    Tissue.DAO: "dao",
    Tissue.EDEMA: "edema",
    Tissue.SCAR: "scar",
}

# Colour-blind safe (Okabe and Ito 2008, two more beside); a tissue has the same colour in every
# figure, and nothing else has it.
COLOURS = {
    Tissue.BACKGROUND: "#000000",
    Tissue.LV: "#D55E00",
    Tissue.MYO: "#009E73",
    Tissue.RV: "#56B4E9",
    Tissue.LA: "#CC79A7",
    Tissue.RA: "#E69F00",
    Tissue.AAO: "#0072B2",
    Tissue.DAO: "#A6761D",
    Tissue.EDEMA: "#F0E442",
    Tissue.SCAR: "#EE3377",
}


@dataclass(frozen=True)
class Region:
    """What a channel of a network may mean: one tissue, or several as one.

    members: a pixel of any of them is in the region; one that is found there gets the first one's
    number. threshold: least share of a pixel that is in the region.
    """

    key: str
    members: tuple[Tissue, ...]
    threshold: float = 0.5

    @property
    def name(self) -> str:
        """In words."""
        return " or ".join(NAMES[tissue] for tissue in self.members)


REGIONS = {
    region.key: region
    for region in (
        *(Region(SHORT_NAMES[tissue], (tissue,)) for tissue in Tissue if tissue),
        # The whole wall of the left ventricle, and what of it is ill.
        Region("wall", (Tissue.MYO, Tissue.EDEMA, Tissue.SCAR)),
        Region("scar_edema", (Tissue.EDEMA, Tissue.SCAR)),
    )
}


# How channels become shares of a pixel; "" as the regions of the target say.
ACTIVATIONS = ("", "softmax", "sigmoid")


@dataclass(frozen=True)
class Target:
    """What the channels of a network mean: regions in the order in which they are painted.

    Regions without a common tissue exclude each other: background is the first channel, and the
    channels share a pixel (softmax). Regions that overlap have a share of their own each (sigmoid),
    and a later one is painted over an earlier one. activation: "sigmoid" gives also the channels of
    regions that exclude each other, with background, a share of their own; "" is what the regions
    say.
    """

    regions: tuple[Region, ...]
    activation: str = ""

    def __post_init__(self) -> None:
        if self.activation not in ACTIVATIONS:
            known = ", ".join(name or "''" for name in ACTIVATIONS)
            raise ValueError(f"activation {self.activation!r} is unknown; there are {known}")
        if self.activation == "softmax" and not self.exclusive:
            raise ValueError(
                f"activation softmax of tissues {self.text}, which overlap; leave it empty"
            )

    @classmethod
    def of(cls, text: str, activation: str = "") -> "Target":
        """The target that a settings' `tissues` name, as `lv,my,rv` or `lv,rv,wall,scar`.

        Raises ValueError naming what is no region, or is named twice, and an activation that is
        unknown or does not fit.
        """
        if not isinstance(text, str):
            raise ValueError(f"tissues are {text!r}, expected text such as lv,my,rv")
        return cls(tuple(named_once("tissues", text, REGIONS)), activation)

    @classmethod
    def of_settings(cls, settings: Mapping[str, Any]) -> "Target":
        """That of a model's settings: `tissues` and maybe `activation`."""
        return cls.of(settings["tissues"], settings.get("activation", ""))

    @property
    def text(self) -> str:
        """As `of` reads it."""
        return ",".join(region.key for region in self.regions)

    @property
    def exclusive(self) -> bool:
        members = [tissue for region in self.regions for tissue in region.members]
        return len(members) == len(set(members))

    @property
    def sigmoid(self) -> bool:
        """Whether each channel has a share of its own."""
        return self.activation == "sigmoid" or not self.exclusive

    @property
    def channels(self) -> int:
        """Outputs of a network with this target."""
        return len(self.regions) + self.exclusive

    @property
    def members(self) -> tuple[Tissue, ...]:
        """The tissues of its regions, in the order of the registry: those that are learnt from."""
        return in_order(tissue for region in self.regions for tissue in region.members)

    @property
    def painted(self) -> dict[Tissue, Tissue]:
        """What each of its members is in a label map: the first of the last region that has it."""
        return {tissue: region.members[0] for region in self.regions for tissue in region.members}

    @property
    def tissues(self) -> tuple[Tissue, ...]:
        """The tissues that a label map of this target tells of, in the order of the registry.

        A region of several tissues does not tell them apart. Myocardium is what of the wall is not
        told apart: without a channel for oedema it may be oedema, of which nothing is known then.
        Where a lesion may be another one, neither it nor the rest of the wall is known.
        """
        merged = {number for tissue, number in self.painted.items() if tissue != number}
        told = set(self.painted.values())
        if merged - {Tissue.MYO}:
            told -= {*merged, Tissue.MYO}
        return in_order(told)

    def tells(self, region: Region) -> bool:
        """Whether a label map tells which pixels are in a region, maybe without its tissues."""
        numbers = {tissue: self.painted.get(tissue, Tissue.BACKGROUND) for tissue in Tissue}
        inside = {numbers[tissue] for tissue in region.members}
        return inside.isdisjoint(n for tissue, n in numbers.items() if tissue not in region.members)


def named_once(what: str, text: str, registry: Mapping[str, Named]) -> list[Named]:
    """What the comma separated names of a text stand for. Raises ValueError for a wrong name.

    what: the setting, for the error, which names what is unknown, or named twice.
    """
    keys = text.split(",")
    for key in keys:
        if key not in registry:
            raise ValueError(
                f"{what} {text!r}: {key!r} is unknown; there are {', '.join(registry)}"
            )
        if keys.count(key) > 1:
            raise ValueError(f"{what} {text!r}: {key} is named twice; name each once")
    return [registry[key] for key in keys]


def in_order(tissues: Iterable[Tissue]) -> tuple[Tissue, ...]:
    """Each tissue once, in the order of the registry."""
    return tuple(sorted(set(tissues)))


def values_of(tissues: Iterable[Tissue]) -> list[int]:
    """Values that a label map of some tissues may have beside UNLABELLED."""
    return [int(tissue) for tissue in in_order((Tissue.BACKGROUND, *tissues))]


def tissues_of(text: str) -> tuple[Tissue, ...]:
    """The tissues that a settings' `tissues` tell of. Errors as `Target.of`."""
    return Target.of(text).tissues


def pixels_column(tissue: Tissue) -> str:
    """Column with a tissue's pixels in tables about images."""
    return f"{SHORT_NAMES[tissue]}_pixels"
