"""Size of a body, and what is given per its surface."""

from typing import TypeVar

import numpy as np
import pandas as pd

# What is given per body surface area, by the end of its name: volumes and masses.
PER_M2 = ("_ml", "_g")
# Mosteller 1987, doi:10.1056/NEJM198710223171717: height in cm, weight in kg.
MOSTELLER = 3600

Size = TypeVar("Size", float, pd.Series)


def body_surface_m2(height_cm: Size, weight_kg: Size) -> Size:
    """Body surface area by the formula of Mosteller (1987): √(height x weight / 3600)."""
    surface: Size = np.sqrt(height_cm * weight_kg / MOSTELLER)
    return surface
