"""A heart without atria of known volume is drawn as it always was."""

from dataclasses import replace

import numpy as np
import pytest

from cmrseg.phantom.heart import HeartParameters
from cmrseg.phantom.scanner import SCANNERS, acquire, short_axis_planes
from cmrseg.phantom.views import long_axis_views

# Brightness at end-systole in rows 15, 23, 31, 39 and columns 20, 26, 32 of pictures without noise,
# made before hearts could have atria.
BRIGHTNESS = {
    "base": [381.46, 406.93, 38.07, 329.46, 356.15, 380.99, 351.15, 297.75, 401.66, 199.15, 26.99],
    "middle": [398.68, 271.01, 44.41, 156.33, 442.96, 131.31, 268.63, 351.68, 375.05, 127.22],
    "4ch": [266.82, 126.89, 96.29, 316.6, 510.27, 23.62, 370.18, 351.33, 402.41, 384.2, 355.68],
}


@pytest.mark.parametrize("name", BRIGHTNESS)
def test_pictures_have_the_brightness_that_they_had(name):
    parameters = HeartParameters(seed=7)
    stack = short_axis_planes(parameters, 48, 48, 4.5, 10.0, 8.0)
    planes = {"base": stack[0], "middle": stack[4], **long_axis_views(parameters, stack[0])}
    quiet, rng = replace(SCANNERS["1.5T"], noise=0.0), np.random.default_rng(0)
    (image,), _ = acquire(parameters, planes[name], (0.37,), quiet, rng)
    found = image[15:40:8, 20:36:6].ravel()[: len(BRIGHTNESS[name])]
    np.testing.assert_allclose(found, BRIGHTNESS[name], atol=0.1)
