"""Displayed names, order and styles of the published study's methods and training subsets."""

from collections.abc import Iterable

import pandas as pd

from cmrseg.figures.style import INK, KNOWN_LOOKS, Look
from cmrseg.splits import upright

# U-Nets on the Kaggle images. Unless stated otherwise: sets up to 5 %, 256 pixels, cross
# entropy, small rotations.
METHODS = {
    "r34_p05_s256": "ResNet-34",
    "r50_p05_s256": "ResNet-50",
    "v16_p05_s256": "VGG-16",
    "r34_p10_s256": "ResNet-34, 10 % set",
    "r34_p15_s256": "ResNet-34, 15 % set",
    "r34_p05_s128": "ResNet-34, 128 px",
    "r34_p05_s256_focal": "ResNet-34, focal loss",
    "r34_p05_s256_dice": "ResNet-34, Dice loss",
    "r34_p05_s256_extremeTfms": "ResNet-34, extreme",
    "r34_p05_s256_fastai2": "ResNet-34, extreme, fastai 2",
    "UKBB": "UK Biobank FCN",
}
UNET, EXTREME, FCN = Look("#6699CC", "o"), Look("#882255", "s"), Look("#999933", "^")
KINDS = {
    "U-Net, small rotations": UNET,
    "U-Net, extreme (to ±90°)": EXTREME,
    "UK Biobank FCN": FCN,
}

# Labellers of the 7T images: transfer strategies, the networks they start from, and observers.
SEGMENTERS = {
    "TR": "Second expert",
    "doubleTransferLearn_esed": "TL2, ED and ES only",
    "doubleTransferLearn": "TL2 (Kaggle start)",
    "imagenetTransferLearn": "TL (ImageNet start)",
    "plainLearn": "R (random start)",
    "base": "Kaggle model (base)",
    "ukbb": "UK Biobank FCN",
}
SEGMENTER_LOOKS = {
    "TR": Look(INK, "h"),
    "doubleTransferLearn_esed": Look("#882255", "P"),
    "doubleTransferLearn": KNOWN_LOOKS["double"],
    "imagenetTransferLearn": KNOWN_LOOKS["imagenet"],
    "plainLearn": KNOWN_LOOKS["plain"],
    "base": KNOWN_LOOKS["base"],
    "ukbb": FCN,
}
STRATEGIES = ("plainLearn", "imagenetTransferLearn", "doubleTransferLearn")
SETS = {"train": "training", "val": "validation", "test": "test"}


def method_look(method: str) -> Look:
    """The style of a Kaggle method: by its augmentation; the UK Biobank network has its own."""
    if method == "UKBB":
        return FCN
    return EXTREME if method.endswith(("_extremeTfms", "_fastai2")) else UNET


def named_methods(methods: Iterable[str]) -> dict[str, str]:
    """The displayed names of Kaggle methods, in their order."""
    return _named(methods, METHODS, "method")


def named_segmenters(methods: Iterable[str]) -> dict[str, str]:
    """The displayed names of the labellers of the 7T images, in their order."""
    present = set(methods)
    ordered = [name for name in SEGMENTERS if name in present]
    return _named([*ordered, *sorted(present - set(SEGMENTERS))], SEGMENTERS, "method")


def evaluated_rows(table: pd.DataFrame) -> pd.DataFrame:
    """The rows of a table with a column `id` that are compared: rotated copies replace studies."""
    return table[table["id"].isin(upright(table["id"]))]


def turned_rows(table: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The studies with a rotated copy: the rows of the copies, and those as acquired."""
    rotated = table["rotated"].astype(bool)
    copies = table[rotated]
    plain = table[~rotated & table["study"].isin(set(copies["study"]))]
    return copies, plain


def _named(names: Iterable[str], known: dict[str, str], kind: str) -> dict[str, str]:
    present = list(dict.fromkeys(names))
    strange = [name for name in present if name not in known]
    if strange:
        raise ValueError(f"{kind} {', '.join(strange)} has no name, expected {', '.join(known)}")
    return {name: known[name] for name in present}
