"""Faults of files rather than of geometry: damage by transfers and disks."""

from dataclasses import replace

import numpy as np

from cmrseg.dicom import audit
from cmrseg.phantom.plan import COMPRESSED, TRUNCATED, PlannedSlice, Stack, inner


def _one(stack: Stack, rng: np.random.Generator) -> tuple[Stack, PlannedSlice]:
    (index,) = inner(stack, 1, rng)
    return stack.used(index), stack.at(index)


def _lose(stack: Stack, rng: np.random.Generator, lost: tuple[int, ...]) -> Stack:
    stack, old = _one(stack, rng)
    stack = stack.change(old, frames=tuple(f for f in old.frames if f not in lost))
    for _ in lost:
        stack = stack.expect(audit.MISSING_FRAME, old.file(0))
    return stack


def missing_frames(stack: Stack, rng: np.random.Generator, count: float = 2) -> Stack:
    """The last frames of one slice are missing, two or `count` (three in Kaggle patient 416)."""
    _check_left(stack, count)
    return _lose(stack, rng, tuple(range(stack.frames - int(count), stack.frames)))


def missing_frame_file(stack: Stack, rng: np.random.Generator, count: float = 1) -> Stack:
    """Files in the middle of a slice's frames are missing, one or `count` in a row."""
    _check_left(stack, count)
    first = min(int(rng.integers(1, stack.frames - 1)), stack.frames - 1 - int(count))
    return _lose(stack, rng, tuple(range(first, first + int(count))))


def _check_left(stack: Stack, count: float) -> None:
    if 2 * count > stack.frames:
        raise ValueError(f"{count:g} of {stack.frames} frames lost, expected half of them at most")


def truncated_file(stack: Stack, rng: np.random.Generator) -> Stack:
    """One file ends within its pixels: the subject cannot be imported."""
    stack, old = _one(stack, rng)
    frame = int(rng.integers(stack.frames))
    stack = stack.change(old, damage={frame: TRUNCATED})
    return stack.expect(audit.UNREADABLE, old.file(frame))


def missing_tag(stack: Stack, rng: np.random.Generator) -> Stack:
    """One slice has no ImagePositionPatient: the subject cannot be imported."""
    stack, old = _one(stack, rng)
    stack = stack.change(old, elements={**old.elements, "ImagePositionPatient": None})
    return stack.expect(audit.MISSING_TAG, old.file(0))


def two_patients(stack: Stack, rng: np.random.Generator) -> Stack:
    """One slice is of another patient: the subject cannot be imported."""
    stack, old = _one(stack, rng)
    other = {"PatientID": "9999", "PatientName": "NDSB_9999"}
    stack = stack.change(old, elements={**old.elements, **other})
    return stack.expect(audit.TWO_PATIENTS, old.file(0))


def compressed(stack: Stack, rng: np.random.Generator) -> Stack:
    """The files of one slice are compressed (RLE Lossless): decoded."""
    stack, old = _one(stack, rng)
    stack = stack.change(old, damage=dict.fromkeys(old.frames, COMPRESSED))
    return stack.expect(audit.COMPRESSED, old.file(0))


def not_dicom(stack: Stack, rng: np.random.Generator) -> Stack:
    """A resource fork of macOS, named like an image and not one, lies among the files."""
    stack, old = _one(stack, rng)
    folder, name = old.file(0).split("/")
    path = f"{folder}/._{name}"
    fork = bytes.fromhex("0005160700020000") + b"Mac OS X        " + bytes(2)
    return replace(stack, strays=(*stack.strays, (path, fork))).expect(audit.NOT_DICOM, path)


def empty_folder(stack: Stack, rng: np.random.Generator) -> Stack:
    """A series folder without files."""
    number = max(int(s.folder.split("_")[1]) for s in stack.slices) + 1
    folder = f"sax_{number}"
    return replace(stack, strays=(*stack.strays, (folder, None))).expect(audit.EMPTY_FOLDER, folder)


# Those that end the subject's import.
FATAL = (truncated_file, missing_tag, two_patients)
FAULTS = (missing_frames, missing_frame_file, compressed, not_dicom, empty_folder, *FATAL)
