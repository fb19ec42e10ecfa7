"""Agreement of regions of several tissues, and of lesions that a heart may lack."""

import math
from collections.abc import Collection

import numpy as np

from cmrseg.labels import REGIONS, Region
from cmrseg.measure.distance import slice_distances_mm
from cmrseg.measure.lesions import LESIONS
from cmrseg.measure.pairs import Pair
from cmrseg.measure.volumes import voxel_volume_ml

# Regions with a lesion that are more than one tissue, which has scores of its own.
JOINED = tuple(
    region
    for region in REGIONS.values()
    if len(region.members) > 1 and set(region.members) & set(LESIONS)
)
# Regions that a heart may lack.
ABSENT = tuple(region for region in REGIONS.values() if set(region.members) <= set(LESIONS))


def region_scores(pair: Pair, regions: Collection[Region] | None = None) -> dict[str, float]:
    """Scores of a subject: dice_wall, hausdorff_wall_mm, distance_wall_mm, false_scar_ml, ...

    regions: those that both sides tell of; of whose tissues both know all unless given. Dice is
    that of all labelled voxels as one volume; distances are means over slices, as those of tissues.
    Dice of a region that the reference lacks in a stack that it labelled whole is nan. false_*_ml:
    the volume of such a region in the prediction; nan where the reference has it, or did not label
    the whole stack.
    """
    row: dict[str, float] = {}
    if regions is None:
        regions = [r for r in REGIONS.values() if set(r.members) <= set(pair.tissues)]
    for region in JOINED:
        if region in regions:
            row |= _agreement(region, pair)
    for region in ABSENT:
        if region in regions:
            row[f"false_{region.key}_ml"] = _false_ml(region, pair)
    return row


def _agreement(region: Region, pair: Pair) -> dict[str, float]:
    first, second = (
        np.isin(labels, region.members).reshape(-1, *labels.shape[2:])
        for labels in (pair.reference, pair.predicted)
    )
    true, found, both = first.sum(), second.sum(), (first & second).sum()
    lacking = not true and (not found or len(pair.complete))
    distances = slice_distances_mm(first, second, pair.spacing_mm[1:])
    drawn = distances[~np.isnan(distances[:, 0])]
    hausdorff, distance = drawn.mean(axis=0) if len(drawn) else (math.nan, math.nan)
    return {
        f"dice_{region.key}": math.nan if lacking else float(2 * both / (true + found)),
        f"hausdorff_{region.key}_mm": float(hausdorff),
        f"distance_{region.key}_mm": float(distance),
    }


def _false_ml(region: Region, pair: Pair) -> float:
    true, found = (
        np.isin(labels[pair.complete], region.members)
        for labels in (pair.reference, pair.predicted)
    )
    if not len(pair.complete) or true.any():
        return math.nan
    return float(found.sum() * voxel_volume_ml(pair.spacing_mm))
