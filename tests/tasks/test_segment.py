"""Scores of label maps against values worked out by hand; the loss over several heads."""

import math

import numpy as np
import pandas as pd
import pytest
import torch

from cmrseg.labels import Target
from cmrseg.tasks.losses import ce, dice
from cmrseg.tasks.segment import Segmentation


def scored(tissues, predicted, truth, rows=None, cropped=False):
    """Scores of a network that predicts the same labels (y, x) for every image of truth (n, y, x).

    Exclusive tissues that are numbered from 1 as they are named.
    """
    task = Segmentation(Target.of(tissues), "ce", (), cropped)
    logits = 5.0 * torch.nn.functional.one_hot(predicted.long(), task.target.channels)
    output = logits.movedim(-1, 0).expand(len(truth), -1, -1, -1)
    counts = task.counts(output, torch.tensor(truth.astype(np.uint8)))
    assert {len(of_images) for of_images in counts.values()} == {len(truth)}
    rows = pd.DataFrame(index=range(len(truth))) if rows is None else rows
    return task.scores({name: c.numpy() for name, c in counts.items()}, rows)


def test_scores_are_those_worked_out_by_hand():
    # Two images of 2 x 4 pixels. First: LV 2 px, 1 hit, 1 false. Second: nothing labelled LV.
    truth = np.array([[[1, 1, 2, 0], [0, 0, 0, 255]], [[0, 0, 2, 2], [0, 0, 0, 0]]], np.uint8)
    predicted = torch.tensor([[1, 0, 2, 0], [0, 0, 0, 1]])
    scores = scored("lv,my,rv", predicted, truth)
    assert scores["accuracy"] == pytest.approx((6 + 5) / 15)
    # LV: common 1 + 0; sizes (1 + 2) + (2 + 0), the unlabelled pixel not counted.
    assert scores["dice_lv"] == pytest.approx(2 * 1 / 5)
    assert scores["image_dice_lv"] == pytest.approx((2 / 3 + 0) / 2)
    assert scores["dice_my"] == pytest.approx(2 * 2 / (2 + 3))
    assert scores["image_dice_my"] == pytest.approx((1 + 2 / 3) / 2)
    assert math.isnan(scores["dice_rv"])
    assert scores["image_dice_rv"] == 1
    assert scores["image_dice_foreground"] == pytest.approx((2 * 2 / (2 + 3) + 2 * 1 / (3 + 2)) / 2)


def test_a_cavity_drawn_alone_counts_in_the_scores_of_the_cavity_only():
    # The second image has the cavity and nothing labelled around it: one of four LV is beyond it.
    truth = np.array([[[1, 1, 2, 0], [0, 0, 2, 0]], [[255, 1, 1, 255], [255, 1, 255, 255]]])
    predicted = torch.tensor([[1, 1, 2, 0], [0, 1, 1, 2]])
    scores = scored("lv,my", predicted, truth)
    assert scores["accuracy"] == pytest.approx((5 + 2) / (8 + 3))
    # Common 2 + 2; sizes (4 + 2) + (4 + 3).
    assert scores["dice_lv"] == pytest.approx(2 * 4 / 13)
    assert scores["image_dice_lv"] == pytest.approx((4 / 6 + 4 / 7) / 2)
    assert scores["image_dice_my"] == pytest.approx(2 * 1 / (2 + 2))
    assert scores["image_dice_foreground"] == pytest.approx(2 * 4 / (6 + 4))


def test_a_tissue_that_the_crop_removed_is_no_score_of_its_image():
    # The heart of the second image lies outside of its crop, and so does the wall of the third.
    truth = np.zeros((3, 2, 4), np.uint8)
    truth[0, 0, :3], truth[2, 0, 0] = (1, 1, 2), 1
    index = pd.DataFrame({"lv_pixels": [2, 9, 1], "my_pixels": [1, 9, 5]})
    nothing = torch.zeros((2, 4))
    scores = scored("lv,my", nothing, truth, index, cropped=True)
    names = [f"image_dice_{name}" for name in ("lv", "my", "foreground")]
    assert [scores[name] for name in names] == [0, 0, 0]
    as_published = scored("lv,my", nothing, truth, index)
    assert [as_published[name] for name in names] == pytest.approx([1 / 3, 2 / 3, 1 / 3])


def test_regions_that_overlap_have_scores_each():
    # Scar lies in the wall: three pixels of wall, of which one is scar and another is found.
    task = Segmentation(Target.of("wall,scar"), "ce")
    truth = torch.tensor([[[2, 2, 9, 0]]], dtype=torch.uint8)
    output = torch.tensor([[[[1.0, 1, 1, -1]], [[-1.0, 1, -1, -1]]]])
    counts = {name: c.numpy() for name, c in task.counts(output, truth).items()}
    scores = task.scores(counts, pd.DataFrame(index=[0]))
    assert scores["accuracy"] == pytest.approx(2 / 4)
    assert (scores["dice_wall"], scores["dice_scar"]) == (1, 0)
    assert list(scores) == [
        *("accuracy", "dice_wall", "dice_scar", "image_dice_wall", "image_dice_scar"),
        "image_dice_foreground",
    ]


def test_the_loss_is_that_of_all_heads_by_their_weights():
    target = Target.of("lv,my")
    heads = [torch.randn(2, 3, 4, 4, generator=torch.Generator().manual_seed(i)) for i in (1, 2)]
    labels = torch.arange(32, dtype=torch.uint8).reshape(2, 4, 4) % 3
    for name, loss in (("ce", ce), ("dice", dice)):
        each = [loss(head, labels, target) for head in heads]
        assert Segmentation(target, name).loss(heads, labels) == pytest.approx(sum(each))
        weighed = Segmentation(target, name, (0.5, 2)).loss(heads, labels)
        assert weighed == pytest.approx(0.5 * each[0] + 2 * each[1])


def test_a_label_without_a_channel_is_no_part_of_the_task():
    labels = torch.full((1, 2, 2), 3, dtype=torch.uint8)
    Segmentation(Target.of("lv,my,rv"), "ce").check(labels)
    with pytest.raises(ValueError, match="label 3 in a batch for a network of lv,my"):
        Segmentation(Target.of("lv,my"), "ce").check(labels)


def test_counts_wait_for_no_value_on_other_devices():
    # A tensor of the meta device has no values: looking at one is an error.
    labels = torch.zeros(2, 4, 4, dtype=torch.uint8, device="meta")
    for tissues in ("lv,my", "wall,lv,scar"):
        task = Segmentation(Target.of(tissues), "ce")
        output = torch.zeros(2, task.target.channels, 4, 4, device="meta")
        assert task.counts(output, labels)["common"].shape == (2, len(task.target.regions) + 1)
