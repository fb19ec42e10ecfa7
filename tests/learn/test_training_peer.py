"""Fast training learns what plain PyTorch does: the same loss curve within noise."""

import numpy as np
import torch
from benchmarks.gpu_train import write_hearts
from benchmarks.peers import training

from cmrseg.learn.slices import Slices

SETTINGS = training.SETTINGS | {"size_px": 64, "width": 8, "augmentation": "normal"}
SETTINGS |= {"batch": 8, "lr": 1e-2}
STEPS, PARTS = 36, 6


def curve(losses) -> np.ndarray:
    return torch.stack(losses).numpy().reshape(PARTS, -1).mean(axis=1)


def test_losses_fall_as_those_of_plain_pytorch(tmp_path):
    write_hearts(tmp_path, 32, 64)
    slices = Slices.load(tmp_path)
    ours = curve(training.our_steps(slices, SETTINGS, "cpu")(STEPS))
    plain = curve(training.plain_steps(slices, SETTINGS, "cpu", workers=1)(STEPS))
    assert plain[-1] < 0.7 * plain[0]
    np.testing.assert_allclose(ours, plain, rtol=0.08)
