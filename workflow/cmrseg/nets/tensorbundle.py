"""Variables of a TensorFlow checkpoint (TensorBundle) without TensorFlow.

`<prefix>.index` is a sorted string table in LevelDB's format, from names to messages
`BundleEntryProto`; `<prefix>.data-00000-of-00001` holds the bytes. Formats:
leveldb/doc/table_format.md and tensorflow/core/protobuf/tensor_bundle.proto.

TensorFlow would be a download of 274 MB and an environment of its own for five small files in a
format that no longer changes. Checksums in plain Python take two seconds for the largest of them,
so that neither a compiled package nor a faster way is needed.
"""

import math
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from cmrseg.files import check_plain

MAGIC = 0xDB4775248B80FB57
FOOTER_BYTES = 48
# Behind each block: its compression (0 none) and the checksum of block and compression.
TRAILER_BYTES = 5
DTYPES: dict[int, np.dtype[Any]] = {
    1: np.dtype("<f4"),
    2: np.dtype("<f8"),
    3: np.dtype("<i4"),
    9: np.dtype("<i8"),
}
# Reversed polynomial of CRC-32C, and the constant LevelDB adds to a stored checksum.
CRC_POLYNOMIAL = 0x82F63B78
CRC_MASK = 0xA282EAD8


@dataclass(frozen=True)
class Entry:
    """What an index says of a variable: type, shape, and its bytes in the data.

    offset: of the first byte. size: number of bytes. checksum: their masked CRC-32C.
    """

    dtype: np.dtype[Any]
    shape: tuple[int, ...]
    offset: int
    size: int
    checksum: int


def _crc_table() -> list[int]:
    table = []
    for value in range(256):
        for _ in range(8):
            value = value >> 1 ^ (CRC_POLYNOMIAL if value & 1 else 0)
        table.append(value)
    return table


CRC_TABLE = _crc_table()


def masked_crc32c(data: bytes) -> int:
    """CRC-32C of some bytes, masked as LevelDB and TensorFlow store it."""
    crc = 0xFFFFFFFF
    for byte in data:
        crc = CRC_TABLE[(crc ^ byte) & 0xFF] ^ crc >> 8
    crc ^= 0xFFFFFFFF
    return ((crc >> 15 | crc << 17) + CRC_MASK) & 0xFFFFFFFF


def _varint(data: bytes, position: int) -> tuple[int, int]:
    """Number of variable length at a position, and the position behind it."""
    number = shift = 0
    while True:
        byte = data[position]
        position += 1
        number |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            return number, position


def _block(table: bytes, offset: int, size: int, file: Path) -> Iterator[tuple[bytes, bytes]]:
    """Keys and values of one block; a key is stored as what differs from the one before."""
    end = offset + size
    if end + TRAILER_BYTES > len(table):
        raise ValueError(f"{file}: ends before its block at byte {offset} does; fetch it again")
    if table[end] != 0:
        raise ValueError(f"{file}: compressed block at byte {offset}; TensorFlow writes plain ones")
    stored = int.from_bytes(table[end + 1 : end + TRAILER_BYTES], "little")
    if masked_crc32c(table[offset : end + 1]) != stored:
        raise ValueError(f"{file}: wrong checksum of the block at byte {offset}; fetch it again")
    block = table[offset:end]
    restarts = int.from_bytes(block[-4:], "little")
    position, key = 0, b""
    while position < size - 4 * (restarts + 1):
        shared, position = _varint(block, position)
        fresh, position = _varint(block, position)
        length, position = _varint(block, position)
        key = key[:shared] + block[position : position + fresh]
        position += fresh
        yield key, block[position : position + length]
        position += length


def _fields(message: bytes) -> Iterator[tuple[int, int | bytes]]:
    """Field numbers and values of a protobuf message."""
    position = 0
    while position < len(message):
        tag, position = _varint(message, position)
        if tag & 7 == 0:
            value, position = _varint(message, position)
            yield tag >> 3, value
            continue
        if tag & 7 == 2:
            length, position = _varint(message, position)
        else:
            length = {1: 8, 5: 4}[tag & 7]
        yield tag >> 3, message[position : position + length]
        position += length


