"""What figures show: which subjects and images, each in one orientation, and beside which truth."""

import math

import numpy as np
import pandas as pd
import pytest

from cmrseg.figures.cases import LEAST_PX, best_labeller, ranked
from cmrseg.figures.confidence import with_dice
from cmrseg.figures.observers import observer_differences
from cmrseg.figures.strategies import by_strategy
from cmrseg.figures.truth import against_truth
from cmrseg.figures.viewer_volumes import spread
from cmrseg.splits import upright, upright_rows


def test_each_subject_is_shown_in_one_orientation():
    names = ["7", "7_rot90", "8", "7"]
    assert upright(names) == ["7_rot90", "8"]
    table = pd.DataFrame({"subject": names, "frame": range(4)})
    assert upright_rows(table)["frame"].tolist() == [1, 2]


def evaluated(*rows):
    """Volumes of (subject, split, EDV, ESV, true EDV, true ESV) as an evaluation has them."""
    sides = [f"{side}_{name}_ml" for side in ("predicted", "reference") for name in ("edv", "esv")]
    table = pd.DataFrame(rows, columns=["subject", "split", *sides]).assign(labeller="net")
    for side in ("predicted", "reference"):
        edv_ml = table[f"{side}_edv_ml"]
        table[f"{side}_ef"] = 1 - table[f"{side}_esv_ml"] / edv_ml.where(edv_ml > 0)
    return table


def test_errors_are_those_of_the_truth_of_the_subject():
    given = evaluated(
        ("1", "test", 100, 50, 100, 40),
        ("2", "test", 0, 0, 90, 40),
        ("3", "test", 80, 40, math.nan, math.nan),
    )
    table = against_truth(given)
    assert table["subject"].tolist() == ["1", "2"]
    assert table["true_ef"].tolist() == pytest.approx([0.6, 5 / 9])
    assert table["abs_ef_error"].iloc[0] == pytest.approx(0.1)
    assert math.isnan(table["abs_ef_error"].iloc[1])
    assert table["good_ef_bad_volume"].tolist() == [False, False]


def test_a_good_ef_of_bad_volumes_is_told():
    assert against_truth(evaluated(("1", "test", 130, 52, 100, 40)))["good_ef_bad_volume"].all()


def test_a_rotated_copy_is_shown_instead_of_its_original():
    rows = [("7", 100), ("7_rot90", 120), ("8", 90)]
    table = against_truth(evaluated(*((name, "test", edv, 50, 110, 44) for name, edv in rows)))
    assert table["subject"].tolist() == ["7_rot90", "8"]
    assert table["edv_ml"].tolist() == [120, 90]


def test_subjects_of_some_splits_are_shown():
    rows = [("1", "train"), ("2", "test"), ("3", "validate")]
    given = evaluated(*((name, split, 100, 50, 110, 44) for name, split in rows))
    assert against_truth(given, ["test", "validate"])["subject"].tolist() == ["2", "3"]


def test_subjects_from_which_a_labeller_learnt_are_told():
    rows = [("1", "train"), ("2", "test")]
    given = evaluated(*((name, split, 100, 50, 110, 44) for name, split in rows))
    assert against_truth(given, seen={"net": ["train"]})["seen"].tolist() == [True, False]
    assert not against_truth(given, seen={"other": ["train"]})["seen"].any()


def test_right_ventricles_are_those_of_labellers_that_segment_them():
    given = evaluated(("1", "test", 100, 50, 110, 44))
    with pytest.raises(ValueError, match="column predicted_rv_edv_ml is missing"):
        against_truth(given, ventricle="rv")
    for side in ("predicted", "reference"):
        for name, value in (("edv_ml", 120), ("esv_ml", 60), ("ef", 0.5)):
            given[f"{side}_rv_{name}"] = value
    blind = given.assign(labeller="blind", predicted_rv_edv_ml=math.nan)
    table = against_truth(pd.concat([given, blind]), ventricle="rv")
    assert table[["labeller", "edv_ml"]].values.tolist() == [["net", 120]]


