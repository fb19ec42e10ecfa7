"""Units of volumes and masses in figures: a mouse's heart is a thousandth of a patient's."""

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike


class Units(NamedTuple):
    """Units of volume and mass, the factor from ml and g, and the number of decimals."""

    volume: str
    mass: str
    factor: float
    digits: int


def units_of(volumes_ml: ArrayLike) -> Units:
    """ml and g, or µl and mg if no volume reaches 1 ml."""
    values = np.asarray(volumes_ml, float)
    small = np.nanmax(values, initial=-np.inf) < 1 and np.nanmax(values, initial=0) > 0
    return Units("µl", "mg", 1000.0, 1) if small else Units("ml", "g", 1.0, 0)