def _shape(message: bytes) -> tuple[int, ...]:
    """Shape of a TensorShapeProto: field 2 per axis, in it the size as field 1 (0 if left out)."""
    axes = [axis for field, axis in _fields(message) if field == 2 and isinstance(axis, bytes)]
    return tuple(int(dict(_fields(axis)).get(1, 0)) for axis in axes)


def index_file(prefix: str | Path) -> Path:
    """The file with names, types, shapes and checksums of a checkpoint."""
    return Path(f"{prefix}.index")


def data_file(prefix: str | Path) -> Path:
    """The file with the bytes of all variables of a checkpoint."""
    return Path(f"{prefix}.data-00000-of-00001")


def read_index(index: Path) -> dict[str, Entry]:
    """All variables that an index lists, by name, in its order. The data need not be there.

    Raises ValueError naming the file if it is no string table or damaged, and the variable if
    it has a type other than 32 or 64 bit float or integer, or lies in several files.
    """
    check_plain(index)
    table = index.read_bytes()
    if len(table) < FOOTER_BYTES or int.from_bytes(table[-8:], "little") != MAGIC:
        raise ValueError(f"{index}: not the index of a TensorFlow checkpoint; fetch it again")
    try:
        return _entries(index, table)
    except (IndexError, KeyError, TypeError, UnicodeDecodeError) as error:
        raise ValueError(f"{index}: its entries are damaged ({error!r}); fetch it again") from error


def _entries(index: Path, table: bytes) -> dict[str, Entry]:
    position = len(table) - FOOTER_BYTES
    for _ in range(2):  # offset and size of the block of metadata, which is not needed
        _, position = _varint(table, position)
    offset, position = _varint(table, position)
    size, _ = _varint(table, position)
    entries = {}
    for _, handle in _block(table, offset, size, index):
        start, position = _varint(handle, 0)
        length, _ = _varint(handle, position)
        for key, message in _block(table, start, length, index):
            fields = dict(_fields(message))
            if key:
                entries[key.decode()] = _entry(index, key.decode(), fields)
            elif fields.get(1, 0) != 1 or fields.get(2, 0) != 0:  # the header
                raise ValueError(
                    f"{index}: {fields.get(1, 0)!r} files of data, byte order "
                    f"{fields.get(2, 0)!r}; only checkpoints with one file in little-endian order "
                    "are read"
                )
    return entries


def _entry(index: Path, name: str, fields: dict) -> Entry:
    dtype: np.dtype[Any] | None = DTYPES.get(fields.get(1, 0))
    if dtype is None or fields.get(3, 0) != 0 or 7 in fields:
        raise ValueError(
            f"{index}: {name} has type {fields.get(1, 0)}, shard {fields.get(3, 0)}; "
            "only whole numeric variables in one shard are read"
        )
    shape, size = _shape(fields.get(2, b"")), fields.get(5, 0)
    if size != math.prod(shape) * dtype.itemsize:
        raise ValueError(f"{index}: {name} has {size} bytes, {dtype} {shape} needs others")
    return Entry(dtype, shape, fields.get(4, 0), size, int.from_bytes(fields[6], "little"))


def read_bundle(prefix: str | Path, names: Collection[str] | None = None) -> dict[str, np.ndarray]:
    """Variables of the checkpoint `<prefix>.index`, `<prefix>.data-00000-of-00001`, by name.

    names: which, without them all. Raises ValueError as `read_index` does, and naming file and
    variable if the data are shorter or longer than the index says, or the checksum of a variable
    is wrong.
    """
    entries, file = read_index(index_file(prefix)), data_file(prefix)
    check_plain(file)
    data = file.read_bytes()
    expected = max((entry.offset + entry.size for entry in entries.values()), default=0)
    if len(data) != expected:
        raise ValueError(
            f"{file}: {len(data)} bytes, its index says {expected}; fetch the file again"
        )
    variables = {}
    for name in entries if names is None else names:
        entry = entries[name]
        content = data[entry.offset : entry.offset + entry.size]
        if masked_crc32c(content) != entry.checksum:
            raise ValueError(f"{file}: wrong checksum of {name}; fetch the file again")
        variables[name] = np.frombuffer(content, entry.dtype).reshape(entry.shape)
    return variables
