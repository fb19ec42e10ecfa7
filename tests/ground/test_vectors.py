"""Products of vectors."""

import numpy as np

from cmrseg.vectors import dot, length, unit


def test_a_scalar_product_adds_up_the_last_axis():
    points = np.arange(12.0).reshape(2, 2, 3)
    assert dot(points, np.array([1, 10, 100])).tolist() == [[210, 543], [876, 1209]]


def test_a_vector_of_three_four_and_twelve_is_thirteen_long():
    assert length((3, 4, 12)) == 13
    assert unit((0, 0, 2)).tolist() == [0, 0, 1]
