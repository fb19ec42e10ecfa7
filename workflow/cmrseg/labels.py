"""The one registry of tissues: numbers in label maps, names and colours in figures."""

from enum import IntEnum


class Tissue(IntEnum):
    """Value of a tissue in every short-axis label map (numbers of Bai et al. 2018)."""

    BACKGROUND = 0
    LV = 1
    MYO = 2
    RV = 3


# Value of a voxel that nobody labelled. A frame or slice without a label is not background.
UNLABELLED = 255

NAMES = {
    Tissue.BACKGROUND: "background",
    Tissue.LV: "LV cavity",
    Tissue.MYO: "LV myocardium",
    Tissue.RV: "RV cavity",
}

# In columns of tables and in studies.
SHORT_NAMES = {
    Tissue.BACKGROUND: "bg",
    Tissue.LV: "lv",
    Tissue.MYO: "my",
    Tissue.RV: "rv",
}

# Colour-blind safe (Okabe and Ito 2008); a tissue has the same colour in every figure.
COLOURS = {
    Tissue.BACKGROUND: "#000000",
    Tissue.LV: "#D55E00",
    Tissue.MYO: "#009E73",
    Tissue.RV: "#56B4E9",
}
