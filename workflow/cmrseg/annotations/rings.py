"""Whether landmarks are a ring in the published order, before anything is learnt from them."""

import numpy as np

from cmrseg.ring import ENDOCARDIUM, EPICARDIUM, by_spoke

# Rings of which so much lies outside their image are of another one.
MOST_OUTSIDE = 0.5


def check_rings(points: np.ndarray, shape: tuple[int, int], where: str) -> None:
    """Raise ValueError where landmarks cannot be those of tagged slices of an image.

    points: (t, z, 168, 2), (y, x) in px, nan where unknown. shape: rows and columns of the image.
    where: names the file in the error. Whole rings must run clockwise on the displayed image, and
    have their epicardium outside: swapped coordinates, rows counted from the bottom, or walls in
    another order give strains that look plausible and are wrong.
    """
    for t, z in np.argwhere(np.isfinite(points).all(axis=(2, 3))).tolist():
        image = f"{where}: frame {t}, slice {z} (from 0)"
        y, x = points[t, z].T
        outside = (y < -0.5) | (x < -0.5) | (y > shape[0] - 0.5) | (x > shape[1] - 0.5)
        if outside.mean() > MOST_OUTSIDE:
            raise ValueError(
                f"{image}: {outside.sum()} of {len(y)} landmarks lie outside the image of "
                f"{shape[0]} rows and {shape[1]} columns; these are points of another image"
            )
        ring = by_spoke(points[t, z])
        endo, epi = area_px(ring[:, ENDOCARDIUM]), area_px(ring[:, EPICARDIUM])
        if epi <= 0:
            raise ValueError(
                f"{image}: spokes run counter-clockwise on the image, expected clockwise; x and y "
                "may be swapped, or y counted from the bottom"
            )
        if not 0 < endo < epi:
            raise ValueError(
                f"{image}: wall {ENDOCARDIUM} encloses {endo:.1f} px, wall {EPICARDIUM} "
                f"{epi:.1f} px; expected the endocardium first, within the epicardium"
            )


def area_px(ring: np.ndarray) -> float:
    """Area within a closed line (p, 2) of places (y, x); positive where it runs clockwise."""
    y, x = ring.T
    return float((x * np.roll(y, -1) - np.roll(x, -1) * y).sum() / 2)
