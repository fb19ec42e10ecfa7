"""The pattern of SPAMM, and its fading."""

import math

import numpy as np
import pytest

from cmrseg.phantom.tagged_view import _GRADIENT_ECHO
from cmrseg.phantom.tagging import (
    RECOVERED,
    TR_MS,
    Tagging,
    draw_tagging,
    magnetization,
    t1_ms,
    tagged_signals,
)

PHASES = np.linspace(0, 2 * math.pi, 9)


def test_one_one_pulses_of_90_degrees_leave_a_cosine_between_0_and_1():
    # Two pulses of 45 degrees: cos^2 45 - sin^2 45 cos(phase).
    np.testing.assert_allclose(magnetization(PHASES, 1, 90.0), (1 - np.cos(PHASES)) / 2, atol=1e-12)


def test_one_two_one_pulses_leave_what_three_rotations_give_at_phases_of_0_90_and_180_degrees():
    # Flips of 22.5, 45 and 22.5 degrees add up to 90 where no phase is between them, and undo each
    # other at 180 degrees. At 90 degrees, with s, c of 22.5 and S, C of 45 degrees, magnetization
    # is (0, -s, c), turned (s, 0, c), (s, -Sc, Cc), turned (Sc, s, Cc), and last z = ss + cCc.
    s, c, big_c = math.sin(math.pi / 8), math.cos(math.pi / 8), math.cos(math.pi / 4)
    found = magnetization(np.array([0.0, math.pi / 2, math.pi]), 2, 90.0)
    np.testing.assert_allclose(found, [0.0, s * s + c * c * big_c, 1.0], atol=1e-12)


@pytest.mark.parametrize("binomial", [1, 2, 3])
@pytest.mark.parametrize("flip_deg", [60.0, 90.0, 140.0])
def test_the_profile_is_the_magnetization_that_the_pulses_leave(binomial, flip_deg):
    tagging = Tagging(binomial=binomial, flip_deg=flip_deg)
    exact = magnetization(np.linspace(0, 7, 200), binomial, flip_deg)
    np.testing.assert_allclose(tagging.profile(np.linspace(0, 7, 200)), exact, atol=1e-12)


def test_tags_of_higher_binomials_are_narrower():
    x = np.linspace(0, 6.0, 601)[:-1]
    widths = []
    for binomial in (1, 2, 3):
        tagging = Tagging("lines", binomial, spacing_mm=6.0, angle_deg=0.0, flip_deg=90.0)
        profile = tagging.pattern_at(x, np.zeros_like(x))
        assert profile.min() == pytest.approx(0, abs=1e-12)
        widths.append((profile < 0.5).mean() * 6.0)
    assert widths[0] == pytest.approx(3.0, abs=0.03)
    assert widths[0] > 1.2 * widths[1] > 1.2 * widths[2]


def test_tags_of_a_grid_have_their_spacing_in_both_directions_at_their_angle():
    tagging = Tagging(spacing_mm=5.0, angle_deg=30.0, flip_deg=90.0)
    c, s = math.cos(math.radians(30)), math.sin(math.radians(30))
    # Places along the first direction and along the one at right angles to it.
    for direction in ((c, s), (-s, c)):
        for along, expected in ((0.0, 0.0), (1.25, 0.5), (2.5, 1.0), (5.0, 0.0), (7.5, 1.0)):
            # Beside the line that goes through a tag of the other direction.
            other = -direction[1] * 2.5, direction[0] * 2.5
            x = np.array([along * direction[0] + other[0]])
            y = np.array([along * direction[1] + other[1]])
            assert tagging.pattern_at(x, y)[0] == pytest.approx(expected, abs=1e-9)
    lines = Tagging("lines", spacing_mm=5.0, angle_deg=0.0, flip_deg=90.0)
    assert lines.pattern_at(np.array([2.5]), np.array([123.4]))[0] == pytest.approx(1.0)


def test_the_mean_of_a_grid_is_that_of_its_pixels():
    tagging = Tagging(binomial=2, spacing_mm=6.0, angle_deg=0.0)
    y, x = np.mgrid[:60, :60] / 10
    assert tagging.mean == pytest.approx(tagging.pattern_at(x, y).mean(), abs=1e-9)


def test_tags_fade_with_t1_and_with_every_readout():
    tagging = Tagging(readout_flip_deg=10.0)
    # 50 readouts in 410 ms, each leaving cos 10 degrees, and e^(-410 / 1000) by T1.
    left = math.cos(math.radians(10)) ** 50 * math.exp(-0.41)
    assert tagging.left(50 * TR_MS, 1000.0) == pytest.approx(left)
    assert tagging.faded(48.0, 50 * TR_MS, 1000.0) == pytest.approx(
        (48 * (1 - left), 48 * left * RECOVERED)
    )
    assert tagging.faded(48.0, 0.0, 1000.0) == pytest.approx((0, 48 * RECOVERED))
    assert t1_ms("fat", 1.5) == 320
    assert t1_ms("myocardium", 3.0) == pytest.approx(1000 * 2**0.3)


def test_blood_loses_its_tags_within_some_frames_and_muscle_does_not():
    tagging, pattern = Tagging(), np.linspace(0.03, 1, 50)

    def contrast(time_ms):
        signals = tagged_signals(tagging, _GRADIENT_ECHO, 1.5, time_ms, pattern)
        return {name: float(np.ptp(signals[name])) for name in ("blood", "myocardium", "fat")}

    start, later = contrast(0.0), contrast(160.0)
    assert later["blood"] < 0.001 * start["blood"]
    assert later["myocardium"] > 0.6 * start["myocardium"]
    assert later["fat"] < later["myocardium"] / start["myocardium"] * start["fat"]


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"pattern": "dots"}, "pattern is 'dots', expected grid or lines"),
        ({"binomial": 4}, r"binomial is 4, expected one of \(1, 2, 3\)"),
        ({"spacing_mm": 0.0}, "spacing_mm is 0.0, expected more than 0"),
        ({"flip_deg": 181.0}, "flip_deg is 181.0, expected 0 to 180"),
        ({"readout_flip_deg": 0.0}, "readout_flip_deg is 0.0, expected 0 to 90"),
        ({"angle": 4.0}, "tagging has angle, expected some of pattern, binomial, spacing_mm"),
    ],
)
def test_impossible_tags_are_refused(wrong, message):
    with pytest.raises(ValueError, match=message):
        draw_tagging(wrong, 0.0, np.random.default_rng(1))


def test_without_variety_a_site_tags_as_usual_and_as_given():
    rng = np.random.default_rng(3)
    assert draw_tagging({}, 0.0, rng) == Tagging()
    assert draw_tagging({"spacing_mm": 7}, 0.0, rng) == Tagging(spacing_mm=7.0)


def test_sites_draw_from_ranges_and_one_setting_does_not_change_the_others():
    given = {"spacing_mm": [5.0, 8.0], "pattern": ["grid", "lines"], "binomial": [1, 3]}
    drawn = [draw_tagging(given, 1.0, np.random.default_rng(seed)) for seed in range(40)]
    assert {t.pattern for t in drawn} == {"grid", "lines"}
    assert {t.binomial for t in drawn} == {1, 3}
    spacings = [t.spacing_mm for t in drawn]
    assert 5.0 <= min(spacings) < 5.5 < 7.5 < max(spacings) <= 8.0
    assert 3 < np.std([t.angle_deg for t in drawn]) < 8
    usual = [draw_tagging({}, 1.0, np.random.default_rng(seed)) for seed in range(40)]
    assert [t.angle_deg for t in drawn] == [t.angle_deg for t in usual]
