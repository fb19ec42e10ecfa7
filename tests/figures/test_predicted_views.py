"""What a model makes of views and of still images, as a figure."""

import numpy as np
import pytest

from cmrseg.figures.predicted_views import PredictedView, figure
from cmrseg.labels import COLOURS, Tissue
from cmrseg.measure.volumes import volume_curves
from cmrseg.sequences import SEQUENCES, channels_of

GRID = np.diag([2.0, 2.0, 10.0, 1.0])


def texts(drawn):
    found = [text.get_text() for axes in drawn.axes for text in axes.texts]
    titles = [axes.get_title(place) for axes in drawn.axes for place in ("left", "center")]
    return "\n".join([*found, *titles])


def subject(labels, sequence, images=1):
    curve = volume_curves(labels, (10, 2, 2), "p01", None, SEQUENCES[sequence])
    rng = np.random.default_rng(0)
    pictures = [rng.random(labels.shape) for _ in range(images)]
    return PredictedView("p01", pictures, labels, GRID, curve)


def view():
    """A left atrium of 100, 0 (missed), 150 and 50 pixels of 4 mm2."""
    labels = np.zeros((4, 1, 40, 40), np.uint8)
    for frame, rows in enumerate((10, 0, 15, 5)):
        labels[frame, 0, 5 : 5 + rows, 10:20] = Tissue.LA
    return labels


def test_a_view_shows_its_largest_and_smallest_atrium_and_the_areas():
    drawn = figure([subject(view(), "la_4ch")], channels_of("la_4ch"), "net")
    told = texts(drawn).split("\n")
    assert "Frame 3, largest left atrium" in told
    # a frame in which it was missed is none with a small one
    assert "Frame 4, smallest left atrium" in told
    (curve,) = [line for axes in drawn.axes for line in axes.lines if len(line.get_xdata()) == 4]
    assert curve.get_color() == COLOURS[Tissue.LA]
    assert list(curve.get_ydata()) == pytest.approx([4, 0, 6, 2])
    assert "Area (cm²)" in [axes.get_ylabel() for axes in drawn.axes]


def test_still_images_have_a_row_for_each_sequence_and_the_share_of_the_wall():
    labels = np.zeros((1, 3, 40, 40), np.uint8)
    labels[0, 1, 10:20, 10:20], labels[0, 1, 12:14, 10:20] = Tissue.MYO, Tissue.SCAR
    drawn = figure([subject(labels, "c0", 3)], channels_of("c0,de,t2"), "net")
    told = texts(drawn).split("\n")
    # one slice has labels
    assert [line for line in told if "slice" in line] == [
        *("bSSFP, slice 2", "LGE, slice 2", "T2, slice 2")
    ]
    # 20 of 100 pixels of 0.04 ml
    assert "scar 0.8 ml (20 % of the wall)" in told
    assert "oedema 0.0 ml (0 % of the wall)" in told


def test_labels_of_nothing_are_pictures_without_contours():
    empty = np.zeros((1, 2, 20, 20), np.uint8)
    told = texts(figure([subject(empty, "de")], channels_of("de"), "net"))
    assert "LGE, slice 1" in told
    assert "%" not in told
    nothing = texts(figure([subject(view() * 0, "la_4ch")], channels_of("la_4ch"), "net"))
    assert "largest" not in nothing
    with pytest.raises(ValueError, match="figure prediction: no subject"):
        figure([], channels_of("de"), "net")