def test_the_best_labeller_has_the_highest_dice_of_subjects_that_none_learnt_from():
    rows = [("a", "train", 0.99, 0.99), ("a", "test", 0.8, 0.7), ("b", "train", 0.7, 0.7)]
    rows += [("b", "test", 0.75, 0.85)]
    table = pd.DataFrame(rows, columns=["labeller", "split", "dice_lv", "dice_my"])
    assert best_labeller(table, ["a", "b"], ["train"]) == "b"
    assert best_labeller(table, ["a", "b"], []) == "a"
    # All subjects were seen.
    assert best_labeller(table[table["split"] == "train"], ["a", "b"], ["train"]) == "a"
    # Equal, and one without Dice.
    same = table.assign(dice_lv=0.5, dice_my=0.5)
    assert best_labeller(same, ["b", "a"], []) == "b"
    assert best_labeller(same.assign(dice_my=math.nan), ["c", "a"], []) == "a"


def images(*rows):
    """Images of (subject, split, frame, Dice, pixels of LV in the reference)."""
    table = pd.DataFrame(rows, columns=["subject", "split", "frame", "dice_lv", "lv_lv"])
    return table.assign(slice=0, dice_my=table["dice_lv"], lv_bg=0, bg_lv=200, my_lv=200)


def test_images_are_ranked_where_the_reference_has_a_ventricle():
    table = images(
        ("1", "test", 0, 0.9, 90), ("1", "test", 1, 0.0, 0), ("2", "test", 0, 0.5, LEAST_PX),
        ("2", "test", 1, 0.1, LEAST_PX - 1), ("3", "test", 0, 0.7, 60),
    )  # fmt: skip
    found = ranked(table, per_rank=1)
    assert found[["kind", "subject", "frame"]].to_numpy().tolist() == [
        ["best", "1", 0],
        ["median", "3", 0],
        ["worst", "2", 0],
    ]


def test_images_without_muscle_of_the_reference_are_ranked_where_there_are_no_others():
    table = images(
        ("1", "test", 0, 0.9, 90), ("2", "test", 0, 0.5, 90), ("3", "test", 1, 0.1, 90)
    ).assign(dice_my=[0.8, 0.8, np.nan])
    assert set(ranked(table)["subject"]) == {"1", "2"}
    assert set(ranked(table.assign(dice_my=np.nan))["subject"]) == {"1", "2", "3"}


def test_a_ventricle_that_the_model_missed_is_among_the_worst():
    table = images(("1", "test", 0, 0.9, 90), ("2", "test", 0, 0.0, 0)).assign(lv_bg=[0, 80])
    assert ranked(table, per_rank=1)["subject"].tolist()[-1] == "2"


def test_copies_are_ranked_instead_of_their_originals():
    table = images(
        ("1", "test", 0, 0.1, 90), ("1_rot90", "test", 0, 0.9, 90), ("2", "test", 0, 0.5, 90)
    )
    assert set(ranked(table)["subject"]) == {"1_rot90", "2"}
    assert spread(table, count=3) == ["1_rot90", "2"]


def test_the_viewer_shows_training_subjects_only_if_there_are_no_others():
    table = images(("1", "train", 0, 0.9, 90), ("2", "test", 0, 0.5, 90), ("3", "test", 0, 0.6, 90))
    assert spread(table, count=5) == ["3", "2"]
    assert spread(table[:1], count=5) == ["1"]


def test_strategies_are_told_by_start_and_cohort_and_people_left_out():
    names = ["base", "plain", "imagenet", "double", "expert"]
    subjects = pd.DataFrame({"labeller": names, "cohort": "7t", "subject": "1"})
    models = {
        "base": {"cohort": "kaggle", "start": "random", "subset": "c10"},
        "plain": {"cohort": "7t", "start": "random", "subset": "v3"},
        "imagenet": {"cohort": "7t", "start": "imagenet", "subset": "all"},
        "double": {"cohort": "7t", "start": "base", "subset": "all"},
    }
    models = {name: row | {"network": "unet"} for name, row in models.items()}
    table = by_strategy(subjects, models)
    assert table["strategy"].tolist() == names[:4]
    assert table["subset"].tolist() == ["none", "v3", "all", "all"]
    twice = pd.concat([subjects, subjects.assign(subject="1_rot90")])
    assert set(by_strategy(twice, models)["subject"]) == {"1_rot90"}


