"""The published numbers of the 7T study, from its published tables."""

import numpy as np
import pandas as pd
import pytest

from cmrseg.learn.subsets import RSample, draw_subjects
from cmrseg.published import learning, seven_tesla
from cmrseg.published.numbers import compare, read_published
from cmrseg.published.rank_tests import signed_rank
from cmrseg.published.seven_tesla_tables import (
    ML_PER_PIXEL,
    PAIRS,
    TABLES,
    confusion_tables,
    end_frames_table,
    subsets_table,
)
from tiny_study import ROOT


@pytest.fixture
def published(data):
    return data / "published"


@pytest.fixture(scope="module")
def comparison(data):
    folder = data / "published"
    recomputed = pd.concat([seven_tesla.numbers(folder), learning.numbers(folder)])
    return compare(read_published([ROOT / "resources" / "published_7t.tsv"]), recomputed)


# -- signed rank test ------------------------------------------------------------------------


def test_ranks_of_positive_differences_worked_out_by_hand():
    # Differences 1, -1, 3, 0, -2: ranks 1.5, 1.5, 4, none, 3. V is 5.5 of 10, half a step from
    # the middle.
    rank_sum, p = signed_rank([3, 1, 5, 2, 2], [2, 2, 2, 2, 4])
    assert rank_sum == 5.5
    assert p == pytest.approx(1)


def test_p_has_the_continuity_correction():
    # V = 10, expected 5, variance 7.5: z = 4.5/7.5**0.5 = 1.6432, twice the tail is 0.1003.
    assert signed_rank([2, 4, 6, 8], [1, 2, 3, 4]) == (10, pytest.approx(0.1003, abs=5e-5))


def test_only_the_rank_sum_depends_on_the_order():
    first, second = [1.0, 5, 2, 8, 4], [2.0, 1, 6, 3, 9]
    there, back = signed_rank(first, second), signed_rank(second, first)
    assert there[0] + back[0] == 15
    assert there[1] == back[1]


def test_equal_values_are_refused():
    with pytest.raises(ValueError, match="all 2 pairs are equal"):
        signed_rank([1, 2], [1, 2])


@pytest.mark.parametrize("second", [[1, 2, 3], [1, np.nan]])
def test_values_without_a_partner_are_refused(second):
    with pytest.raises(ValueError, match="must be finite and come in pairs"):
        signed_rank([1, 2], second)


# -- subsets ---------------------------------------------------------------------------------


def test_draws_are_nested_and_steps_that_ask_for_too_many_are_skipped():
    draws = draw_subjects(RSample(42), list("abcde"), (7, 3, 1))
    assert [len(draws[count]) for count in draws] == [3, 1]
    assert set(draws[1]) < set(draws[3]) < set("abcde")


# -- faulty tables ---------------------------------------------------------------------------


def confusion(image="26_slice000_frame001", pixels=65536):
    names = [f"{a}_{b}" for a in ("bg", "lv", "my") for b in ("bg", "lv", "my")]
    row = dict.fromkeys(names, 0) | {"bg_bg": pixels}
    return pd.DataFrame([{"image": image, "set": "test", "methodA": "A", "methodB": "B", **row}])


@pytest.fixture
def made(tmp_path):
    """A published repository with one image; returns a function that changes a table."""
    folder = tmp_path / TABLES
    (folder / "confusion_tables").mkdir(parents=True)

    def write(table, name):
        table.to_csv(folder / name, sep="," if name.endswith("csv") else "\t", index=False)

    for name in PAIRS.values():
        write(confusion(), f"confusion_tables/confusion_{name}.tsv")
    pixels = {"file": ["17_slice000_frame000-mask.png"], "bg": [9], "lv": [1], "my": [0]}
    write(pd.DataFrame(pixels), "pixel_counts_by_class.tsv")
    subsets = dict.fromkeys(learning.SUBSETS, True)
    place = {"Id": ["17"], "slice": [0], "frame": [0]}
    write(
        pd.DataFrame({"file": ["17_slice000_frame000-image.png"], **place, **subsets}),
        "image_subsets.tsv",
    )
    return tmp_path, write


