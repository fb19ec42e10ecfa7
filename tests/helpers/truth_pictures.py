"""Pictures of the digital heart that are its label maps: exact geometry at no cost."""

from functools import cache

import numpy as np

from cmrseg.phantom.heart import Heart


@cache
def heart_of(parameters):
    return Heart(parameters)


def truth_itself(parameters, plane, phases, settings, rng, shift_mm=(0, 0, 0)):
    """In the place of `scanner.acquire`: the truth at the pixel centres, as images and labels."""
    points = plane.points_mm(slice(0, plane.rows), slice(0, plane.columns))[0] - shift_mm
    labels = np.stack([heart_of(parameters).tissue(points, phase) for phase in phases])
    return labels * np.float32(100), labels
