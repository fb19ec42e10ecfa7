"""Seeded damage to files: what broken disks, wrong exports and ill will make of them.

Every mutator takes the good content and gives damaged ones by name; the same seed gives the same
damage.
"""

import gzip
import os
import struct
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np

Named = Iterator[tuple[str, bytes]]
# A gzip bomb: a thousand times as long when it is unpacked.
BOMB_BYTES = 2**30 + 2**29


def damaged_bytes(content: bytes, seed: int, each: int = 3) -> Named:
    """What can happen to any file; `each` draws of every kind that is drawn."""
    rng = np.random.default_rng(seed)
    length = len(content)
    yield "empty", b""
    yield "one byte", content[:1]
    yield "zeros", bytes(length)
    yield "ones", b"\xff" * length
    yield "noise", rng.bytes(length)
    yield "line ends of Windows", content.replace(b"\n", b"\r\n")
    yield "line ends lost", content.replace(b"\n", b"")
    yield "byte order mark", b"\xef\xbb\xbf" + content
    yield "two in one", content + content
    yield "a page instead", b"<!DOCTYPE html><html><body>404 Not Found</body></html>"
    yield "a pointer of Git LFS instead", b"version https://git-lfs.github.com/spec/v1\noid sha256:"
    for i in range(each):
        yield f"cut {i}", content[: rng.integers(1, max(length, 2))]
        yield f"beginning lost {i}", content[rng.integers(1, max(length, 2)) :]
        yield f"flipped bits {i}", flipped(content, rng)
        yield f"overwritten bytes {i}", overwritten(content, rng)
        yield f"run of zeros {i}", zero_run(content, rng)
        yield f"chunks swapped {i}", swapped(content, rng)
        yield f"chunk doubled {i}", doubled(content, rng)
        yield f"chunk lost {i}", lost(content, rng)


