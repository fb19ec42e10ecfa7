"""Shapes whose contours are known."""

import numpy as np


def disc(shape, centre, radius):
    """Where a disc is: centre (y, x)."""
    y, x = np.mgrid[: shape[0], : shape[1]]
    return (y - centre[0]) ** 2 + (x - centre[1]) ** 2 <= radius**2


def ring(shape=(40, 50), centre=(18, 27), inner=7, outer=11):
    """Labels of a disc of 1 in a wall of 2."""
    labels = np.zeros(shape, np.uint8)
    labels[disc(shape, centre, outer)] = 2
    labels[disc(shape, centre, inner)] = 1
    return labels


def square(left, top, right, bottom):
    """Corners, (4, 2) as x and y."""
    return np.array([[left, top], [right, top], [right, bottom], [left, bottom]], float)
