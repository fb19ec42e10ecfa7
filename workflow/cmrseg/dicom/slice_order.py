"""Slices of tagged cines run from base to apex, where the grid tells; those of others do not."""

import numpy as np
import pandas as pd

from cmrseg.cine import Cine
from cmrseg.dicom.audit import FROM_APEX, SLICE_ORDER
from cmrseg.orientation import APEX_TO_BASE, AS_STORED, reordered
from cmrseg.vectors import dot

# Sequences whose slices run from base to apex.
FROM_BASE = ("tag",)
REVERSED = np.diag([1, 1, -1])


def other_order(sequence: str) -> tuple[str, str]:
    """What the audit calls slices in the other order than that of a sequence's images."""
    return FROM_APEX if sequence in FROM_BASE else SLICE_ORDER


def order_turn(axes: np.ndarray, slices: int, sequence: str) -> np.ndarray:
    """The turn (3, 3) of a grid that lets the slices of some sequences run from base to apex.

    axes: (3, 3), those of a grid that is placed in the patient (RAS), slices along the third.
    """
    upwards = float(dot(axes[:, 2], APEX_TO_BASE)) > 0
    return REVERSED if sequence in FROM_BASE and slices > 1 and upwards else AS_STORED


def in_order(cine: Cine, sources: pd.DataFrame, sequence: str) -> tuple[Cine, pd.DataFrame]:
    """The cine of a grid that is placed in the patient, with its slices in the sequence's order.

    sources: z and t of each file; they follow, and are in the order of slices.
    """
    slices = cine.voxels.shape[1]
    turn = order_turn(cine.affine[:3, :3], slices, sequence)
    if (turn == AS_STORED).all():
        return cine, sources
    turned = sources.assign(z=slices - 1 - sources["z"])
    return reordered(cine, turn), turned.sort_values(["z", "t"], ignore_index=True)
