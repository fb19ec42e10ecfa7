"""Strain curves of a tagged heart as one table: every layer, place and convention in each frame."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from cmrseg.measure.aha_segments import GLOBAL, LEVELS, SEGMENTS, Level
from cmrseg.measure.ring_strain import (
    AVERAGES,
    LAYERS,
    TENSORS,
    Along,
    known_links,
    layer_strain,
    link_lengths_mm,
)

# Columns of strain, in per cent, by convention: the tensor, and how links are averaged.
CONVENTIONS = {
    (tensor, average): f"{tensor}_percent" if average == "links" else f"{tensor}_{average}_percent"
    for average in AVERAGES
    for tensor in TENSORS
}
COLUMNS = (
    *("direction", "layer", "place", "slices", "frame"),
    *CONVENTIONS.values(),
    "known_links",
)


@dataclass(frozen=True)
class Ring:
    """The landmarks of a tagged heart, and what is known of its slices.

    points_px: (t, z, 168, 2), landmarks (y, x). spacing_mm: of pixels along y and x. levels: of the
    slices that count. segments: (z, 24) of each link by direction, as `link_segments` gives them,
    or none. reference: frame of reference.
    """

    points_px: np.ndarray
    spacing_mm: tuple[float, float]
    levels: Mapping[int, Level]
    segments: Mapping[Along, np.ndarray] | None = None
    reference: int = 0


def ring_curves(ring: Ring) -> pd.DataFrame:
    """Strain of each layer and place in each frame: COLUMNS.

    place: "basal", "mid", "apical", as there are, GLOBAL, the mean of all slices, and "1" to "16"
    where segments are known. Of several slices at a place it is the mean of their curves. slices:
    those, from 0. frame: from 0. known_links: share of the links that are known, in the slice with
    fewest; where it is below LEAST_LINKS in a slice, strain is nan. Columns of strain: Green's and
    Lagrangian, each as the mean over links and as that of the summed length (`contour`).
    """
    lengths_mm = link_lengths_mm(ring.points_px, ring.spacing_mm)
    frames, slices = ring.points_px.shape[:2]
    tables = []
    for layer in LAYERS:
        for place, here, chosen in _places(ring, layer.direction, slices):
            share = known_links(lengths_mm, layer, ring.reference, chosen)[:, here].min(axis=1)
            columns = {
                column: 100
                * layer_strain(lengths_mm, layer, tensor, average, ring.reference, chosen)[
                    :, here
                ].mean(axis=1)
                for (tensor, average), column in CONVENTIONS.items()
            }
            about = {"direction": layer.direction, "layer": layer.key, "place": place}
            about["slices"] = ",".join(map(str, here))
            columns |= {"frame": np.arange(frames), "known_links": share}
            tables.append(pd.DataFrame(columns).assign(**about))
    return pd.concat(tables, ignore_index=True)[list(COLUMNS)]


def _places(
    ring: Ring, direction: Along, slices: int
) -> list[tuple[str, list[int], np.ndarray | None]]:
    """Places of a direction: name, slices, and the links that count there, None for all."""
    at = {level: [z for z, of in sorted(ring.levels.items()) if of == level] for level in LEVELS}
    found: list[tuple[str, list[int], np.ndarray | None]] = [
        (level, here, None) for level, here in at.items() if here
    ]
    found.append((GLOBAL, sorted(ring.levels), None))
    if ring.segments is None:
        return found
    of_link = ring.segments[direction]
    for segment in SEGMENTS:
        if here := at[segment.level]:
            chosen = np.zeros((slices, of_link.shape[1]), bool)
            chosen[here] = of_link[here] == segment.number
            found.append((str(segment.number), here, chosen))
    return found


def curve(curves: pd.DataFrame, direction: str, layer: str, place: str, column: str) -> np.ndarray:
    """One curve (t,) of `ring_curves`, empty where the place is not there."""
    rows = curves[
        (curves["direction"] == direction) & (curves["layer"] == layer) & (curves["place"] == place)
    ]
    return rows[column].to_numpy(float)
