"""Label maps of hearts that are discs."""

import numpy as np

from cmrseg.labels import Tissue

SPACING_MM = (10.0, 2.0, 1.0)  # 0.02 ml per voxel


def heart(radii, shape=(40, 44)):
    """(t, z, y, x) labels: LV discs of the given radii (t, z) with a wall, and an RV beside."""
    rows, columns = np.mgrid[: shape[0], : shape[1]]
    from_lv = np.hypot(rows - 20, columns - 26)
    from_rv = np.hypot(rows - 20, columns - 14)
    radii = np.asarray(radii, float)[..., None, None]
    labels = np.where(from_rv < radii, Tissue.RV, Tissue.BACKGROUND)
    labels = np.where(from_lv < radii + 3, Tissue.MYO, labels)
    labels = np.where(from_lv < radii, Tissue.LV, labels)
    return labels.astype(np.uint8)
