"""Areas of a vessel from its edge: pulsations below a pixel, noise, vessels without an edge."""

import math

import numpy as np
import pytest

from cmrseg.cine import Cine
from cmrseg.labels import Tissue
from cmrseg.measure.aorta import aortic_curve, aortic_measures
from cmrseg.measure.lumen_edge import edge_area_mm2, edge_areas_mm2

PIXEL_MM = 1.6
FRAMES = 25
# Radii of a descending aorta; the area is largest in frame 6 and smallest in frames 18 and 19.
RADII_MM = 12 + 0.35 * np.sin(2 * np.pi * np.arange(FRAMES) / FRAMES)
TRUE_MM2 = math.pi * RADII_MM**2
CHANGE = TRUE_MM2.max() / TRUE_MM2.min() - 1  # 12 %


def away_mm(spacing_mm=(PIXEL_MM, PIXEL_MM), stretch=1.0) -> np.ndarray:
    """Distance of pixels from the middle of a circle, or of an ellipse of the same area."""
    y, x = np.meshgrid(*(np.arange(0, 64, mm) for mm in spacing_mm), indexing="ij")
    return np.hypot((y - 31.3) * stretch, (x - 30.2) / stretch)


def picture(radius_mm, away, edge_mm=2.5) -> np.ndarray:
    """A bright disc on a dark ground; its edge is as soft as that of a scanner."""
    return 100 + 400 * np.clip(0.5 + (radius_mm - away) / edge_mm, 0, 1)


def cine(away, noise=0.0) -> np.ndarray:
    still = np.stack([picture(radius, away) for radius in RADII_MM])
    return still + np.random.default_rng(1).normal(0, noise, still.shape)


def change(areas) -> float:
    return areas.max() / areas.min() - 1


@pytest.mark.parametrize("stretch", [1.0, 1.08])
@pytest.mark.parametrize("spacing_mm", [(1.6, 1.6), (1.4, 1.8)])
def test_an_area_is_that_of_the_disc_or_ellipse_between_pixels(spacing_mm, stretch):
    away = away_mm(spacing_mm, stretch)
    found = edge_area_mm2(picture(12.0, away), away < 12.0, spacing_mm)
    assert found == pytest.approx(math.pi * 144, rel=0.01)


def test_a_pulsation_of_a_third_of_a_pixel_is_seen_where_counted_pixels_miss_it():
    away = away_mm()
    masks = np.stack([away < radius for radius in RADII_MM])
    found = edge_areas_mm2(cine(away), masks, (PIXEL_MM, PIXEL_MM))
    assert change(found) == pytest.approx(CHANGE, rel=0.05)
    assert np.corrcoef(found, TRUE_MM2)[0, 1] > 0.999


def test_labels_that_do_not_move_do_not_damp_the_pulsation():
    away = away_mm()
    masks = np.repeat((away < 12.0)[None], FRAMES, axis=0)
    found = edge_areas_mm2(cine(away), masks, (PIXEL_MM, PIXEL_MM))
    assert change(found) == pytest.approx(CHANGE, rel=0.05)
    assert found.mean() == pytest.approx(masks[0].sum() * PIXEL_MM**2)


def test_labels_half_a_pixel_too_large_give_the_same_pulsation():
    away = away_mm()
    masks = np.repeat((away < 12.8)[None], FRAMES, axis=0)
    found = edge_areas_mm2(cine(away), masks, (PIXEL_MM, PIXEL_MM))
    assert change(found) == pytest.approx(CHANGE, rel=0.05)


def test_noise_does_not_pass_for_a_pulsation():
    away = away_mm()
    masks = np.stack([away < radius for radius in RADII_MM])
    found = edge_areas_mm2(cine(away, noise=20), masks, (PIXEL_MM, PIXEL_MM))
    assert change(found) == pytest.approx(CHANGE, rel=0.15)


def test_a_neighbour_as_bright_on_one_side_is_bridged():
    away = away_mm()
    pictures = cine(away)
    masks = np.stack([away < radius for radius in RADII_MM])
    pictures[:, :, 28:] = 500  # of 40 pixels; reaches the vessel's right quarter
    found = edge_areas_mm2(pictures, masks, (PIXEL_MM, PIXEL_MM))
    assert change(found) == pytest.approx(CHANGE, rel=0.25)


def test_a_picture_without_an_edge_has_no_area():
    away = away_mm()
    assert math.isnan(edge_area_mm2(np.full(away.shape, 7.0), away < 12, (PIXEL_MM, PIXEL_MM)))
    # Dark inside: brightness rises outwards.
    dark = 600 - picture(12.0, away)
    assert math.isnan(edge_area_mm2(dark, away < 12, (PIXEL_MM, PIXEL_MM)))


def test_single_frames_without_an_edge_are_unknown_and_half_of_them_are_too_many():
    away = away_mm()
    masks = np.stack([away < radius for radius in RADII_MM])
    pictures = cine(away)
    pictures[3] = 7
    found = edge_areas_mm2(pictures, masks, (PIXEL_MM, PIXEL_MM))
    assert np.flatnonzero(np.isnan(found)).tolist() == [3]
    assert change(found[np.arange(FRAMES) != 3]) == pytest.approx(CHANGE, rel=0.05)
    pictures[:13] = 7
    assert np.isnan(edge_areas_mm2(pictures, masks, (PIXEL_MM, PIXEL_MM))).all()


def test_pictures_of_another_shape_are_refused():
    with pytest.raises(ValueError, match=r"of one shape, got \(2, 5, 5\) and \(2, 5, 6\)"):
        edge_areas_mm2(np.zeros((2, 5, 5)), np.zeros((2, 5, 6), bool), (1.0, 1.0))


# -- in the measures of the aorta ------------------------------------------------------------

AFFINE = np.diag([PIXEL_MM, PIXEL_MM, 6.0, 1.0])


def labels(masks) -> Cine:
    return Cine(np.where(masks, Tissue.AAO, 0).astype(np.uint8)[:, None], AFFINE)


def test_corrected_areas_change_as_the_image_does_and_compat_counts_pixels():
    away = away_mm()
    masks = np.repeat((away < 12.0)[None], FRAMES, axis=0)
    masks[6] = away < 12.2
    curve = aortic_curve(labels(masks), Cine(cine(away)[:, None], AFFINE))
    counted = masks.sum(axis=(1, 2)) * PIXEL_MM**2
    np.testing.assert_allclose(curve["aao_counted_mm2"], counted)
    found, compat = (aortic_measures(curve, 40, mode) for mode in ("corrected", "compat"))
    per_mmhg = "aao_distensibility_per_1000_mmhg"
    assert found[per_mmhg] == pytest.approx(1000 * CHANGE / 40, rel=0.05)
    assert compat[per_mmhg] == pytest.approx(1000 * (counted.max() / counted.min() - 1) / 40)


def test_a_missed_vessel_stays_missed_and_an_image_without_edges_leaves_counted_pixels():
    away = away_mm()
    masks = np.stack([away < radius for radius in RADII_MM])
    masks[5] = False
    curve = aortic_curve(labels(masks), Cine(cine(away)[:, None], AFFINE))
    assert curve.loc[5, "aao_mm2"] == 0
    assert curve["aao_mm2"].drop(5).min() > 400
    blank = aortic_curve(labels(masks), Cine(np.ones((FRAMES, 1, *away.shape)), AFFINE))
    np.testing.assert_array_equal(blank["aao_mm2"], blank["aao_counted_mm2"])
    assert (blank["dao_mm2"] == 0).all()
