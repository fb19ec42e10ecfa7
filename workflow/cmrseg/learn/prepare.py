"""The image preparation of a network, shared by training slices and prediction.

A preparation is one of canvas.PREPARATIONS. It converts native images into the square (or
padded) input images of a network, stored as integers so that slices on disk and images at
prediction have the same values: uint8 for `unet` (the 8-bit images of Ankenbrand et al. 2021),
uint16 for `fcn` (Bai et al. 2018) and `minmax` (Hanisah et al. 2026). Images of `zscore` (Bai et
al. 2018, aorta) have no limits, those divided by a largest value (Altunok and Oksuz 2020, MyoPS)
no fixed step; both are float32. Read them with `as_float`.
"""

from collections.abc import Mapping, Sequence

import numpy as np

from cmrseg.canvas import (
    MULTIPLE_PX,
    PREPARATIONS,
    Canvas,
    prediction_canvas,
    training_canvas,
)
from cmrseg.cine import Cine
from cmrseg.label_grids import resize_labels
from cmrseg.labels import Tissue
from cmrseg.learn.heart_window import Heart
from cmrseg.orientation import same_grid

INTENSITIES = ("linear", "greys")
# Preparations that pad or crop images, and do not resize them.
PADDED = tuple(name for name, about in PREPARATIONS.items() if not about.resized)

# matplotlib's reversed "Greys" at inputs 0, 1/8, ..., 1: the grey value curve of the published
# training images, which were saved with that colour map. 256 steps, linear in between, rounded
# down.
GREYS_ANCHORS = (0, 37, 82, 115, 150, 189, 217, 240, 255)
GREYS = np.floor(np.interp(np.arange(256) / 255, np.arange(9) / 8, GREYS_ANCHORS)) / 255

# Percentiles that become 0 and 1 in the FCN's images (Bai et al. 2018).
FCN_PERCENTILES = (1, 99)
# Voxels below this percentile, mostly air, are excluded from mean and standard deviation in zscore.
ZSCORE_PERCENTILE, ZSCORE_EPS = 10, 1e-6


def check_settings(settings: Mapping) -> None:
    """Raise ValueError if a preparation's settings are unknown or inconsistent."""
    if settings["preparation"] not in PREPARATIONS:
        raise ValueError(
            f"preparation {settings['preparation']!r} is unknown, expected one of "
            f"{tuple(PREPARATIONS)}"
        )
    if settings["intensity"] not in INTENSITIES:
        raise ValueError(
            f"intensity {settings['intensity']!r} is unknown, expected one of {INTENSITIES}"
        )
    size, name = settings["size_px"], settings["preparation"]
    resized = PREPARATIONS[name].resized
    if size < 1 or (size % MULTIPLE_PX and not resized):
        raise ValueError(
            f"size_px is {size}, expected a positive number of pixels, "
            f"and for {', '.join(PADDED)} a multiple of {MULTIPLE_PX}"
        )
    if settings["intensity"] != "linear" and not resized:
        raise ValueError(
            f"intensity {settings['intensity']!r} does not exist for preparation {name}, use linear"
        )


def prepare_volumes(
    channels: Sequence[np.ndarray], settings: Mapping, heart: Heart | None = None
) -> tuple[np.ndarray, Canvas]:
    """Prepare the images of a frame, of each channel of a network, for training.

    channels: (z, y, x) each, see `prepare_volume`. heart: around which a window lies, with planes
    (z, y, x) of its channel. Returns (z, [c,] size, size) and the canvas, the channels together
    where they are scaled by one number.
    """
    if PREPARATIONS[settings["preparation"]].windowed:
        centre_px = heart.centre_px if heart else None
        canvas = training_canvas(channels[0].shape[-2:], settings, centre_px)
        images = _windows(channels, canvas, settings)
        if heart is not None and heart.channel is not None:
            images = images[:, None] if images.ndim == 3 else images
            images = np.concatenate([images, place(heart.channel, canvas)[:, None]], axis=1)
        return images, canvas
    prepared = [prepare_volume(volume, settings) for volume in channels]
    return with_channels([images for images, _ in prepared]), prepared[0][1]


def prepare_cines(
    channels: Sequence[np.ndarray],
    settings: Mapping,
    multiple_px: int = MULTIPLE_PX,
    heart: Heart | None = None,
) -> tuple[np.ndarray, Canvas]:
    """Prepare a whole cine, of each channel of a network, for prediction.

    channels: (t, z, y, x) each, see `prepare_cine`. heart: around which a window lies. Returns
    (t, z, [c,] Y, X) and the canvas.
    """
    if PREPARATIONS[settings["preparation"]].windowed:
        planes = [voxels.reshape(-1, *voxels.shape[2:]) for voxels in channels]
        pixels, canvas = prepare_volumes(planes, settings, heart and heart.of_planes())
        return pixels.reshape(*channels[0].shape[:2], *pixels.shape[1:]), canvas
    prepared = [prepare_cine(voxels, settings, multiple_px) for voxels in channels]
    return with_channels([images for images, _ in prepared]), prepared[0][1]


