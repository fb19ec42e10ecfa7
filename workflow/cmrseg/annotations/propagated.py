"""Labels that an annotator drew in some frames, carried to all frames of the cines of a shard."""

import logging
from pathlib import Path

import numpy as np
from scipy.ndimage import gaussian_filter, map_coordinates

from cmrseg.annotations.propagate import Motion, propagate
from cmrseg.cine import Cine
from cmrseg.labels import UNLABELLED
from cmrseg.motion.register import BRIGHTEST, DARKEST, PIXEL_MM, blur_px, register
from cmrseg.sequences import image_path
from cmrseg.shards import folders_with

logger = logging.getLogger(__name__)


def propagate_shard(images: Path, drawn: Path, labels: Path, sequence: str) -> None:
    """Write `<labels>/<subject>/<sequence>.nii.gz` for every subject that has labels.

    images, drawn: folders with `<subject>/<sequence>.nii.gz`, the cine and the annotator's labels.
    labels: existing folder to fill. Raises ValueError naming a subject whose labels cannot be
    carried.
    """
    cines = folders_with([images], sequence)
    for subject, folder in folders_with([drawn], sequence).items():
        cine = Cine.load(image_path(cines[subject], sequence))
        told = Cine.load(image_path(folder, sequence)).voxels
        try:
            found = propagated(told, cine)
        except ValueError as error:
            raise ValueError(f"subject {subject}: {error}") from error
        before, after = (
            int((each != UNLABELLED).any(axis=(1, 2, 3)).sum()) for each in (told, found)
        )
        logger.info("subject %s: labels of %d frames carried to %d", subject, before, after)
        (labels / subject).mkdir()
        cine.like(found).save(image_path(labels / subject, sequence))


def propagated(labels: np.ndarray, cine: Cine) -> np.ndarray:
    """Labels (t, z, y, x) uint8 of all frames of slices that have labels in some, see `propagate`.

    Raises ValueError as `propagate`, and for images that are not finite.
    """
    if not np.isfinite(cine.voxels).all():
        raise ValueError("the cine has values that are not finite; repair the images")
    return propagate(labels, _bright(cine.voxels), motion(cine.spacing_mm[1:]))


def motion(spacing_mm: tuple[float, float]) -> Motion:
    """Registration of images (y, x) with pixels of some size along y and x, on PIXEL_MM.

    The images have the brightness of `register`.
    """
    scale = PIXEL_MM / np.array(spacing_mm, np.float64)[:, None, None]
    blur = blur_px(scale.ravel())

    def places(target: np.ndarray, source: np.ndarray) -> np.ndarray:
        pixels = np.indices(target.shape, np.float64)
        shape = np.ceil((np.array(target.shape) - 1) / scale.ravel()).astype(int) + 1
        grid = np.indices(shape.tolist()) * scale
        pictures = [
            map_coordinates(
                gaussian_filter(image.astype(np.float64), blur), grid, order=1, mode="nearest"
            )
            for image in (target, source)
        ]
        shift = np.moveaxis(register(*pictures), -1, 0)[::-1] * scale
        return pixels + np.stack(
            [map_coordinates(axis, pixels / scale, order=1, mode="nearest") for axis in shift]
        )

    return places


def _bright(voxels: np.ndarray) -> np.ndarray:
    """Images (t, z, y, x) with brightness 0...1; a slice of one brightness is 0."""
    dark, bright = np.percentile(voxels, (DARKEST, BRIGHTEST), axis=(0, 2, 3), keepdims=True)
    return np.clip((voxels - dark) / np.where(bright > dark, bright - dark, 1), 0, 1)
