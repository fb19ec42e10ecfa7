"""Made-up tables of panels that the tests of their figures draw."""

import numpy as np
import pandas as pd

from cmrseg.phenotypes.columns import SEGMENTAL

PANELS = ("truth", "network")


def segments(panel: str, subject: str, values: dict[int, float], every: float) -> dict:
    """A row of a table of phenotypes with wall thickness; nan in segments that have no value."""
    quantity = SEGMENTAL["wt"]
    row = {quantity.column(str(n)): values.get(n, np.nan) for n in range(1, 17)}
    return {"panel": panel, "subject": subject, **row, quantity.column("global"): every}


def thickness() -> pd.DataFrame:
    """Segment n is n mm thick in `a` and n + 2 mm in `b`; the network says 1 mm more.

    It has no values of `c`.
    """
    rows = []
    for panel, more in zip(PANELS, (0, 1), strict=True):
        for subject, extra in (("a", 0), ("b", 2), ("c", 50)):
            known = {n: float(n + extra + more) for n in range(1, 17)}
            lost = (panel, subject) == ("network", "c")
            row = segments(panel, subject, {} if lost else known, 8.0 + extra + more)
            rows.append(row | ({"wt_global_mm": np.nan} if lost else {}))
    return pd.DataFrame(rows)


def measured(*subjects: str, doubted: str = "") -> pd.DataFrame:
    """A panel's table of a measure, with a doubt of one of its subjects."""
    table = pd.DataFrame({"subject": list(subjects), "split": "test"})
    return table.assign(doubt=np.where(table["subject"] == doubted, "two pieces", ""))


def aorta(areas: dict[str, list[float]]) -> pd.DataFrame:
    """Details of a measure: the area of the ascending aorta in each frame of each subject."""
    rows = [
        {"subject": subject, "frame": frame, "aao_mm2": area, "dao_mm2": area / 2}
        for subject, values in areas.items()
        for frame, area in enumerate(values)
    ]
    return pd.DataFrame(rows)


def strain(subject: str, values: list[float], directions=("circumferential", "radial")):
    """Details of a measure: strain of a direction in segment 1, and twice that of all segments."""
    rows = [
        {
            **{"subject": subject, "direction": direction, "segment": segment},
            **{"frame": frame, "strain_percent": value * factor, "lines": 9},
        }
        for direction in directions
        for segment, factor in (("1", 1), ("global", 2))
        for frame, value in enumerate(values)
    ]
    return pd.DataFrame(rows)


def phenotypes(count: int = 12) -> pd.DataFrame:
    """Tables of phenotypes of both panels; the network says 3 ml more, and 2 points less of EF."""
    truth = pd.DataFrame({"panel": "truth", "subject": [f"{n:02d}" for n in range(count)]})
    step = np.arange(count)
    truth = truth.assign(lav_max_ml=60.0 + step, la_ef=0.5 + step / 100)
    truth = truth.assign(ecc_global_percent=-20.0 + step / 2, dao_max_mm2=400.0 + 9 * step)
    network = truth.assign(panel="network", lav_max_ml=truth["lav_max_ml"] + 3)
    network = network.assign(la_ef=network["la_ef"] - 0.02)
    return pd.concat([truth, network], ignore_index=True)