def prepare_volume(volume: np.ndarray, settings: Mapping) -> tuple[np.ndarray, Canvas]:
    """Prepare the images of one frame, or of a whole cine (`zscore`), for training.

    volume: (z, y, x), all slices of the frame, or of all frames. Returns (z, size, size) uint8
    (`unet`), float32 (`zscore`) or uint16 and the canvas. `unet` and `minmax` scale every image by
    its own minimum and maximum, `minmax` before it is cropped or padded; `fcn` takes the
    percentiles over the cropped volume, `zscore` mean and standard deviation, both with padding
    included (Bai et al. 2018, training). Of windows `zscore_window` takes mean and standard
    deviation of whole images, before they are cut out; the others divide by a largest value.
    """
    if PREPARATIONS[settings["preparation"]].windowed:
        return prepare_volumes([volume], settings)
    canvas = training_canvas(volume.shape[-2:], settings)
    if not PREPARATIONS[settings["preparation"]].joint:
        return _prepare_each(volume, canvas, settings), canvas
    return _prepare_all(place(np.asarray(volume, np.float32), canvas), settings), canvas


def prepare_cine(
    voxels: np.ndarray, settings: Mapping, multiple_px: int = MULTIPLE_PX
) -> tuple[np.ndarray, Canvas]:
    """Prepare a whole cine for prediction.

    voxels: (t, z, y, x), left as it is. multiple_px: of which the network takes both sides. Returns
    (t, z, Y, X), of the type that `prepare_volume` gives, and the canvas. `fcn` takes the
    percentiles over the whole cine before padding, as the published deployment does; in training
    they are those of one cropped volume.
    """
    if PREPARATIONS[settings["preparation"]].windowed:
        return prepare_cines([voxels], settings)
    canvas = prediction_canvas(voxels.shape[-2:], settings, multiple_px)
    planes = voxels.reshape(-1, *canvas.native)
    if not PREPARATIONS[settings["preparation"]].joint:
        pixels = _prepare_each(planes, canvas, settings)
    else:
        pixels = place(_prepare_all(planes, settings), canvas)
    return pixels.reshape(*voxels.shape[:2], *canvas.size), canvas


def prepare_labels(labels: np.ndarray, canvas: Canvas) -> np.ndarray:
    """Place label planes (n, y, x) on a canvas, with background outside."""
    return place(resize_labels(labels, canvas.scaled), canvas, fill=Tissue.BACKGROUND)


def with_channels(images: Sequence[np.ndarray]) -> np.ndarray:
    """Prepared images (..., y, x) of each channel as (..., c, y, x), a single one as it is."""
    return images[0] if len(images) == 1 else np.stack(images, axis=-3)


def check_one_grid(channels: Sequence[Cine]) -> None:
    """Raise ValueError if channels have different grids: nothing is resampled."""
    for number, cine in enumerate(channels[1:], 2):
        if len(cine.voxels) != len(channels[0].voxels) or not same_grid(cine, channels[0]):
            raise ValueError(
                f"channel {number} {cine.voxels.shape} (t, z, y, x) lies on another grid than the "
                f"first one {channels[0].voxels.shape}; register and resample it to that one"
            )


def as_float(pixels: np.ndarray) -> np.ndarray:
    """Prepared integer images as float32 in 0...1; same shape. Others are float32 already."""
    if pixels.dtype.kind == "f":
        return pixels
    return pixels.astype(np.float32) / np.float32(np.iinfo(pixels.dtype).max)


def place(planes: np.ndarray, canvas: Canvas, fill: float = 0) -> np.ndarray:
    """Put scaled planes (n, y, x) on the canvas, cropping and filling where they do not match."""
    if canvas.size == canvas.scaled:
        return planes
    result = np.full((len(planes), *canvas.size), fill, planes.dtype)
    source, target = canvas.overlap
    result[:, *target] = planes[:, *source]
    return result


def _prepare_each(planes: np.ndarray, canvas: Canvas, settings: Mapping) -> np.ndarray:
    # One plane at a time: those of a whole cine would not fit any cache.
    dtype = PREPARATIONS[settings["preparation"]].dtype
    pixels = np.empty((len(planes), *canvas.scaled), dtype)
    for plane, result in zip(planes, pixels, strict=True):
        image = plane.astype(np.float32)
        low = image.min()
        span = image.max() - low
        scaled = (image - low) / (span if span > 0 else np.float32(1))
        if settings["intensity"] == "greys":
            steps = np.minimum((scaled * 256).astype(np.intp), 255)
            # A constant image has no contrast to stretch; the curve keeps 0 at 0.
            scaled = GREYS.astype(np.float32)[steps]
        result[:] = _to_integers(_resize(scaled, canvas), dtype)
    return place(pixels, canvas)


