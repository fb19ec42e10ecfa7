import numpy as np
import pandas as pd
import pytest

from cmrseg.learn.subsets import RSample, corrected_epochs, esed_frames, is_corrected, select_subset

PUBLISHED = ["v7", "v3", "v1", "r7", "r3", "r1", "esed", "r_esed"]


@pytest.fixture
def index():
    """Ten subjects with 4 frames of 3 slices; ED is frame 0, ES frame 2."""
    lv = {0: 100, 1: 70, 2: 40, 3: 80}
    rows = [(f"{s:02d}", z, t, lv[t] + z) for s in range(10) for t in range(4) for z in range(3)]
    return pd.DataFrame(rows, columns=["subject", "slice", "frame", "lv_pixels"])


@pytest.fixture
def volunteers(data):
    """The published 7T training images with the first observer's LV pixels."""
    folder = data / "published" / "analysis" / "7T"
    subsets = pd.read_csv(folder / "image_subsets.tsv", sep="\t", dtype={"Id": str})
    counts = pd.read_csv(folder / "pixel_counts_by_class.tsv", sep="\t")
    counts["file"] = counts["file"].str.replace("mask", "image")
    table = subsets.merge(counts[["file", "lv"]], on="file", validate="one_to_one")
    return table.rename(columns={"Id": "subject", "lv": "lv_pixels"})


@pytest.mark.parametrize("subset", PUBLISHED)
def test_subset_is_the_published_one_image_by_image(volunteers, subset):
    chosen = select_subset(volunteers, subset)
    assert chosen["file"].tolist() == volunteers.loc[volunteers[subset], "file"].tolist()


def test_epochs_are_corrected_as_published(volunteers):
    counts = [len(select_subset(volunteers, s)) for s in ("all", "v7", "v3", "v1", "esed")]
    assert [corrected_epochs(10, counts[0], n) for n in counts] == [10, 19, 51, 166, 113]


def test_r_draws_come_out():
    # In R >= 3.6: set.seed(42); sample(10); the second from a fresh seed: sample(1:100, 5).
    assert RSample(42).sample(range(1, 11), 10) == [1, 5, 10, 8, 2, 4, 6, 9, 7, 3]
    assert RSample(42).sample(range(1, 101), 5) == [49, 65, 25, 74, 18]


def test_drawing_everything_is_a_permutation_and_one_of_one_is_itself():
    assert sorted(RSample(1).sample(range(70000), 70000)) == list(range(70000))
    assert RSample(1).sample(["only"], 1) == ["only"]


def test_order_of_the_index_has_no_influence(index):
    shuffled = index.sample(frac=1, random_state=0)
    for subset in PUBLISHED:
        assert set(select_subset(shuffled, subset).index) == set(select_subset(index, subset).index)


def test_subsets_are_nested_and_of_equal_size(index):
    rows = {subset: set(select_subset(index, subset).index) for subset in PUBLISHED}
    assert rows["v1"] < rows["v3"] < rows["v7"]
    assert rows["r1"] < rows["r_esed"] < rows["r7"]
    assert [len(rows[s]) for s in PUBLISHED] == [84, 36, 12, 84, 36, 12, 60, 60]


def test_fewer_subjects_than_the_largest_step_still_allow_the_smaller_ones(index):
    few = index[index["subject"] < "05"]
    assert select_subset(few, "v3")["subject"].nunique() == 3
    with pytest.raises(ValueError, match=r"v7 needs 7 subjects, there are 5 .00, 01, 02, 03, 04"):
        select_subset(few, "v7")
    with pytest.raises(ValueError, match="r7 needs 7 subjects, there are 5"):
        select_subset(few, "r7")


def test_esed_are_the_frames_of_least_and_most_cavity(index):
    assert (esed_frames(index)[["es", "ed"]] == [2, 0]).all(axis=None)
    assert set(select_subset(index, "esed")["frame"]) == {0, 2}


def test_a_frame_that_is_labelled_in_part_is_no_end_systole(index):
    # The frame of the smallest cavity lacks two slices, and what is labelled is its half.
    part = index[(index["frame"] != 1) | (index["slice"] == 0)]
    whole = part.assign(whole=(part["frame"] != 1).astype(int))
    assert (esed_frames(whole)[["es", "ed"]] == [2, 0]).all(axis=None)
    # No frame has all slices of the stack: those with the most are compared.
    assert (esed_frames(part.assign(whole=0))[["es", "ed"]] == [2, 0]).all(axis=None)


def test_all_keeps_every_row(index):
    assert select_subset(index, "all") is index


def test_confidence_set_holds_subjects_up_to_its_score(index):
    scores = pd.DataFrame({"subject": sorted(set(index["subject"]))})
    scores["score"] = [0.05, 0.0501, 0.1, 0.02, 0.3, 0.15, float("nan"), 0.4, 0.5, 0.6]
    chosen = {s: set(select_subset(index, s, scores)["subject"]) for s in ("c05", "c10", "c15")}
    assert chosen["c05"] == {"00", "03"}
    assert chosen["c10"] == {"00", "01", "02", "03"}
    assert chosen["c15"] == {"00", "01", "02", "03", "05"}


def test_soft_subset_repeats_images_the_more_the_lower_the_score(index):
    scores = [0.0, 0.02, 0.1, 0.2, 0.21, 0.3, np.nan, 0.05, 0.15, 1.0]
    table = pd.DataFrame({"subject": [f"{s:02d}" for s in range(10)], "score": scores})
    chosen = select_subset(index, "soft", table)
    # 4 exp(-score / 0.1): 4, 3.27, 1.47, 0.54, 0.49, 0.2, none, 2.43, 0.89, 0.
    times = chosen["subject"].value_counts() / 12
    expected = {"00": 4, "01": 3, "02": 1, "03": 1, "07": 2, "08": 1}
    assert times.to_dict() == expected
    assert not is_corrected("soft")
    with pytest.raises(ValueError, match=r"subset soft: the best score .* is 0\.900, which is too"):
        select_subset(index, "soft", table.assign(score=0.9))


def test_confidence_set_needs_scores_of_all_subjects(index):
    with pytest.raises(ValueError, match="soft needs the confidence table"):
        select_subset(index, "soft")
    with pytest.raises(ValueError, match="c05 needs the confidence table"):
        select_subset(index, "c05")
    scores = pd.DataFrame({"subject": ["00", "01"], "score": [0.2, 0.3]})
    with pytest.raises(ValueError, match="no row in the confidence table for subjects 02, 03"):
        select_subset(index, "c05", scores)
    with pytest.raises(
        ValueError,
        match=r"no subject has a score of at most 0.05.*best of those to choose from is 0.200",
    ):
        select_subset(index[index["subject"] < "02"], "c05", scores)


@pytest.mark.parametrize("subset", ["v2", "esde", "r", "c20", ""])
def test_unknown_subset_is_refused_by_name(index, subset):
    with pytest.raises(ValueError, match=f"subset '{subset}' is unknown, expected one of all, c05"):
        select_subset(index, subset)


def test_only_draws_correct_the_epochs():
    assert [s for s in ["all", "c05", *PUBLISHED] if is_corrected(s)] == PUBLISHED