def flipped(content: bytes, rng: np.random.Generator) -> bytes:
    changed = bytearray(content)
    for place in rng.integers(0, len(content), max(len(content) // 200, 3)):
        changed[place] ^= 1 << int(rng.integers(8))
    return bytes(changed)


def overwritten(content: bytes, rng: np.random.Generator) -> bytes:
    """A few bytes of the first kilobyte, where most formats have their header."""
    changed = bytearray(content)
    for place in rng.integers(0, min(len(content), 1024), 4):
        changed[place] = rng.integers(256)
    return bytes(changed)


def zero_run(content: bytes, rng: np.random.Generator) -> bytes:
    start, stop = _span(content, rng)
    return content[:start] + bytes(stop - start) + content[stop:]


def swapped(content: bytes, rng: np.random.Generator) -> bytes:
    a, b, c = sorted(int(p) for p in rng.integers(0, len(content) + 1, 3))
    return content[:a] + content[b:c] + content[a:b] + content[c:]


def doubled(content: bytes, rng: np.random.Generator) -> bytes:
    start, stop = _span(content, rng)
    return content[:stop] + content[start:stop] + content[stop:]


def lost(content: bytes, rng: np.random.Generator) -> bytes:
    start, stop = _span(content, rng)
    return content[:start] + content[stop:]


def _span(content: bytes, rng: np.random.Generator) -> tuple[int, int]:
    start = int(rng.integers(0, max(len(content) - 1, 1)))
    return start, min(start + int(rng.integers(1, max(len(content) // 4, 2))), len(content))


def damaged_text(text: str, seed: int) -> Named:
    """What editors, spreadsheets and scripts do to text with lines and columns."""
    rng = np.random.default_rng(seed)
    lines = text.splitlines()
    for encoding in ("utf-16", "utf-32", "utf-8-sig"):
        yield f"as {encoding}", text.encode(encoding)
    yield "latin-1 letters", (text + "M\xfcller\n").encode("latin-1")
    yield "a zero byte", text.replace(lines[-1][:1], "\0", 1).encode()
    yield "no last line end", text.rstrip("\n").encode()
    yield "first line alone", (lines[0] + "\n").encode()
    yield "first line twice", "\n".join([lines[0], *lines]).encode()
    yield "first line lost", "\n".join(lines[1:]).encode()
    yield "last line twice", "\n".join([*lines, lines[-1]]).encode()
    yield "blank lines", "\n\n".join(lines).encode()
    yield "lines in another order", "\n".join(rng.permutation(lines)).encode()
    yield "a long line", (text + "x" * 10**6).encode()
    yield "many lines", (text + "\n".join([lines[-1]] * 2000)).encode()
    yield "a quote that does not end", text.replace(lines[-1][:1], '"', 1).encode()
    for old, new in (("\t", ","), ("\t", " "), ("\t", "\t\t"), (",", ";"), (" ", "\t"), (".", ",")):
        if old in text:
            yield f"{old!r} became {new!r}", text.replace(old, new).encode()
    numbers = [word for word in text.replace(",", " ").split() if _is_number(word)]
    for value in ("nan", "inf", "-inf", "-1", "0", "1e308", "1e-308", "9" * 400, "x", "", "1,5"):
        if numbers:
            word = numbers[int(rng.integers(len(numbers)))]
            yield f"{value[:6] or 'nothing'} for a number", text.replace(word, value, 1).encode()


def _is_number(word: str) -> bool:
    try:
        float(word)
    except ValueError:
        return False
    return True


def damaged_places(path: Path) -> Iterator[tuple[str, Callable[[], None]]]:
    """What may stand in the place of a file; each function puts it there."""

    def remove() -> None:
        path.unlink()

    def folder() -> None:
        path.unlink()
        path.mkdir()

    def link(target: str) -> Callable[[], None]:
        def put() -> None:
            path.unlink()
            path.symlink_to(target)

        return put

    def pipe() -> None:
        path.unlink()
        os.mkfifo(path)

    def unreadable() -> None:
        path.chmod(0)

    yield "no file", remove
    yield "a folder in its place", folder
    yield "a link to nowhere", link("nowhere")
    yield "a link to itself", link(path.name)
    yield "a link to its folder", link(".")
    yield "a link to a device", link("/dev/zero")
    yield "a pipe", pipe
    if os.geteuid():  # root may read all
        yield "not readable", unreadable


# -- compressed ------------------------------------------------------------------------------


def zeros_gz(length: int, head: bytes = b"") -> bytes:
    """A gzip file of some bytes and then `length` zeros (whole MiB), without ever holding them."""
    packer, checksum = zlib.compressobj(9, zlib.DEFLATED, -15), zlib.crc32(head)
    begun = packer.compress(head) + packer.flush(zlib.Z_FULL_FLUSH)
    for _ in range(length // 2**20):
        checksum = zlib.crc32(bytes(2**20), checksum)
    end = struct.pack("<II", checksum, (len(head) + length) % 2**32)
    return b"\x1f\x8b\x08\0\0\0\0\0\2\xff" + begun + deflated_zeros(length) + end


def deflated_zeros(length: int) -> bytes:
    """A raw deflate stream of `length` zeros (whole MiB): one block of them, over and over."""
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    block = packer.compress(bytes(2**20)) + packer.flush(zlib.Z_FULL_FLUSH)
    return block * (length // 2**20) + packer.flush()


def zlib_zeros(length: int) -> bytes:
    """A zlib stream of `length` zeros (whole MiB), with their Adler-32."""
    return b"\x78\xda" + deflated_zeros(length) + struct.pack(">I", length % 65521 << 16 | 1)


def png_chunk(kind: bytes, content: bytes) -> bytes:
    """A chunk of a PNG file with its checksum."""
    return (
        struct.pack(">I", len(content))
        + kind
        + content
        + struct.pack(">I", zlib.crc32(kind + content))
    )


def damaged_png(content: bytes) -> Named:
    """Declared sizes, kinds and chunks of a PNG that are none."""

    def header(
        width: int, height: int, bits: int = 8, colour: int = 0, interlace: int = 0
    ) -> bytes:
        values = struct.pack(">IIBBBBB", width, height, bits, colour, 0, 0, interlace)
        return content[:8] + png_chunk(b"IHDR", values) + content[33:]

    yield "65535 x 65535 pixels", header(65535, 65535)
    yield "2147483647 x 1 pixels", header(2**31 - 1, 1)
    yield "12000 x 12000 pixels of 16 bit", header(12000, 12000, 16)
    yield "no pixel", header(0, 0)
    yield "colour type 7", header(10, 12, 8, 7)
    yield "3 bits", header(10, 12, 3)
    yield "interlaced", header(10, 12, 8, 0, 1)
    yield (
        "text bomb",
        content[:33] + png_chunk(b"zTXt", b"Comment\0\0" + zlib_zeros(2**28)) + content[33:],
    )
    yield (
        "picture bomb",
        (
            content[:8]
            + png_chunk(b"IHDR", struct.pack(">IIBBBBB", 30000, 30000, 8, 0, 0, 0, 0))
            + png_chunk(b"IDAT", zlib_zeros(2**28))
            + png_chunk(b"IEND", b"")
        ),
    )
    yield "no end", content[:-12]
    yield "wrong checksum", content[:29] + b"\0\0\0\0" + content[33:]
    for name, start in (("a GIF", b"GIF89a"), ("a TIFF", b"II*\0"), ("a BMP", b"BM")):
        yield name, start + content[len(start) :]


# -- NIfTI -----------------------------------------------------------------------------------

# Name, place in the header of NIfTI-1, format of a value.
NIFTI_FIELDS = {
    "sizeof_hdr": (0, "<i", (0, -1, 540, 2**31 - 1)),
    "dim[0]": (40, "<h", (0, 1, 2, 5, 7, 8, -1, 32767)),
    "dim[1]": (42, "<h", (0, 1, -1, 32767)),
    "dim[4]": (48, "<h", (0, 1, -5, 32767)),
    "datatype": (70, "<h", (0, 1, 128, 1024, 1536, 2304, 32, 12345)),
    "bitpix": (72, "<h", (0, 1, 8, 64, -8)),
    "pixdim[0]": (76, "<f", (0.0, 2.0, float("nan"))),
    "pixdim[1]": (80, "<f", (0.0, -1.5, float("nan"), float("inf"), 3e38, 1e-38)),
    "pixdim[4]": (92, "<f", (0.0, -1.0, float("nan"), float("inf"), 3e38)),
    "vox_offset": (108, "<f", (0.0, 1.0, -352.0, float("nan"), float("inf"), 3e38, 1e6)),
    "scl_slope": (112, "<f", (0.0, float("nan"), float("inf"), 3e38, -1.0)),
    "scl_inter": (116, "<f", (float("nan"), float("inf"), -3e38)),
    "xyzt_units": (123, "<B", (0, 1, 3, 7, 255)),
    "qform_code": (252, "<h", (-1, 99, 32767)),
    "sform_code": (254, "<h", (-1, 0, 99)),
    "srow_x[0]": (280, "<f", (0.0, float("nan"), float("inf"), 3e38, -3e38)),
    "srow_x[3]": (292, "<f", (float("nan"), float("inf"), 3e38)),
    "magic": (344, "<4s", (b"\0\0\0\0", b"ni1\0", b"n+2\0")),
}


def damaged_nifti(content: bytes) -> Named:
    """Fields of a NIfTI-1 header (not compressed) with values that they must not have."""
    for field, (place, kind, values) in NIFTI_FIELDS.items():
        for value in values:
            changed = bytearray(content)
            struct.pack_into(kind, changed, place, value)
            yield f"{field} is {value}", bytes(changed)
    for name, dim, datatype, bits in (
        ("32767 along every axis", (4, 32767, 32767, 32767, 32767, 1, 1, 1), 16, 32),
        ("20000 x 20000 pixels", (4, 20000, 20000, 1, 1, 1, 1, 1), 64, 64),
        ("2 GB of frames", (4, 1024, 1024, 1, 2048, 1, 1, 1), 2, 8),
    ):
        changed = bytearray(content)
        struct.pack_into("<8h", changed, 40, *dim)
        struct.pack_into("<2h", changed, 70, datatype, bits)
        yield name, bytes(changed)
    extended = bytearray(content)
    struct.pack_into("<f", extended, 108, 2.0**31 - 352)
    extended[348:352] = b"\1\0\0\0"
    yield "an extension of 2 GB", bytes(extended[:352]) + struct.pack("<ii", 2**31 - 1024, 6)


def nifti_bomb(content: bytes) -> bytes:
    """A compressed NIfTI that is small and holds 1.5 GB of zeros, as its header says."""
    head = bytearray(content[:352])
    struct.pack_into("<8h", head, 40, 4, 1024, 1024, 1, BOMB_BYTES // 2**20, 1, 1, 1)
    struct.pack_into("<2h", head, 70, 2, 8)
    return zeros_gz(BOMB_BYTES, bytes(head))


def extension_bomb(content: bytes) -> bytes:
    """A compressed NIfTI with an extension of 1.5 GB of zeros."""
    head = bytearray(content[:352])
    struct.pack_into("<f", head, 108, float(352 + BOMB_BYTES))
    head[348:352] = b"\1\0\0\0"
    return zeros_gz(BOMB_BYTES, bytes(head) + struct.pack("<ii", BOMB_BYTES, 6))


def recompressed(content: bytes) -> bytes:
    return gzip.compress(content, 1, mtime=0)