def test_images_know_their_place_and_their_pair(made):
    table = confusion_tables(made[0])["TR", "doubleTransferLearn"]
    columns = ["volunteer", "slice", "frame", "reference", "method"]
    assert table[columns].to_numpy().tolist() == [["26", 0, 1, "TR", "doubleTransferLearn"]]


def test_images_that_are_not_whole_are_refused(made):
    folder, write = made
    write(confusion(pixels=65535), "confusion_tables/confusion_WS_base.tsv")
    with pytest.raises(ValueError, match=r"base.tsv: counts of 26_slice000_frame001 sum to 65535"):
        confusion_tables(folder)


def test_names_that_are_no_image_are_refused(made):
    folder, write = made
    write(confusion(image="26_frame001"), "confusion_tables/confusion_WS_base.tsv")
    with pytest.raises(ValueError, match=r"WS_base.tsv: '26_frame001' is no image"):
        confusion_tables(folder)


def test_unknown_frames_are_refused(made):
    with pytest.raises(ValueError, match="frames must be 'published' or 'labels', got 'first'"):
        seven_tesla.observers_table(made[0], "first")


def test_subset_images_without_pixels_are_refused(made):
    folder, write = made
    assert subsets_table(folder)["lv_pixels"].tolist() == [1]
    other = {"file": ["18_slice000_frame000-mask.png"], "lv": [1]}
    write(pd.DataFrame(other), "pixel_counts_by_class.tsv")
    with pytest.raises(ValueError, match=r"1 images have no row .*first 17_slice000_frame000"):
        subsets_table(folder)


@pytest.mark.parametrize(
    ("models", "message"),
    [(["other"], "model doubleTransferLearn is missing"), (["a_v7"], "model a_v7 is unknown")],
)
def test_logs_of_other_models_are_refused(made, models, message):
    folder, write = made
    write(pd.DataFrame({"model": models}), "train_log_combined.csv")
    with pytest.raises(ValueError, match=message):
        learning.curves_table(folder)


# -- published tables ------------------------------------------------------------------------


@pytest.mark.parametrize("number", ["T1", *(f"T2{letter}" for letter in "abcdefghijklmno"), "T3"])
def test_published_numbers_are_reproduced(comparison, number):
    rows = comparison[comparison["id"] == number]
    assert (rows["agrees"] == "yes").any()
    wrong = rows[(rows["agrees"] != "yes") & (rows["note"] == "")]
    assert wrong.empty, wrong.to_string()


def test_each_number_is_reproduced_or_has_a_reason_not_to_be(comparison):
    assert comparison["agrees"].value_counts().to_dict() == {"yes": 342, "": 6}
    without = comparison[comparison["agrees"] == ""]
    assert set(without["id"]) == {"T2c", "T4"}
    assert (without["note"] != "").all()


def test_sound_dice_leaves_out_images_without_the_tissue(comparison):
    dice = comparison[comparison["id"].isin(["T1", "T2a", "T2b"])]
    assert len(dice) == 40
    assert (dice["sound"].astype(float) < dice["recomputed"].astype(float)).all()


def test_end_diastole_of_two_volunteers_is_a_frame_earlier_in_the_labels(comparison):
    frames = comparison[comparison["id"] == "T2g"]
    assert frames["recomputed"].tolist() == ["9", "24", "7", "0", "8", "19"]
    assert frames["sound"].tolist() == ["9", "23", "7", "0", "8", "18"]


def test_the_volunteer_without_contours_has_no_frames(published):
    frames = end_frames_table(published)
    assert len(frames) == 22
    assert "24" not in set(frames["subject"])


