"""Reference numbers of the original program for tagging: weights, inputs, expected outputs."""

from pathlib import Path

import h5py
import numpy as np
import pytest
import torch

# Widths of the oracle's networks.
BOX = {"full": (32, 128, 1024), "narrow": (4, 8, 32)}
RING = {"full": ((32, 64, 64, 128), 1024), "narrow": ((4, 8, 8, 8), 32)}


def oracle_folder(data: Path) -> Path:
    """The folder of the reference numbers."""
    folder = data / "tagging_oracle"
    if not folder.is_dir():
        pytest.skip(f"no reference numbers of the tagging networks at {folder}")
    return folder


def example(data: Path) -> dict[str, np.ndarray]:
    """The one row of the published example, by the names of its file."""
    path = data / "tagging" / "train_example.h5"
    if not path.is_file():
        pytest.skip(f"no example of the tagging networks at {path}")
    with h5py.File(path) as file:
        return {name: file[name][0] for name in file}


def random_inputs() -> tuple[np.ndarray, np.ndarray]:
    """The oracle's random images: (2, 256, 256) frames, (1, 20, 128, 128) a window."""
    state = np.random.RandomState(11)
    frames = state.randint(0, 144, size=(2, 256, 256)).astype(np.float32)
    return frames, state.randint(-6, 98, size=(1, 20, 128, 128)).astype(np.float32)


def box_images(data: Path) -> torch.Tensor:
    """`batch3`: the first frame of the example, and the two random ones, (3, 1, 256, 256)."""
    first = example(data)["image_seqs"][0].astype(np.float32)
    return torch.from_numpy(np.stack([first, *random_inputs()[0]])[:, None])


def ring_windows(data: Path) -> torch.Tensor:
    """The window of the example, and the random one, (2, 20, 128, 128)."""
    first = example(data)["cropped_image_seqs"].astype(np.float32)
    return torch.from_numpy(np.concatenate([first[None], random_inputs()[1]]))


def ours(points: np.ndarray) -> torch.Tensor:
    """Published points (..., 2, p), x before y, as (..., p, 2), y before x."""
    return torch.from_numpy(np.ascontiguousarray(np.swapaxes(points, -1, -2)[..., ::-1]))


def our_boxes(boxes: np.ndarray) -> torch.Tensor:
    """Published boxes (n, 4), x1, y1, x2, y2, as (n, 1, 2, 2)."""
    corners = np.ascontiguousarray(boxes.reshape(-1, 1, 2, 2)[..., ::-1])
    return torch.from_numpy(corners)