def _windows(channels: Sequence[np.ndarray], canvas: Canvas, settings: Mapping) -> np.ndarray:
    """Windows (n, [c,] Y, X) of planes (n, y, x).

    Each is divided by a largest value, or the planes of a channel are scaled before (moments).
    """
    if PREPARATIONS[settings["preparation"]].scaled_by == "moments":
        return with_channels([place(zscore(planes), canvas) for planes in channels])
    together = PREPARATIONS[settings["preparation"]].together
    pixels = np.empty((len(channels[0]), len(channels), *canvas.size), np.float32)
    for result, *planes in zip(pixels, *channels, strict=True):
        # In 64 bits, as the program of MyoPS divides; it then rounds to 32, too.
        images = place(np.stack(planes).astype(np.float64), canvas)
        highest = images.max(axis=None if together else (1, 2), keepdims=True)
        result[:] = images / np.where(highest > 0, highest, 1)
    return with_channels(list(pixels.swapaxes(0, 1)))


def _prepare_all(planes: np.ndarray, settings: Mapping) -> np.ndarray:
    """Planes scaled by all of them together."""
    by_moments = PREPARATIONS[settings["preparation"]].scaled_by == "moments"
    return zscore(planes) if by_moments else _prepare_fcn(planes)


def zscore(planes: np.ndarray) -> np.ndarray:
    """Planes (n, y, x) as float32 with mean 0 and standard deviation 1 of what is no air."""
    images = np.asarray(planes, np.float32)
    body = images[images >= np.percentile(images, ZSCORE_PERCENTILE)].astype(np.float64)
    return ((images - body.mean()) / (body.std() + ZSCORE_EPS)).astype(np.float32)


def _prepare_fcn(planes: np.ndarray) -> np.ndarray:
    # As 64-bit numbers of one plane at a time: those of a whole cine would not fit any cache.
    low, high = percentiles(planes)
    pixels = np.zeros(planes.shape, np.uint16)
    if high > low:
        for plane, result in zip(planes, pixels, strict=True):
            clipped = np.clip(plane.astype(np.float32), low, high)
            scaled = (clipped - np.float32(low)) / np.float32(high - low)
            result[:] = _to_integers(scaled, np.uint16)
    return pixels


def percentiles(images: np.ndarray) -> list[np.float64]:
    """`np.percentile(images.astype(np.float32), FCN_PERCENTILES)`, to the bit, by one fast sort."""
    if images.dtype.kind not in "iu" or images.dtype.itemsize > 2:
        images = np.asarray(images, np.float32)
    ordered = np.sort(images, axis=None)
    found = []
    for percent in FCN_PERCENTILES:
        lower, upper, share = neighbours(ordered.size, percent)
        below, above = ordered[[lower, upper]].astype(np.float32)
        span = above - below
        found.append(below + span * share if share < 0.5 else above - span * (1 - share))
    return found


def neighbours(count: int, percent: float) -> tuple[int, int, np.float64]:
    """Places of the two of `count` ordered values around a percentile; how far it is between."""
    place = (count - 1) * (np.float64(percent) / 100)
    lower = int(place)
    return lower, min(lower + 1, count - 1), place - lower


def _to_integers(images: np.ndarray, dtype: type[np.unsignedinteger]) -> np.ndarray:
    maximum = np.iinfo(dtype).max
    return np.rint(np.clip(images, 0, 1) * np.float32(maximum)).astype(dtype)


def _resize(plane: np.ndarray, canvas: Canvas) -> np.ndarray:
    """Bilinear, without smoothing before: output pixel i reads input (i + 0.5) n/m - 0.5.

    Pixels are squares that keep the same outer edges; beyond the outer centres the edge pixel
    counts. Halving is then the mean of 2 x 2 pixels. torch calls it `align_corners=False`.
    """
    for axis, (native, scaled) in enumerate(zip(canvas.native, canvas.scaled, strict=True)):
        if native == scaled:
            continue
        position = np.clip((np.arange(scaled) + 0.5) * native / scaled - 0.5, 0, native - 1)
        low = np.minimum(position.astype(np.intp), max(native - 2, 0))
        shape = (-1, 1) if axis == 0 else (-1,)
        weight = (position - low).astype(np.float32).reshape(shape)
        high = np.minimum(low + 1, native - 1)
        plane = plane.take(low, axis) * (1 - weight) + plane.take(high, axis) * weight
    return plane