def test_the_rank_sum_that_was_printed_rounded_is_exactly_a_half(published):
    numbers = seven_tesla.numbers(published).set_index(["id", "quantity"])["recomputed"]
    assert numbers["T2i", "base and doubleTransferLearn Wilcoxon V, MY"] == 41035.5


def test_dice_table_has_all_images_of_all_pairs(published):
    table = seven_tesla.dice_table(published)
    assert list(table) == [
        *("image", "set", "volunteer", "slice", "frame", "reference", "method", "lv", "my")
    ]
    sizes = table.groupby(["reference", "method"]).size()
    assert sorted(sizes) == [955, 955, *[7873] * 6]
    assert not table.duplicated(["image", "reference", "method"]).any()
    assert table["lv"].between(0, 1).all()


def test_validation_dice_is_that_of_the_last_epoch(published):
    dice = seven_tesla.dice_table(published)
    dice = dice[dice["set"] == "val"].groupby("method")[["lv", "my"]].mean()
    curves = learning.curves_table(published)
    last = curves.groupby(["strategy", "subset"]).last()
    for method, subset in [
        ("plainLearn", "full"),
        ("imagenetTransferLearn", "full"),
        ("doubleTransferLearn", "full"),
        ("doubleTransferLearn", "esed"),
    ]:
        name = method if subset == "full" else f"{method}_{subset}"
        row = last.loc[(method, subset)]
        assert [row["dice_lv"], row["dice_my"]] == pytest.approx(list(dice.loc[name]), abs=1e-6)


def test_cavity_differences_are_reference_minus_method_in_ml(published):
    table = seven_tesla.cavity_table(published)
    pixels = table["reference_px"] - table["method_px"]
    assert table["difference_ml"].to_numpy() == pytest.approx(pixels.to_numpy() * 0.009375)
    assert pytest.approx(0.009375) == ML_PER_PIXEL
    pair = table[(table["method"] == "TR")].set_index("image")
    assert pair.loc["28_slice008_frame016", ["reference_px", "method_px"]].tolist() == [1518, 1426]


def test_observers_have_a_row_for_each_volunteer_and_the_mean(published):
    for frames in ("published", "labels"):
        table = seven_tesla.observers_table(published, frames)
        assert list(table) == ["volunteer", "reference", "method", "edv", "esv", "sv", "ef"]
        for _, rows in table.groupby(["reference", "method"]):
            assert rows["volunteer"].tolist() == ["26", "27", "28", "mean"]
            values = rows[["edv", "esv", "sv", "ef"]].to_numpy()
            assert values[3] == pytest.approx(values[:3].mean(axis=0))


def test_shares_of_a_class_sum_to_one(published):
    table = seven_tesla.confusion_shares(published)
    sums = table.groupby(["reference", "method", "true_class"])["share"].sum()
    assert len(sums) == 8 * 3
    assert sums.to_numpy() == pytest.approx(1)


def test_learning_curves_see_about_a_hundred_thousand_images(published):
    curves = learning.curves_table(published)
    assert len(curves) == 4248
    ends = curves.groupby(["strategy", "subset"])["images_thousand"].agg(["min", "max"])
    assert len(ends) == 27
    assert ends["max"].between(99, 103).all()
    assert ends.loc["plainLearn", "min"].to_dict() == {
        **{"full": 5.076, "v7": 2.626, "r7": 2.626, "v3": 1.001, "r3": 1.001},
        **{"v1": 0.306, "r1": 0.306, "esed": 0.448, "r_esed": 0.448},
    }


def test_smooth_curves_run_from_the_first_to_the_last_epoch(published):
    curves = learning.curves_table(published).groupby(["strategy", "subset"])
    smooth = learning.smooth_table(published).groupby(["strategy", "subset"])
    assert (smooth.size() == 80).all()
    for end in ("min", "max"):
        assert (
            getattr(smooth["images_thousand"], end)() == getattr(curves["images_thousand"], end)()
        ).all()
