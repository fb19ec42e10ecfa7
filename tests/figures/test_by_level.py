"""Dice and distances by level: which slices are basal, and which subjects count."""

import pytest

from cmrseg.figures.by_level import by_level, figure
from figure_data import stacked_images, texts


def test_slices_with_a_cavity_are_three_parts_from_the_base_which_is_its_larger_end():
    table = by_level(stacked_images(("net",)), {})
    # Six slices have a cavity: 0 and 1 are basal, 2 and 3 mid, 4 and 5 apical.
    dice = table[table["subject"] == "a"].set_index("level")["dice_lv"]
    assert dice.to_dict() == pytest.approx({"basal": 0.875, "mid": 0.775, "apical": 0.675})
    turned = stacked_images(("net",))
    turned["slice"] = 6 - turned["slice"]
    assert by_level(turned, {}).equals(table)


def test_of_unequal_parts_the_larger_are_nearer_to_the_base():
    table = by_level(stacked_images(("net",)).query("slice < 4"), {}).set_index("level")
    # Slices 0 and 1, then 2, then 3.
    assert table.loc["basal", "hausdorff_my_mm"].iloc[0] == 3.5
    assert table.loc["apical", "hausdorff_my_mm"].iloc[0] == 6


def test_subjects_from_which_a_labeller_learnt_are_left_out_of_its_boxes():
    images = stacked_images().assign(split=lambda t: t["subject"].map({"a": "train", "b": "test"}))
    table = by_level(images, {"net": ["train"]})
    assert table.groupby("labeller")["subject"].unique().map(sorted).to_dict() == {
        "net": ["b"],
        "other": ["a", "b"],
    }


def test_only_tissues_and_scores_that_are_there_are_drawn():
    found = texts(figure(by_level(stacked_images(), {}))).split("\n")
    assert {"LV cavity", "LV myocardium", "basal", "mid", "apical", "Dice"} <= set(found)
    assert "RV cavity" not in found
    images = stacked_images().drop(columns=["dice_lv", "dice_my"])
    with pytest.raises(ValueError, match="no Dice of any tissue; evaluate label maps"):
        figure(by_level(images, {}))
