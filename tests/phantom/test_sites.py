import numpy as np
import pytest

from cmrseg.phantom.scanner import SCANNERS
from cmrseg.phantom.sites import site_scanner


def test_without_variety_every_site_has_the_preset():
    assert site_scanner("3T", 0.0, np.random.default_rng(1)) == SCANNERS["3T"]


def test_sites_differ_in_contrast_and_noise_but_liver_stays_like_muscle():
    sites = [site_scanner("1.5T", 1.0, np.random.default_rng(seed)) for seed in range(200)]
    contrast = np.array([s.signals.blood / s.signals.myocardium for s in sites])
    usual = SCANNERS["1.5T"].signals
    assert np.median(contrast) == pytest.approx(usual.blood / usual.myocardium, rel=0.1)
    assert 0.2 < np.log(contrast).std() < 0.4
    assert 0.4 < np.log([s.noise for s in sites]).std() < 0.8
    ratio = usual.liver / usual.myocardium
    assert {round(s.signals.liver / s.signals.myocardium, 6) for s in sites} == {round(ratio, 6)}


def test_an_unknown_scanner_is_named():
    with pytest.raises(ValueError, match="unknown scanner 2T, expected one of"):
        site_scanner("2T", 0.0, np.random.default_rng(1))


def test_a_negative_variety_is_refused():
    with pytest.raises(ValueError, match=r"variety is -1\.0, expected 0 or more"):
        site_scanner("3T", -1.0, np.random.default_rng(1))
