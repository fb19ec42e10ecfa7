"""Biplane volumes of the left ventricle: bodies whose volume is a formula."""

import math

import numpy as np
import pytest

from cmrseg.cine import Cine
from cmrseg.labels import Tissue
from cmrseg.measure.biplane import BIPLANE, biplane_curve, biplane_measures

# Short-axis slices lie across RAS z.
SHORT_AXIS = np.diag([1.0, 1.0, 8.0, 1.0])
PIXEL_MM = 0.5
SIZE = 240


def view(across: int, halves_mm: list[tuple[float, float]], cut: float = 1.0) -> Cine:
    """An ellipse in each frame, in the plane of RAS `across` (0 or 1) and z.

    halves_mm: half axes across and along z. cut: what of the upper half is there.
    """
    affine = np.zeros((4, 4))
    affine[across, 0] = affine[2, 1] = PIXEL_MM
    affine[1 - across, 2] = 8.0
    affine[3, 3] = 1
    y, x = (np.indices((SIZE, SIZE)) - (SIZE - 1) / 2) * PIXEL_MM
    frames = [
        ((x / half) ** 2 + (y / length) ** 2 < 1) & (y < cut * length) for half, length in halves_mm
    ]
    voxels = np.where(np.stack(frames)[:, None], Tissue.LV, Tissue.BACKGROUND).astype(np.uint8)
    return Cine(voxels, affine)


def test_an_ellipsoid_has_its_volume():
    two = view(0, [(25, 40), (20, 36)])
    four = view(1, [(20, 40), (16, 36)])
    curve = biplane_curve(two, four, SHORT_AXIS)
    true_ml = [4 / 3 * math.pi * a * b * c / 1000 for a, b, c in ((25, 20, 40), (20, 16, 36))]
    assert curve["lv_ml"].to_numpy() == pytest.approx(true_ml, rel=0.01)
    found = biplane_measures(curve)
    assert list(found) == [measure.name for measure in BIPLANE]
    assert found["biplane_ef"] == pytest.approx(1 - true_ml[1] / true_ml[0], abs=0.01)


def test_a_ventricle_cut_at_its_base_comes_out_some_two_per_cent_too_large():
    a, c, tau = 25.0, 42.0, 0.4
    curve = biplane_curve(view(0, [(a, c)], tau), view(1, [(a, c)], tau), SHORT_AXIS)
    true_ml = math.pi * a * a * c * (2 / 3 + tau - tau**3 / 3) / 1000
    area = a * c * (math.pi / 2 + tau * math.sqrt(1 - tau**2) + math.asin(tau))
    formula_ml = 8 / (3 * math.pi) * area**2 / (c * (1 + tau)) / 1000
    assert formula_ml / true_ml == pytest.approx(1.019, abs=0.001)
    assert curve["lv_ml"].iloc[0] == pytest.approx(formula_ml, rel=0.01)


def test_a_foreshortened_view_takes_the_length_of_the_other():
    curve = biplane_curve(view(0, [(25, 40)]), view(1, [(25, 30)]), SHORT_AXIS)
    row = curve.iloc[0]
    assert row["lv_ml"] == pytest.approx(
        8 / (3 * math.pi) * row["lv_2ch_area_cm2"] * row["lv_4ch_area_cm2"] / 8.0, rel=0.01
    )


def test_a_frame_without_the_cavity_is_unknown():
    two, four = view(0, [(25, 40), (20, 36)]), view(1, [(20, 40), (16, 36)])
    two.voxels[1] = 0
    curve = biplane_curve(two, four, SHORT_AXIS)
    assert np.isnan(curve["lv_ml"].iloc[1])
    # One frame is left, which is no heartbeat.
    assert all(map(math.isnan, biplane_measures(curve).values()))
    four.voxels[:] = 0
    assert all(map(math.isnan, biplane_measures(biplane_curve(two, four, SHORT_AXIS)).values()))
