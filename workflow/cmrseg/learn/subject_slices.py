"""The images and labels of a subject as training slices, frame after frame."""

import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from cmrseg.canvas import PREPARATIONS, Canvas
from cmrseg.cine import Cine
from cmrseg.known import known_tissues
from cmrseg.labels import UNLABELLED, Target, Tissue, in_order, values_of
from cmrseg.learn.heart_window import Heart, find_heart
from cmrseg.learn.prepare import check_one_grid, prepare_labels, prepare_volumes
from cmrseg.sequences import labelled_sequence

logger = logging.getLogger(__name__)

# Images (n, [c,] S, S) and labels (n, S, S) of a frame, what the index says of each, and whether
# any of the labels are background on the native grid.
Frame = tuple[np.ndarray, np.ndarray, list[tuple[int, ...]], bool]


def counted_tissues(settings: Mapping[str, Any]) -> tuple[Tissue, ...]:
    """The tissues whose pixels are in the index."""
    return in_order((Tissue.LV, Tissue.MYO, *Target.of(settings["tissues"]).members))


def by_cine(settings: Mapping) -> bool:
    """Whether all frames of a cine are written together."""
    preparation = PREPARATIONS[settings["preparation"]]
    # Windows are of networks that see single frames.
    return preparation.scaled_by == "moments" and not preparation.windowed


def subject_slices(
    subject: str,
    image_paths: Sequence[str | Path],
    label_path: str | Path,
    settings: Mapping,
    coarse_path: str | Path | None = None,
) -> Iterator[Frame]:
    """Each frame with a slice to write: images, labels, places, background, see `Frame`.

    A place is (slice, frame, pixels of each of `counted_tissues`, whole), and of preparations by
    cine `drawn`; see slices.make_slices. coarse_path: label map of the settings' coarse model.
    """
    shown = labelled_sequence(settings["sequence"]).tissues
    labels = _read_labels(subject, label_path, shown)
    cines = _read_channels(subject, image_paths, label_path, labels.shape)
    coarse = Cine.load(coarse_path) if coarse_path else None
    try:
        heart = find_heart(coarse, cines[0], settings, f"subject {subject}")
    except ValueError as error:
        raise ValueError(f"subject {subject}: {error}") from error
    tissues = known_tissues(labels, shown)
    whole = tissues[..., Tissue.LV].all(axis=1).astype(int)
    told = [Tissue.BACKGROUND, *Target.of(settings["tissues"]).members, UNLABELLED]
    counted, cut = counted_tissues(settings), []
    drawn = _labelled(labels, tissues)
    written = drawn
    if by_cine(settings):
        labels = np.where(drawn[..., None, None], labels.astype(np.uint8), UNLABELLED)
        written = np.broadcast_to(drawn.any(axis=0), drawn.shape)
    prepare = _preparation([cine.voxels for cine in cines], settings, heart)
    for t, chosen in enumerate(written):
        slices = np.flatnonzero(chosen)
        if not len(slices):
            continue
        frame = labels[t, slices]
        planes, canvas = prepare(t, slices)
        pixels = np.stack([(frame == tissue).sum(axis=(1, 2)) for tissue in counted], axis=1)
        targets = np.where(np.isin(frame, told), frame, Tissue.BACKGROUND).astype(np.uint8)
        counts = zip(slices.tolist(), pixels.tolist(), strict=True)
        places: list[tuple[int, ...]] = [(z, t, *each, int(whole[t])) for z, each in counts]
        if by_cine(settings):
            places = [(*place, int(drawn[t, place[0]])) for place in places]
        background = bool((targets == Tissue.BACKGROUND).any())
        placed = prepare_labels(targets, canvas)
        if not PREPARATIONS[settings["preparation"]].resized:
            lost = _tissue_pixels(placed) < _tissue_pixels(targets)
            cut += [f"{t + 1}/{z + 1}" for z in slices[lost].tolist()]
        yield planes, placed, places, background
    if cut:
        logger.warning(
            "subject %s: size_px %d cuts off labels of %d images; frame/slice from 1: %s%s",
            *(subject, settings["size_px"], len(cut), ", ".join(cut[:10])),
            ", ..." if len(cut) > 10 else "",
        )


def _preparation(
    channels: Sequence[np.ndarray], settings: Mapping, heart: Heart | None
) -> Callable[[int, np.ndarray], tuple[np.ndarray, Canvas]]:
    """Gives the images (n, [c,] S, S) of some slices of a frame, and their canvas."""

    if PREPARATIONS[settings["preparation"]].scaled_by == "moments":
        planes = [voxels.reshape(-1, *voxels.shape[2:]) for voxels in channels]
        images, canvas = prepare_volumes(planes, settings, heart and heart.of_planes())
        images = images.reshape(*channels[0].shape[:2], *images.shape[1:])
        return lambda t, slices: (images[t, slices], canvas)
    if not PREPARATIONS[settings["preparation"]].joint:
        return lambda t, slices: prepare_volumes(
            [v[t, slices] for v in channels], settings, heart and heart.of_planes(t, slices)
        )

    def jointly(t: int, slices: np.ndarray) -> tuple[np.ndarray, Canvas]:
        # What scales by all slices of the frame needs those without a label, too.
        images, canvas = prepare_volumes([voxels[t] for voxels in channels], settings)
        return images[slices], canvas

    return jointly


def _read_labels(subject: str, path: str | Path, shown: tuple[Tissue, ...]) -> np.ndarray:
    labels = Cine.load(path).voxels
    if not np.issubdtype(labels.dtype, np.integer):
        raise ValueError(
            f"subject {subject}: labels in {path} are {labels.dtype}, expected an integer type"
        )
    # Before labels become uint8, which would make 255 of -1.
    known = values_of(shown)
    unknown = np.setdiff1d(np.unique(labels), [*known, UNLABELLED])
    if unknown.size:
        raise ValueError(
            f"subject {subject}: labels in {path} have the values {unknown[:5].tolist()}, expected "
            f"{known}, or {UNLABELLED} where nothing is labelled; correct the labels"
        )
    return labels


def _labelled(labels: np.ndarray, known: np.ndarray) -> np.ndarray:
    """(t, z): does the plane teach anything? known: of `known_tissues`."""
    empty = (labels == Tissue.BACKGROUND).all(axis=(2, 3))
    return (labels != UNLABELLED).any(axis=(2, 3)) & ~(empty & ~known[..., Tissue.MYO])


def _read_channels(
    subject: str, paths: Sequence[str | Path], label_path: str | Path, shape: tuple[int, ...]
) -> list[Cine]:
    """Images (t, z, y, x) of each channel, all on the grid of the first one."""
    cines = [Cine.load(path) for path in paths]
    for path, cine in zip(paths, cines, strict=True):
        if cine.voxels.shape != shape:
            raise ValueError(
                f"subject {subject}: image {path} has shape {cine.voxels.shape}, labels "
                f"{label_path} {shape} (t, z, y, x), expected the same; label this image again"
            )
        if not np.isfinite(cine.voxels).all():
            raise ValueError(
                f"subject {subject}: image {path} has values that are not finite; "
                "repair or leave out the subject"
            )
    try:
        check_one_grid(cines)
    except ValueError as error:
        raise ValueError(f"subject {subject}: {', '.join(map(str, paths))}: {error}") from error
    return cines


def _tissue_pixels(labels: np.ndarray) -> np.ndarray:
    """(n,) pixels of any tissue in planes (n, y, x)."""
    return ((labels != Tissue.BACKGROUND) & (labels != UNLABELLED)).sum(axis=(1, 2))
