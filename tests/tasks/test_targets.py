"""What channels mean: labels to truth and back."""

import pytest
import torch

from cmrseg.labels import REGIONS, SHORT_NAMES, UNLABELLED, Target, Tissue
from cmrseg.tasks.targets import check_labels, decode, encode, inside, shares

HEART = Target.of("lv,my,rv")
ILL = Target.of("wall,lv,rv,scar_edema,scar")


def test_targets_say_whether_their_regions_exclude_each_other():
    assert (HEART.exclusive, HEART.channels) == (True, 4)
    assert (ILL.exclusive, ILL.channels) == (False, 5)
    assert Target.of("lv,scar_edema").exclusive
    assert HEART.tissues == (Tissue.LV, Tissue.MYO, Tissue.RV)
    assert ILL.tissues == (Tissue.LV, Tissue.MYO, Tissue.RV, Tissue.EDEMA, Tissue.SCAR)
    assert ILL.text == "wall,lv,rv,scar_edema,scar"


@pytest.mark.parametrize(
    ("text", "tissues", "regions"),
    [
        ("lv,my,rv", "lv my rv", "lv my rv"),
        ("lv,rv,my,edema,scar", "lv my rv edema scar", "lv my rv edema scar wall scar_edema"),
        (
            "wall,lv,rv,scar_edema,scar",
            "lv my rv edema scar",
            "lv my rv edema scar wall scar_edema",
        ),
        # Muscle is what of the wall is not told apart.
        ("lv,rv,wall", "lv my rv", "lv rv wall"),
        ("lv,rv,wall,scar", "lv my rv scar", "lv rv scar wall"),
        # What may be oedema or scar is neither, and what is left of the wall is not known.
        ("lv,wall,scar_edema", "lv", "lv my wall scar_edema"),
        ("lv,my,scar_edema", "lv", "lv my wall scar_edema"),
        ("lv,scar,scar_edema", "lv", "lv scar_edema"),
        ("lv,scar_edema,scar", "lv edema scar", "lv edema scar scar_edema"),
        ("lv,scar_edema,edema", "lv", "lv scar_edema"),
    ],
)
def test_a_region_of_several_tissues_does_not_tell_them_apart(text, tissues, regions):
    target = Target.of(text)
    assert " ".join(SHORT_NAMES[tissue] for tissue in target.tissues) == tissues
    assert " ".join(key for key, region in REGIONS.items() if target.tells(region)) == regions


def test_a_network_learns_from_the_labels_of_all_members_of_its_regions():
    target = Target.of("lv,rv,wall,scar")
    assert target.members == (Tissue.LV, Tissue.MYO, Tissue.RV, Tissue.EDEMA, Tissue.SCAR)
    check_labels(torch.tensor([int(Tissue.EDEMA)]), target)
    truth, _ = encode(target, torch.tensor([[[0, *target.members]]], dtype=torch.uint8))
    # Each is painted as the last region that has it.
    assert decode(target, truth).flatten().tolist() == [0, 1, 2, 3, 2, 9]
    assert [int(target.painted[tissue]) for tissue in target.members] == [1, 2, 3, 2, 9]


def test_an_unknown_tissue_and_a_repeated_one_are_refused():
    with pytest.raises(
        ValueError, match="tissues 'lv,heart': 'heart' is unknown; there are lv, my"
    ):
        Target.of("lv,heart")
    with pytest.raises(ValueError, match="tissues 'lv,my,lv': lv is named twice"):
        Target.of("lv,my,lv")


@pytest.mark.parametrize("text", ["lv,my", "lv,my,rv", "la", "la,ra", "aao,dao", "rv,lv", ILL.text])
def test_labels_come_back_from_their_truth(text):
    target = Target.of(text)
    labels = torch.tensor([[[0, *target.tissues]]], dtype=torch.uint8)
    truth, known = encode(target, labels)
    assert truth.shape == (1, target.channels, 1, labels.shape[-1])
    assert known.all()
    assert decode(target, truth).tolist() == labels.tolist()


def test_a_later_region_is_painted_over_an_earlier_one_from_its_threshold_on():
    found = torch.tensor([0.9, 0.6, 0.1, 0.5, 0.49])[None, :, None, None]
    assert decode(ILL, found).item() == Tissue.EDEMA
    found[0, 4] = 0.5
    assert decode(ILL, found).item() == Tissue.SCAR
    assert decode(ILL, torch.full((1, 5, 1, 1), 0.49)).item() == Tissue.BACKGROUND


def test_the_first_of_equal_channels_wins():
    assert decode(HEART, torch.zeros(1, 4, 1, 1)).item() == Tissue.BACKGROUND
    assert decode(Target.of("rv,lv"), torch.tensor([0.0, 1, 1])[None, :, None, None]).item() == 3


def test_unlabelled_pixels_are_in_no_region():
    labels = torch.tensor([[[UNLABELLED, Tissue.SCAR]]], dtype=torch.uint8)
    truth, known = encode(ILL, labels)
    assert known[0, 0, 0].tolist() == [0, 1]
    assert truth[0, :, 0].T.tolist() == [[0] * 5, [1, 0, 0, 1, 1]]
    assert inside(labels, REGIONS["wall"])[0, 0].tolist() == [False, True]


def test_shares_of_exclusive_tissues_add_up_to_one_and_others_need_not():
    logits = torch.tensor([2.0, 2.0, 2.0, 2.0])[None, :, None, None]
    assert shares(HEART, logits).flatten().tolist() == [0.25] * 4
    each = shares(ILL, torch.zeros(1, 5, 1, 1))
    assert each.flatten().tolist() == [0.5] * 5


def test_a_label_without_a_channel_is_refused_by_number():
    check_labels(torch.tensor([0, 1, 2, 3, UNLABELLED]), HEART)
    with pytest.raises(
        ValueError, match=r"label 4 in a batch for a network of lv,my,rv \(0, 1, 2, 3;"
    ):
        check_labels(torch.tensor([1, 4]), HEART)
    with pytest.raises(ValueError, match="label 1 in a batch for a network of la "):
        check_labels(torch.tensor([1]), Target.of("la"))
