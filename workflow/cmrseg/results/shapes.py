"""What a file of weights says of itself, without loading them."""

from pathlib import Path

import safetensors


def shapes_in(path: str | Path) -> dict[str, tuple[int, ...]]:
    """Shape of each array of a safetensors file, by name."""
    with safetensors.safe_open(path, "np") as weights:
        return {name: tuple(weights.get_slice(name).get_shape()) for name in weights.keys()}  # noqa: SIM118
