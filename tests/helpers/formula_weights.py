"""Weights of the reference numbers: values that follow from a variable's name, see SOURCE.md."""

import json
import zlib
from pathlib import Path

import numpy as np


def formula_weights(manifest: Path) -> dict[str, np.ndarray]:
    """All variables of a network that a manifest lists, by name, float32."""
    told = json.loads(manifest.read_text("utf-8"))
    return {variable[0]: _weight(*variable, told["seed"]) for variable in told["variables"]}


def _weight(name, shape, kind, a, b, seed) -> np.ndarray:
    if kind == "values":
        return np.array(a, np.float32).reshape(shape)
    state = np.random.RandomState((zlib.crc32(name.encode("ascii")) + seed) % 2**32)
    drawn = state.standard_normal(tuple(shape))
    return (a + b * drawn if kind == "normal" else a * np.exp(b * drawn)).astype(np.float32)
