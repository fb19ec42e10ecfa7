"""A task of frames for windows: the loss by the weights of frames, scores of the middle."""

import math

import pandas as pd
import pytest
import torch

from cmrseg.labels import UNLABELLED, Target
from cmrseg.tasks.segment import Segmentation
from cmrseg.tasks.windowed import Windowed

TASK = Windowed(Segmentation(Target.of("aao,dao"), "ce"), (0.5, 1.0, 0.25))


def said(*shares):
    """Logits (1, t, 3, 2, 2) that give background in all pixels of each frame a share."""
    rest = [[share, (1 - share) / 2, (1 - share) / 2] for share in shares]
    return torch.tensor(rest).log()[None, :, :, None, None].expand(1, len(shares), 3, 2, 2)


def test_the_loss_is_the_mean_over_frames_by_their_weights():
    labels = torch.zeros(1, 3, 2, 2, dtype=torch.uint8)
    found = TASK.loss([said(0.5, 0.25, 0.8)], labels)
    by_hand = (0.5 * math.log(2) + 1 * math.log(4) + 0.25 * math.log(1.25)) / 1.75
    assert found.item() == pytest.approx(by_hand, rel=1e-6)


def test_pixels_of_a_frame_that_nobody_labelled_do_not_count():
    labels = torch.zeros(1, 3, 2, 2, dtype=torch.uint8)
    labels[0, 0, 0] = UNLABELLED
    labels[0, 0, 1] = 6
    found = TASK.loss([said(0.5, 0.25, 0.8)], labels)
    # In the first frame the share of the tissue is a quarter.
    by_hand = (0.5 * math.log(4) + 1 * math.log(4) + 0.25 * math.log(1.25)) / 1.75
    assert found.item() == pytest.approx(by_hand, rel=1e-6)


def test_scores_are_of_the_frame_in_the_middle():
    labels = torch.zeros(1, 3, 2, 2, dtype=torch.uint8)
    labels[:, 0], labels[:, 2] = 6, 7
    labels[0, 1, 0] = 6
    output = torch.zeros(1, 3, 3, 2, 2)
    output[0, 1, 1, 0], output[0, 1, 0, 1] = 5, 5
    counts = {name: value.numpy() for name, value in TASK.counts(output, labels).items()}
    scores = TASK.scores(counts, pd.DataFrame({"row": [0]}))
    assert (scores["accuracy"], scores["dice_aao"]) == (1, 1)
    assert math.isnan(scores["dice_dao"])


def test_windows_of_another_length_and_other_labels_are_refused():
    with pytest.raises(ValueError, match="windows of 2 frames, 3 weights of frames; make windows"):
        TASK.loss([said(0.5, 0.5)], torch.zeros(1, 2, 2, 2, dtype=torch.uint8))
    with pytest.raises(ValueError, match="label 1 in a batch for a network of aao,dao"):
        TASK.check(torch.ones(1, 2, 2, dtype=torch.uint8))


def test_frames_are_chosen_as_the_task_of_a_frame_does():
    rows = pd.DataFrame({"row": [3, 1]})
    assert TASK.samples(rows) is rows


def test_the_text_of_a_task_says_its_weights():
    assert "0.25" in repr(TASK)
    assert "aao" in repr(TASK)
