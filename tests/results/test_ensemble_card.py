"""The card of an ensemble: members and their scores on what they have not seen."""

import math

import pytest

from cmrseg.results.ensemble_card import ensemble_card, mean_scores

ROW = {
    **{"model": "net", "network": "fcn", "encoder": "", "width": 4, "sequence": "sa"},
    **{"task": "segment", "tissues": "lv,my,rv", "cohort": "clinic", "labeller": "reader"},
    **{"subset": "all", "splits": "train,test", "start": "random", "preparation": "fcn"},
    **{"intensity": "linear", "size_px": 64, "augmentation": "fcn", "seed": 7, "islands": ""},
}
MEMBERS = {
    "net_f1": {"epoch": 4, "images": 90, "valid_loss": 0.5, "dice_lv": 0.8, "dice_rv": 0.6},
    "net_f2": {"epoch": 4, "images": 80, "valid_loss": 0.3, "dice_lv": 0.9, "dice_rv": math.nan},
}


def test_scores_are_means_over_the_members_that_have_them():
    assert mean_scores(MEMBERS) == pytest.approx(
        {"valid_loss": 0.4, "dice_lv": 0.85, "dice_rv": 0.6}
    )


def test_a_score_that_no_member_has_is_unknown():
    assert math.isnan(mean_scores({"net_f1": {"dice_rv": math.nan}})["dice_rv"])


def test_a_card_has_the_scores_of_each_member_on_its_fold():
    card = ensemble_card(ROW | {"folds": 2, "seeds": 1}, 2_000_000, MEMBERS, phantom=False)
    assert card.startswith("# net\n")
    assert "| Dice of all images together, LV cavity | 0.8000 | 0.9000 | 0.8500 |" in card
    assert "| Dice of all images together, RV cavity | 0.6000 | - | 0.6000 |" in card
    assert "on the fold that it was trained without" in card
    assert "| seeds | 7 to 8, one for each member |" in card
    assert "| parameters | 2,000,000 |" in card
    assert "its labels of patients that they learnt from are no test there" in card
    assert "digital heart" not in card


def test_a_card_of_seeds_alone_speaks_of_no_folds():
    card = ensemble_card(ROW | {"folds": 1, "seeds": 2}, 1, MEMBERS, phantom=True)
    assert "folds" not in card
    assert "without one fold" not in card
    assert "on the validation images" in card
    assert "| cohort | clinic, a digital heart |" in card


def test_a_fold_that_selected_the_epoch_is_told():
    members = {name: last | {"best_epoch": 3} for name, last in MEMBERS.items()}
    card = ensemble_card(ROW | {"folds": 2, "seeds": 1}, 1, members, phantom=False)
    assert "selected the epoch, so its scores are slightly optimistic" in card
