"""The volume of an atrium before it contracts, from its curve."""

import numpy as np
import pytest

from cmrseg.measure.atrial_emptying import pre_contraction_frame

# Parts of the beat in which the atrium fills, empties, and contracts.
FILLS, EMPTIES, CONTRACTS = (0.03, 0.38), (0.40, 0.58), (0.82, 0.97)


def fall(time, start, end):
    """From 0 to 1 between two times, smoothly."""
    return (1 - np.cos(np.pi * np.clip((time - start) / (end - start), 0, 1))) / 2


def curve(frames, before=70.0, smallest=50.0, empties=EMPTIES, contracts=CONTRACTS):
    """From `smallest` to 100 ml, to `before`, and back."""
    time = np.arange(frames) / frames
    filled = (100 - smallest) * fall(time, *FILLS)
    return (
        smallest
        + filled
        - (100 - before) * fall(time, *empties)
        - (before - smallest) * fall(time, *contracts)
    )


@pytest.mark.parametrize("frames", [25, 50, 100])
@pytest.mark.parametrize("before", [62.0, 70.0, 85.0])
def test_the_frame_is_the_last_one_before_the_contraction(frames, before):
    volume_ml = curve(frames, before)
    frame = pre_contraction_frame(volume_ml)
    assert EMPTIES[1] <= frame / frames <= CONTRACTS[0] + 2 / frames
    assert volume_ml[frame] == pytest.approx(before, abs=0.05 * (before - 50) + 0.2)


def test_the_beat_may_begin_anywhere():
    volume_ml = curve(50)
    frame = pre_contraction_frame(volume_ml)
    for shift in range(50):
        assert pre_contraction_frame(np.roll(volume_ml, shift)) == (frame + shift) % 50


def test_a_volume_that_rises_in_diastasis_is_taken_where_it_is_highest():
    volume_ml = curve(50) + 6 * fall(np.arange(50) / 50, 0.6, 0.8) * (np.arange(50) < 41)
    assert volume_ml[pre_contraction_frame(volume_ml)] == pytest.approx(76, abs=0.5)


def test_noise_of_outlines_moves_it_little():
    rng = np.random.default_rng(3)
    for _ in range(20):
        noisy = curve(50) * rng.normal(1, 0.01, 50)
        assert curve(50)[pre_contraction_frame(noisy)] == pytest.approx(70, abs=2.5)


def test_an_atrium_that_does_not_contract_has_none():
    assert pre_contraction_frame(curve(50, before=50.0)) is None


def test_a_last_fall_of_a_twentieth_is_taken_for_noise():
    assert pre_contraction_frame(curve(50, before=52.5)) is None
    assert pre_contraction_frame(curve(50, before=57.5)) is not None


def test_a_first_fall_of_a_twentieth_is_taken_for_noise():
    assert pre_contraction_frame(curve(50, before=97.5)) is None


def test_two_falls_that_merge_have_none():
    assert (
        pre_contraction_frame(curve(50, 75, empties=(0.42, 0.75), contracts=(0.62, 0.95))) is None
    )


def test_a_steady_fall_has_none():
    assert pre_contraction_frame(np.abs(np.arange(50) - 20.0)) is None


def test_a_curve_that_rises_but_for_two_wrong_frames_has_none():
    volume_ml = np.full(100, 20.0)
    volume_ml[14:30] = 80
    volume_ml[10:15] = 100, 20, 20, 40, 0
    assert pre_contraction_frame(volume_ml) is None


@pytest.mark.parametrize("frames", [19, 8, 1])
def test_too_few_frames_have_none(frames):
    assert pre_contraction_frame(curve(frames)) is None


def test_an_unknown_frame_has_none():
    volume_ml = curve(50)
    volume_ml[10] = np.nan
    assert pre_contraction_frame(volume_ml) is None


def test_a_volume_that_does_not_change_has_none():
    assert pre_contraction_frame(np.full(50, 60.0)) is None
