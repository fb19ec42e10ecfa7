"""Weights as safetensors files: never pickles, always the same bytes."""

from collections.abc import Mapping
from pathlib import Path

import safetensors
import torch
from safetensors.torch import load_file, save

from cmrseg.files import check_plain, replacing


def save_weights(weights: Mapping[str, torch.Tensor], path: str | Path) -> None:
    """Write a state dict as safetensors; the same weights always give the same bytes."""
    with replacing(path) as temporary:
        # Not save_file, whose files only their owner can read.
        temporary.write_bytes(save(on_cpu(weights)))


def load_weights(path: str | Path) -> dict[str, torch.Tensor]:
    """Read a state dict. Raises ValueError naming an invalid safetensors file."""
    check_plain(path)
    try:
        return load_file(path)
    except safetensors.SafetensorError as error:
        raise ValueError(f"{path}: not a readable safetensors file ({error})") from error


def on_cpu(tensors: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """On the CPU, in rows: what safetensors stores. Copies, so that none share memory."""
    return {
        name: value.detach().to("cpu", copy=True).contiguous() for name, value in tensors.items()
    }
