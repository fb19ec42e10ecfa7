"""Peak strain by registration against the exact value of the same lines, in sets of digital hearts.

tests/benchmarks/strain_motion.py prints the strain of each heart.
"""

import numpy as np
import pytest

from heart_sets import STRAINS, heart, peaks, tracked_peaks

HEARTS, FRAMES, PIXEL_MM = 8, 50, 1.8
# Largest median of absolute errors in a set, in percentage points of strain.
MOST = {"Ecc": 1.5, "Err": 6.0, "Ell": 2.0}


@pytest.mark.long
@pytest.mark.parametrize("seed", [1, 2, 3, 4])
def test_strain_of_every_set_of_hearts_is_near_the_exact_one(seed):
    errors = []
    for number in range(HEARTS):
        _, views = heart(seed, number, FRAMES, PIXEL_MM)
        true = peaks([view.true_px for view in views], views)
        errors.append(np.abs(tracked_peaks(views, PIXEL_MM) - true))
    found = dict(zip(STRAINS, np.median(errors, axis=0), strict=True))
    for name, most in MOST.items():
        assert found[name] <= most, f"{name}: {found[name]:.2f} points"
