"""The network of ours that finds the wall in a tagged cine and follows it."""

import numpy as np
import pytest
import torch

from cmrseg.nets.tag_motion import TagMotion, read_at
from cmrseg.ring import FIRST_SPOKE_DEG, LANDMARKS, SEEN_FRAMES, SPOKES, STEP_DEG, WALLS
from cmrseg.tasks.inside import pixel_px, shares_inside
from cmrseg.tasks.ring_motion import ring_motion

SIZE = 96


def ring(middle=(46.0, 50.0), endo_px=12.0, epi_px=20.0):
    """Landmarks (168, 2) of a round wall."""
    angles = np.deg2rad(FIRST_SPOKE_DEG + STEP_DEG * np.arange(SPOKES))[:, None]
    radii = np.linspace(endo_px, epi_px, WALLS)
    places = np.stack([middle[0] + radii * np.sin(angles), middle[1] + radii * np.cos(angles)], -1)
    return torch.tensor(places.reshape(LANDMARKS, 2), dtype=torch.float32)


def images_of(size):
    """Windows (1, 20, size, size) of noise."""
    draw = np.random.default_rng(0)
    return torch.tensor(draw.random((1, SEEN_FRAMES, size, size)), dtype=torch.float32)


@pytest.fixture
def network():
    found = TagMotion(width=4, size_px=SIZE)
    found.initialise(torch.Generator().manual_seed(0))
    return found


@pytest.mark.parametrize("middle", [(46.0, 50.0), (40.0, 57.5)])
def test_the_ring_is_read_from_what_is_inside(network, middle):
    expected = ring(middle)
    inside = shares_inside(expected[None], SIZE // 2, SIZE)
    # A share of a pixel of twice the size is 0 or 1 here: a quarter pixel of each radius at most.
    found = network.ring(inside)[0]
    assert (found - expected).norm(dim=1).max() < 1.0
    assert (found - expected).norm(dim=1).mean() < 0.5


def test_landmarks_are_carried_by_the_steps_between_frames(network, monkeypatch):
    inside = shares_inside(ring()[None], SIZE // 2, SIZE)
    monkeypatch.setattr(network.wall, "forward", lambda frames: torch.logit(inside, 1e-6))
    step = torch.tensor([0.5, -0.25])[:, None, None].expand(2, SIZE // 2, SIZE // 2)
    monkeypatch.setattr(
        network.motion, "forward", lambda pairs: step.expand(len(pairs), *step.shape)
    )
    found = network(images_of(SIZE))[0]
    frames = torch.arange(SEEN_FRAMES)[:, None, None]
    torch.testing.assert_close(found, found[:1] + frames * torch.tensor([0.5, -0.25]))


def test_values_are_read_where_they_lie():
    centres = pixel_px(SIZE // 2, SIZE, torch.device("cpu"))
    assert centres[[0, -1]].tolist() == [0.5, SIZE - 1.5]
    maps = torch.stack([centres[:, None].expand(-1, len(centres)), centres.expand(48, -1)])[None]
    places = torch.tensor([[[10.0, 70.25], [33.3, 4.0]]])
    torch.testing.assert_close(read_at(maps, places, SIZE), places)


def test_brightness_of_a_frame_changes_nothing(network):
    images = images_of(SIZE)
    frames = torch.linspace(0.5, 2, SEEN_FRAMES)[None, :, None, None]
    (other, _), (logits, _) = network.heads(images * frames + 0.2), network.heads(images)
    assert (other - logits).abs().mean() < 0.02 * logits.std()


def test_a_network_that_is_right_has_no_loss_but_of_shares():
    truth = torch.stack([ring(), ring((47, 49), 11, 20)])[None]
    inside = shares_inside(truth[:, 0], SIZE // 2, SIZE)
    logits = 40 * inside - 20
    assert ring_motion([logits, truth.clone()], truth) < 1e-3
    # A pixel beside in all frames costs its square, as nothing moves otherwise.
    beside = ring_motion([logits, truth + torch.tensor([1.0, 0.0])], truth)
    assert beside.item() == pytest.approx(0.5, abs=0.01)
    moving = truth.clone()
    moving[:, 1] += 1.0
    assert ring_motion([logits, moving], truth).item() == pytest.approx(5.0, abs=0.01)


def test_frames_that_nobody_annotated_cost_nothing():
    truth = torch.stack([ring(), torch.full((LANDMARKS, 2), torch.nan)])[None]
    logits = 40 * shares_inside(truth[:, 0], SIZE // 2, SIZE) - 20
    assert ring_motion([logits, torch.stack([ring(), ring() + 9])[None]], truth) < 1e-3


def test_windows_of_other_sizes_are_refused(network):
    with pytest.raises(ValueError, match="size_px 90: windows are multiples of 16 px"):
        TagMotion(4, 90)
    with pytest.raises(ValueError, match=r"expected \(n, 20, 96, 96\)"):
        network(images_of(80))


def test_a_window_with_a_ring_is_sure_and_one_without_is_not(network, monkeypatch):
    whole = shares_inside(ring()[None], SIZE // 2, SIZE)
    noise = torch.tensor(np.random.default_rng(0).random(whole.shape), dtype=torch.float32)
    said = []
    for inside in (whole, noise):
        logits = torch.logit(inside, 1e-4)
        monkeypatch.setattr(network.wall, "forward", lambda frames, logits=logits: logits)
        said.append(network.certainty(images_of(SIZE)).item())
    assert said[0] > 0.85
    assert said[1] < 0.3