def strategies_of(**networks):
    """Names in the figure of models that start at random, by the networks they have."""
    subjects = pd.DataFrame({"labeller": list(networks), "cohort": "mice", "subject": "1"})
    models = {
        name: {"cohort": "mice", "start": "random", "subset": subset, "network": network}
        for name, (network, subset) in networks.items()
    }
    return by_strategy(subjects, models)["strategy"].tolist()


def test_models_of_one_strategy_and_training_set_are_shown_apart():
    assert strategies_of(a=("unet", "all"), b=("unet", "v1")) == ["plain", "plain"]
    found = strategies_of(a=("unet", "all"), b=("unet3plus", "all"), c=("unet", "v1"))
    assert found == ["plain unet", "plain unet3plus", "plain unet"]
    assert strategies_of(a=("unet", "all"), b=("unet", "all")) == ["plain a", "plain b"]


def test_a_cohort_without_models_has_no_strategy():
    subjects = pd.DataFrame({"labeller": ["expert"], "cohort": "mice", "subject": "1"})
    assert by_strategy(subjects, {}).empty


def test_scores_are_shown_of_copies_and_without_dice_where_there_is_none():
    scores = pd.DataFrame({"subject": ["1", "1_rot90", "2"], "score": [0.1, 0.2, 0.3]})
    dice = pd.DataFrame({"subject": ["1", "1_rot90"], "dice_lv": [0.5, 0.9], "dice_my": 0.8})
    table = with_dice(scores, dice)
    assert table["score"].tolist() == [0.2, 0.3]
    assert table["dice_lv"].tolist()[0] == 0.9
    assert math.isnan(table["dice_lv"].tolist()[1])


def test_observers_differ_by_pair_in_one_orientation_of_each_subject():
    def curve(edv, esv):
        names = ["1", "1", "1_rot90", "1_rot90"]
        return pd.DataFrame(
            {"subject": names, "frame": [0, 1, 0, 1], "lv_ml": [1, 1, edv, esv]}, dtype=object
        ).astype({"frame": int, "lv_ml": float})

    curves = {"net": curve(110, 60), "expert2": curve(90, 40), "expert1": curve(100, 50)}
    frames = pd.DataFrame({"subject": ["1", "1_rot90"], "ed_frame": 0, "es_frame": 1})
    measures = dict.fromkeys(["expert1", "expert2"], frames)
    table = observer_differences(curves, measures, ["expert1", "expert2"])
    assert table["volunteer"].tolist() == ["1_rot90"] * 3
    rows = table.set_index(["reference", "method"])
    assert set(rows.index) == {("expert1", "net"), ("expert1", "expert2"), ("expert2", "net")}
    assert rows.loc[("expert1", "net"), ["edv", "esv", "sv"]].tolist() == pytest.approx([10, 20, 0])


def test_observers_are_compared_at_the_frames_of_the_first_one_s_table():
    # Largest in frame 2, but the study says that the first frame is end-diastole.
    first = pd.DataFrame({"subject": "1", "frame": range(4), "lv_ml": [100.0, 40.0, 101.0, 60.0]})
    second = first.assign(lv_ml=[90.0, 50.0, 101.0, math.nan])
    curves = {"expert1": first, "expert2": second}

    def found(ed, es):
        frames = pd.DataFrame({"subject": ["1"], "ed_frame": [ed], "es_frame": [es]})
        row = observer_differences(curves, {"expert1": frames}, ["expert1"]).iloc[0]
        return row[["edv", "esv", "sv"]].tolist()

    assert found(0, 1) == pytest.approx([10, 25, 100 * 20 / 60])
    # Frame 3 is not labelled by the second one: unknown, not a volume of 0.
    edv, *others = found(0, 3)
    assert edv == pytest.approx(10)
    assert all(math.isnan(value) for value in others)
