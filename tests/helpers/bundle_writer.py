"""Writes TensorFlow checkpoints (index and data) for the tests of their reader."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from cmrseg.nets.published import model_variables
from cmrseg.nets.tensorbundle import MAGIC, masked_crc32c

DTYPES = {"float32": 1, "float64": 2, "int32": 3, "int64": 9}
# Names in a block before the next begins; TensorFlow fills blocks up to a size.
NAMES_PER_BLOCK = 50
# What the published checkpoints hold beside the network: two averages of Adam for each variable
# that it trained, two counters, and of the joint training of the U-Net its number of steps.
SLOTS, COUNTERS, STEP = ("/Adam", "/Adam_1"), ("beta1_power", "beta2_power"), "Variable"
# Statistics of batch norms, and an output that is idle in the joint training.
UNTRAINED, IDLE = ("/moving_mean", "/moving_variance"), "UNet/conv_out/"


def checkpoint_variables(weights: Mapping[str, Any]) -> dict[str, tuple[str, tuple[int, ...]]]:
    """Type and shape of everything that a published checkpoint holds, by name."""
    model = model_variables(weights)
    trained = {
        name: shape
        for name, shape in model.items()
        if not name.endswith(UNTRAINED) and not name.startswith(IDLE)
    }
    shapes = model | {name + end: shape for name, shape in trained.items() for end in SLOTS}
    found = {name: ("float32", shape) for name, shape in shapes.items()}
    found |= dict.fromkeys(COUNTERS, ("float32", ()))
    if weights["network"] == "unet_lstm":
        found[STEP] = ("int32", ())
    return found


def random_checkpoint(
    prefix: Path, weights: Mapping[str, Any], **changes: np.ndarray | None
) -> dict[str, np.ndarray]:
    """Write a checkpoint of random values; `changes` replace variables, None leaves one out."""
    rng = np.random.default_rng(1)
    variables = {
        name: rng.normal(size=shape).astype(dtype)
        for name, (dtype, shape) in checkpoint_variables(weights).items()
    }
    for name in [name for name in variables if name.endswith("moving_variance")]:
        variables[name] = abs(variables[name])
    variables = {k: v for k, v in (variables | changes).items() if v is not None}
    write_bundle(prefix, variables)
    return variables


def write_bundle(
    prefix: Path, variables: Mapping[str, np.ndarray], header: bytes = b"\x08\x01"
) -> None:
    """Write `<prefix>.index` and `<prefix>.data-00000-of-00001`.

    header: message of the empty name; by default one file of data, little-endian.
    """
    entries, data = [(b"", header)], b""
    for name in sorted(variables):
        value = variables[name]
        content = value.tobytes()
        entries.append((name.encode(), _entry(value, len(data), content)))
        data += content
    table, handles = b"", []
    for first in range(0, len(entries), NAMES_PER_BLOCK):
        part = entries[first : first + NAMES_PER_BLOCK]
        block = _block(part)
        handles.append((part[-1][0], _varint(len(table)) + _varint(len(block) - 5)))
        table += block
    index = _block(handles)
    footer = _varint(0) + _varint(0) + _varint(len(table)) + _varint(len(index) - 5)
    Path(f"{prefix}.index").write_bytes(
        table + index + footer.ljust(40, b"\0") + MAGIC.to_bytes(8, "little")
    )
    Path(f"{prefix}.data-00000-of-00001").write_bytes(data)


def _entry(value: np.ndarray, offset: int, content: bytes) -> bytes:
    """A BundleEntryProto; fields that are 0 are left out, as protobuf does."""
    axes = b"".join(_field(2, _number(1, size)) for size in value.shape)
    return (
        _number(1, DTYPES[value.dtype.name])
        + _field(2, axes)
        + _number(4, offset)
        + _number(5, len(content))
        + bytes([6 << 3 | 5])
        + masked_crc32c(content).to_bytes(4, "little")
    )


def _block(entries: list[tuple[bytes, bytes]]) -> bytes:
    """A plain block with its trailer; each key leaves out what it shares with the one before."""
    content, before = b"", b""
    for key, value in entries:
        shared = next(
            (i for i, (a, b) in enumerate(zip(key, before, strict=False)) if a != b),
            min(len(key), len(before)),
        )
        content += _varint(shared) + _varint(len(key) - shared) + _varint(len(value))
        content += key[shared:] + value
        before = key
    content += (0).to_bytes(4, "little") + (1).to_bytes(4, "little") + b"\0"
    return content + masked_crc32c(content).to_bytes(4, "little")


def _number(field: int, value: int) -> bytes:
    return _varint(field << 3) + _varint(value) if value else b""


def _field(field: int, content: bytes) -> bytes:
    return _varint(field << 3 | 2) + _varint(len(content)) + content


def _varint(number: int) -> bytes:
    parts = []
    while number > 0x7F:
        parts.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes([*parts, number])
