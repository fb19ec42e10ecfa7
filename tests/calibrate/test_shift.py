"""Weights under covariate shift: a ratio known in closed form, and intervals that need it."""

import numpy as np
import pytest

from cmrseg.calibrate.calibration import Sample, calibration
from cmrseg.calibrate.forests import Settings
from cmrseg.calibrate.shift import density_ratio, effective_size


def test_the_ratio_of_two_normal_distributions_is_found():
    rng = np.random.default_rng(1)
    here, there = rng.normal(0, 1, (1000, 2)), rng.normal([1, 0], 1, (1000, 2))
    found = density_ratio(here, there, 1)
    # exp(x - 1/2) of the first feature, nothing of the second.
    slope, offset = np.polyfit(here[:, 0], np.log(found.calibrating), 1)
    assert slope == pytest.approx(1, abs=0.12)
    assert offset == pytest.approx(-0.5, abs=0.1)
    # 1000 / e.
    assert found.effective == pytest.approx(368, abs=80)


def test_subjects_of_the_same_kind_keep_their_weight():
    rng = np.random.default_rng(2)
    here, there = rng.normal(size=(400, 3)), rng.normal(size=(300, 3))
    here[0, 0] = np.nan
    assert density_ratio(here, there, 1).effective > 360


def test_new_subjects_that_none_resembles_are_refused():
    rng = np.random.default_rng(3)
    here, there = rng.normal(0, 1, (200, 1)), rng.normal(4, 1, (200, 1))
    with pytest.raises(
        ValueError, match=r"only \d+ of 200 calibrating subjects, by effective size"
    ):
        density_ratio(here, there, 1)


def test_equal_weights_are_as_many_as_they_are():
    assert effective_size(np.full(7, 0.3)) == pytest.approx(7)


def hearts(count: int, field: float, rng: np.random.Generator) -> tuple[Sample, np.ndarray]:
    """Subjects whose images are noisier at a higher field: errors grow with the noise."""
    noise = rng.normal(field, 1, count)
    known = rng.uniform(80, 250, count)
    measured = known * (1 + 0.015 * np.exp(noise / 2) * rng.standard_normal(count))
    features = np.column_stack([measured, noise])
    everybody = np.full(count, "all")
    return Sample(features, measured, np.arange(count).astype(str), everybody), known


def test_only_weighted_intervals_hold_for_noisier_images():
    rng = np.random.default_rng(4)
    (here, known), (there, truth) = hearts(1000, 0, rng), hearts(1000, 1.5, rng)
    # A forest that may not split on noise: the spread is the same for all, as if nobody knew it.
    blind = here._replace(features=here.features[:, :1])
    found = calibration(blind, known, np.ones(1000), Settings(trees=25), 1, False)
    ratio = density_ratio(here.features[:, 1:], there.features[:, 1:], 1)
    new = there._replace(features=there.features[:, :1])
    held = {}
    for name, weights in (
        ("plain", {}),
        ("weighted", {"ratio": ratio.calibrating, "own_ratio": ratio.new}),
    ):
        low, high = found.distributions(new, 1, **weights).bounds(0.9)
        held[name] = float(np.mean((truth >= low) & (truth <= high)))
    assert held["plain"] < 0.8
    assert held["weighted"] == pytest.approx(0.9, abs=0.03)
