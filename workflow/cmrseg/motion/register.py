"""Registration of two frames of a cine: where what is at a pixel of one lies in the other.

The method is iterative Lucas-Kanade (Le Besnerais and Champagnat 2005,
doi:10.1109/ICIP.2005.1529706) as scikit-image has it: the sum of squared differences in a Gaussian
window around each pixel, coarse to fine. ukbb_cardiac (Bai et al. 2018,
doi:10.1186/s12968-018-0471-x) takes a B-spline with bending energy instead. How far strain is from
that of digital hearts: tests/benchmarks/strain_motion.py.
"""

import numpy as np
from scipy.ndimage import map_coordinates
from skimage.registration import optical_flow_ilk

# Pixel size of the pictures that are registered. Windows were chosen for this one.
PIXEL_MM = 1.8
# Brightness between these percentiles becomes 0...1.
DARKEST, BRIGHTEST = 1, 99
# An edge of a pixel that is averaged over, as a standard deviation in pixels.
AVERAGING = 0.5
# Half the side of the window, unless a user chooses another one; its Gaussian has a standard
# deviation of 5 mm. Smaller windows follow noise, larger ones mix what moves in different ways.
WINDOW_PX = 5
# How often the source is warped at each scale. Frames that follow each other differ little: once is
# too little, more than twice gains nothing.
WARPS = 2


def blur_px(pixels: np.ndarray) -> np.ndarray:
    """Standard deviations by which an image is blurred before it gets pixels of PIXEL_MM, in px.

    pixels: how many of its pixels are one of those, along each axis; coarser images are left sharp.
    """
    return AVERAGING * np.sqrt(np.maximum(pixels**2 - 1, 0))


def register(target: np.ndarray, source: np.ndarray, window_px: int = WINDOW_PX) -> np.ndarray:
    """Displacements (y, x, 2) in px as x and y, from places in the target to those in the source.

    target, source: (y, x) of PIXEL_MM, brightness about 0...1. window_px: half the side of the
    window. The same pictures always give the
    same bytes. Raises ValueError where their shapes differ or values are not finite.
    """
    if target.ndim != 2 or target.shape != source.shape:
        raise ValueError(
            f"target and source must be (y, x) of one shape, got {target.shape} and {source.shape}"
        )
    for name, picture in (("target", target), ("source", source)):
        if not np.isfinite(picture).all():
            raise ValueError(f"the {name} has values that are not finite; repair the images")
    rows_columns = optical_flow_ilk(
        target.astype(np.float64),
        source.astype(np.float64),
        radius=window_px,
        num_warp=WARPS,
        gaussian=True,
        dtype=np.float64,
    )
    return np.stack(rows_columns[::-1], axis=-1)


def moved(points_px: np.ndarray, displacement_px: np.ndarray) -> np.ndarray:
    """Where points (n, 2) of a target, as x and y, lie in its source.

    displacement_px: as of `register`; linear between pixels, beyond the border as on it.
    """
    places = points_px.T[::-1]
    shift = [
        map_coordinates(d, places, order=1, mode="nearest")
        for d in np.moveaxis(displacement_px, -1, 0)
    ]
    return points_px + np.stack(shift, axis=-1)
