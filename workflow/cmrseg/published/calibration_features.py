"""Features of a study's scan and of the shape of its labels, from the published tables."""

from functools import lru_cache
from pathlib import Path

import numpy as np
import pandas as pd

from cmrseg.published.kaggle import NETWORKS
from cmrseg.published.kaggle_tables import images, pixel_volumes_ml, read, sizes
from cmrseg.splits import ROTATED, original

# Columns of `metadata_table` that say who was scanned, and how.
SCANS = (
    *("sex", "age_y", "field_strength_t", "slice_thickness_mm", "slice_distance_mm"),
    *("spacing_y_mm", "acquired_spacing_y_mm", "acquired_rows", "acquired_columns"),
    *("rows", "columns", "echo_time_ms", "repetition_time_ms", "flip_angle_deg"),
    *("pixel_bandwidth_hz", "phase_encoding_steps", "sampling_percent", "averages"),
)
# Input size of the networks whose pixels are comparable.
SIZE_PX = 256
# A slice has the tissue if there is more of it than a few stray pixels.
SMALLEST_SLICE_ML = 0.3


# Tables and scores of the same networks: reading the pixels of all images takes seconds.
@lru_cache(maxsize=1)
def scan_features(folder: Path, networks: tuple[str, ...]) -> pd.DataFrame:
    """Shape of the median labels of some networks, by study: number of slices with cavity, share of
    the most basal and apical ones, wall, course over the beat.

    folder: folder of the published repository. A study with a rotated copy is that copy.
    """
    listed = images(folder)
    listed["slice"] = listed.index.str.extract(r"slice(\d{3})", expand=False).astype(int)
    pixels = [
        _pixels(folder, name, listed) for name in networks if NETWORKS[name].size_px == SIZE_PX
    ]
    for number, tissue in enumerate(("lv", "my")):
        listed[tissue] = np.median([part[:, number] for part in pixels], axis=0)
    volumes_ml = pixel_volumes_ml(sizes(folder), SIZE_PX)
    rows = {}
    copies = {name for name in listed["subject"].cat.categories if name.endswith(ROTATED)}
    for subject, part in listed.groupby("subject", observed=True):
        if subject + ROTATED in copies:
            continue
        study = original(subject)
        cavity, wall = (
            part.pivot(index="frame", columns="slice", values=tissue).to_numpy(float)
            * volumes_ml[study]
            for tissue in ("lv", "my")
        )
        rows[study] = shape(cavity, wall)
    return pd.DataFrame.from_dict(rows, orient="index")


def shape(cavity_ml: np.ndarray, wall_ml: np.ndarray) -> dict[str, float]:
    """Numbers of one study. cavity_ml, wall_ml: (t, z) of each frame and slice."""
    curve_ml = np.nansum(cavity_ml, axis=1)
    ed, es = int(curve_ml.argmax()), int(curve_ml.argmin())
    largest_ml = max(float(curve_ml[ed]), SMALLEST_SLICE_ML)
    found = {
        "slices": float(cavity_ml.shape[1]),
        "wall_ml": float(np.nansum(wall_ml[ed])),
        "wall_change": float(np.nanstd(np.nansum(wall_ml, axis=1)) / largest_ml),
        "es_share": es / len(curve_ml),
        "roughness": float(np.abs(np.diff(curve_ml, 2)).mean() / largest_ml),
        "closure": float(abs(curve_ml[0] - curve_ml[-1]) / largest_ml),
    }
    for name, frame in (("ed", ed), ("es", es)):
        found |= {f"{name}_{key}": value for key, value in _ends(cavity_ml[frame]).items()}
    return found


def _ends(slices_ml: np.ndarray) -> dict[str, float]:
    """How the cavity ends at the base, which is its larger end, and at the apex."""
    inside = np.flatnonzero(slices_ml > SMALLEST_SLICE_ML)
    if not len(inside):
        return dict.fromkeys(("slices", "base", "apex", "above_base", "below_apex"), np.nan)
    first, last = inside[0], inside[-1]
    margins = (int(first), len(slices_ml) - 1 - int(last))
    ends = slices_ml[[first, last]] / slices_ml[inside].max()
    base = int(ends.argmax())
    return {
        "slices": float(len(inside)),
        "base": float(ends[base]),
        "apex": float(ends[1 - base]),
        "above_base": float(margins[base]),
        "below_apex": float(margins[1 - base]),
    }


def _pixels(folder: Path, name: str, listed: pd.DataFrame) -> np.ndarray:
    """Pixels (n, 2) of cavity and wall in each listed image."""
    table = read(folder, f"predictions/{NETWORKS[name].table}.tsv.xz")
    table.index = pd.Index(table["file"].str.removeprefix("nifti/"))
    return table[["lv_pixels", "my_pixels"]].reindex(listed.index).to_numpy(float)
