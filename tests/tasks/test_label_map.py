"""Label maps on the grid of the images from what a network says on its canvas."""

import pytest
import torch

from cmrseg.canvas import Canvas, prediction_canvas, training_canvas
from cmrseg.labels import Target
from cmrseg.tasks.build import TASKS, task_of
from cmrseg.tasks.label_map import LabelMap
from cmrseg.tasks.reading import READINGS, reading_of
from cmrseg.tasks.segment import Segmentation

UNET = {"preparation": "unet", "size_px": 2, "intensity": "linear", "tissues": "lv,my"}
FCN = UNET | {"preparation": "fcn", "size_px": 16}
LV = LabelMap(Target.of("lv"))


def test_padding_is_cut_off():
    logits = torch.zeros(1, 2, 16, 16)
    logits[0, 1, 6, 5] = 1
    labels = LV.result(logits, Canvas((10, 12), (10, 12), (16, 16), (3, 2)))
    assert labels.dtype == torch.uint8
    assert labels.shape == (1, 10, 12)
    assert labels.nonzero().tolist() == [[0, 3, 3]]


def test_probabilities_are_interpolated_before_the_largest_wins():
    # One bright column of two between two grey ones, halved: the outline falls between pixels.
    canvas = prediction_canvas((4, 4), UNET)
    logits = torch.tensor([[[0.0, 0.0], [0.0, 0.0]], [[4.0, -1.0], [4.0, -1.0]]])[None]
    shares = logits.softmax(1)[0, 1, 0]
    columns = [
        shares[0],
        0.75 * shares[0] + 0.25 * shares[1],
        0.25 * shares[0] + 0.75 * shares[1],
        shares[1],
    ]
    expected = [int(share > 0.5) for share in columns]
    assert LV.result(logits, canvas)[0, 0].tolist() == expected
    # Interpolated logits would give other labels: 0.25 x 4.0 - 0.75 x 1.0 is above 0.
    assert expected == [1, 1, 0, 0]


def test_training_canvas_that_crops_is_refused():
    with pytest.raises(
        ValueError, match=r"canvas of \(16, 16\) does not hold an image of \(20, 28\)"
    ):
        LV.result(torch.zeros(1, 2, 16, 16), training_canvas((20, 28), FCN))


def test_settings_without_a_task_mean_segmentation():
    assert task_of(FCN | {"loss": "ce"}) == Segmentation(Target.of("lv,my"), "ce", (), cropped=True)
    weighed = task_of(UNET | {"loss": "dice", "head_weights": "0,0.5,2", "task": "segment"})
    assert weighed == Segmentation(Target.of("lv,my"), "dice", (0, 0.5, 2), cropped=False)
    assert reading_of(UNET) == LabelMap(Target.of("lv,my"))


def test_what_can_be_trained_can_be_read():
    # Points over time are read by learn.track.
    assert set(TASKS) == {*READINGS, "track"}


@pytest.mark.parametrize("of", [task_of, reading_of])
def test_an_unknown_task_is_refused(of):
    with pytest.raises(ValueError, match="task 'trace' is unknown; there are segment, track"):
        of(UNET | {"task": "trace"})
