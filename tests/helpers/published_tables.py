"""Tables for figures of the published study, and what a figure shows."""

import matplotlib
import numpy as np
import pandas as pd
from matplotlib.colors import to_hex

from cmrseg.figures import (
    observer_table,
    published_curves,
    published_names,
)

METHODS = ("r34_p05_s256", "r34_p05_s256_extremeTfms", "UKBB")
# Mean errors of EF in percentage points: of the evaluated ids, and of the study as acquired.
ERRORS = {"r34_p05_s256": (4.0, 20.0), "r34_p05_s256_extremeTfms": (3.0, 5.0), "UKBB": (6.0, 30.0)}


def errors() -> pd.DataFrame:
    """Five studies, of which 5 has a rotated copy, by three methods."""
    rows = []
    for method, (mean, acquired) in ERRORS.items():
        for study in "12345":
            true_edv, true_esv = 100 + 10 * int(study), 40 + 5 * int(study)
            error = mean + int(study) - 3
            ids = [(study, False, error)]
            if study == "5":
                ids = [("5", False, acquired), ("5_rot90", True, error)]
            for name, rotated, value in ids:
                edv, esv = true_edv + 6, true_esv - 3
                rows.append((name, study, rotated, method, edv, esv, true_edv, true_esv, value))
    names = "id study rotated method edv_ml esv_ml true_edv_ml true_esv_ml percent"
    table = pd.DataFrame(rows, columns=pd.Index(names.split()))
    return table.assign(abs_ef_error=table["percent"] / 100)


def metadata() -> pd.DataFrame:
    rng = np.random.default_rng(2)
    table = pd.DataFrame({"bin": ["p05", "p10", "p10", "p15", "rest", "rest", "rest", "rest"]})
    table["true_ef"] = rng.uniform(0.3, 0.7, len(table))
    table["true_edv_ml"] = [100.0, 110, 120, 130, 140, 150, 399, 400]
    table["true_esv_ml"] = [50.0, 51, 52, 53, 54, 55, 56, 57]
    table["age_y"] = rng.uniform(5, 80, len(table))
    table["sex"] = list("FMMFMMMM")
    table["field_strength_t"] = [1.5, 1.5, 3.0, 1.5, 1.5, 1.5, 1.5, 3.0]
    return table


def manual_dice() -> pd.DataFrame:
    table = pd.DataFrame({"id": ["98"] * 5 + ["447"] * 5, "in_subset": [True] * 8 + [False] * 2})
    table["lv"] = [0.5, 0.9, 0.9, 0.9, 1.0, 0.8, 0.8, 0.8, 0.0, 0.0]
    return table.assign(my=table["lv"] / 2)


def manual_volumes() -> pd.DataFrame:
    # true = 10 + manual/2 at end diastole, equal at end systole
    rows = [
        ("98", "dia", 100, 60),
        ("447", "dia", 200, 110),
        ("119", "dia", 150, 85),
        ("98", "sys", 40, 40),
        ("447", "sys", 90, 90),
        ("119", "sys", 60, 60),
    ]
    return pd.DataFrame(rows, columns=["patient", "phase", "manual_ml", "true_ml"])


def images() -> pd.DataFrame:
    """7T Dice: three volunteers of the test set, one of each other set."""
    means = {"TR": 0.9, "doubleTransferLearn": 0.8, "base": 0.6}
    pairs = [("WS", method) for method in means] + [("TR", "doubleTransferLearn")]
    rows = [
        (split, volunteer, slice_, frame, *pair, means[pair[1]] + slice_ / 100 + offset)
        for pair in pairs
        for split, volunteer, offset in (
            ("test", "26", 0.0),
            ("test", "27", 0.01),
            ("test", "28", -0.01),
            ("train", "17", 0.05),
            ("val", "19", -0.05),
        )
        if split == "test" or pair[1] not in ("TR",)
        for slice_ in (-1, 0, 1)
        for frame in range(4)
    ]
    names = "set volunteer slice frame reference method lv"
    table = pd.DataFrame(rows, columns=pd.Index(names.split()))
    return table.assign(slice=table["slice"] + 1, my=table["lv"] - 0.1)


def cavity() -> pd.DataFrame:
    return images().assign(difference_ml=np.where(images()["frame"] == 0, 4.0, -2.0))


def curves() -> pd.DataFrame:
    rows = [
        (strategy, subset, 5.0 * (epoch + 1), 0.7 + 0.02 * epoch + lift, 0.6 + 0.02 * epoch + lift)
        for strategy, lift in zip(published_names.STRATEGIES, (0.0, 0.02, 0.05), strict=True)
        for subset in ("full", "v7", "r7", "v3", "r3", "v1", "r1", "esed", "r_esed")
        for epoch in range(6)
    ]
    return pd.DataFrame(rows, columns=list(published_curves.COLUMNS))


def smoothed() -> pd.DataFrame:
    return curves().rename(columns={"dice_lv": "lv", "dice_my": "my"})


def observers() -> pd.DataFrame:
    pairs = [("TR", "doubleTransferLearn"), ("WS", "TR"), ("WS", "doubleTransferLearn")]
    rows = [
        (volunteer, *pair, 4.04 + number, 6.0, 8.0, value)
        for number, pair in enumerate(pairs)
        for volunteer, value in (("26", 4.0), ("27", 8.0), ("mean", 6.0))
    ]
    return pd.DataFrame(rows, columns=list(observer_table.COLUMNS))


BASE = {"lv": 0.75, "my": 0.65}


def texts(figure) -> list[str]:
    found = figure.findobj(matplotlib.text.Text)
    return [text.get_text() for text in found if text.get_text()]


def points(axes, colour: str, marker: str = "o") -> np.ndarray:
    """(n, 2) of all points of a panel that are drawn as lines of a colour and a marker."""
    chosen = [
        line.get_xydata()
        for line in axes.lines
        if line.get_marker() == marker and to_hex(line.get_markerfacecolor()) == colour.lower()
    ]
    return np.concatenate(chosen) if chosen else np.empty((0, 2))
