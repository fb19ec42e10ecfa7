"""What a model's card says of its training, in words."""

from collections.abc import Mapping
from typing import Any

AUGMENTATIONS = {
    "no": "none",
    "normal": "rotation up to 20 degrees, zoom, warp, brightness, contrast",
    "extreme": "rotation up to 90 degrees, mirroring, zoom, warp, brightness, contrast",
    "fcn": "rotation up to 30 degrees, zoom",
    "aorta": "rotation up to 30 degrees, little zoom",
    "mouse": "mirroring, quarter turns, rotation up to 10 degrees, zoom, shift, brightness, gamma, "
    "noise, CLAHE",
    "mouse_notebook": "mirroring, quarter turns, rotation up to 10 degrees, zoom, one shift, "
    "brightness, gamma, strong noise, CLAHE",
    "myops": "mirroring, rotation up to 15 degrees, elastic deformation, dropped pixels and "
    "patches",
    "myops_cmrseg": "mirroring, rotation up to 180 degrees, zoom, shift, elastic deformation, and "
    "contrast, gamma, bias field, noise of each channel",
    "tag_turned": "quarter turns",
    "tag_turned_compat": "quarter turns, of boxes about half the side as published",
    "tag_moved": "zoom, shift",
    "tag_cmrseg": "mirroring, turns, zoom, shift, contrast, gamma, blur, noise",
}
LOSSES = {
    "ce": "cross-entropy",
    "focal": "focal loss",
    "softdice": "generalised Dice",
    "softdice_compat": "generalised Dice with the published weight for absent classes",
    "dice": "Dice of a batch",
    "dice_myops": "Dice of a batch with the constant of Altunok and Oksuz 2020",
    "ce_dice": "cross-entropy and Dice of a batch without background",
    "tversky": "focal Tversky loss of a batch",
    "box": "mean squared error of the corners in px",
    "ring_strain": "mean squared error of the landmarks in px, and 5 times the errors of radial "
    "and circumferential strain, as in Ferdian et al. 2020",
    "ring_motion": "squared errors of the first frame and of the motion in px, errors of radial "
    "and circumferential strain, and cross entropy of what is inside endo- and epicardium",
}
MIRRORING = ("extreme", "mouse", "mouse_notebook", "myops", "myops_cmrseg")


def weights_facts(row: Mapping[str, Any]) -> dict[str, str]:
    """What is unusual about the weights of a row and their numbers, if anything is."""
    facts = {}
    if factor := row.get("averaged", 0):
        facts["weights"] = f"moving average, factor {factor} for each step"
    if row.get("precision", "float32") != "float32":
        facts["precision"] = f"{row['precision']} in the products of convolutions"
    return facts
