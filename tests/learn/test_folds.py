"""Folds by patient, and the slices of each."""

import numpy as np
import pandas as pd
import pytest

from cmrseg.files import sha256
from cmrseg.learn.fold_slices import divide_slices
from cmrseg.learn.folds import make_folds
from cmrseg.learn.slices import Slices


def rows(*patients):
    return [{"subject": f"{p}_{n}", "patient": p} for n, p in enumerate(patients)]


def test_every_examination_of_a_patient_is_in_one_fold():
    folds = make_folds(rows("a", "b", "a", "c", "a", "b"), 3)
    assert folds.groupby("patient")["fold"].nunique().eq(1).all()
    assert sorted(folds.groupby("patient")["fold"].first()) == [1, 2, 3]


def test_folds_have_as_many_patients_as_others_or_one_more():
    folds = make_folds(rows(*(f"{i:03d}" for i in range(23))), 5)
    assert sorted(folds["fold"].value_counts()) == [4, 4, 5, 5, 5]


def test_folds_are_drawn_and_not_those_of_the_table_s_order():
    names = [f"{i:03d}" for i in range(40)]
    fold = make_folds(rows(*names), 2)["fold"].to_numpy()
    # Forty draws of a coin: neither half is of one fold.
    assert 4 < (fold[:20] == 1).sum() < 16


def test_the_order_of_the_subjects_is_no_matter():
    given = rows("010", "2", "b", "1", "a", "30")
    forth, back = make_folds(given, 3), make_folds(given[::-1], 3)
    assert back[::-1].reset_index(drop=True).equals(forth)


def test_fewer_patients_than_folds_are_refused():
    with pytest.raises(ValueError, match="2 patients for 3 folds"):
        make_folds(rows("a", "b", "a"), 3)


@pytest.fixture
def slices(tmp_path):
    """A slice each of four subjects, one of them as a rotated copy."""
    folder = tmp_path / "slices"
    folder.mkdir()
    subjects = ["1", "2_rot90", "3", "4"]
    np.save(folder / "images.npy", np.arange(4, dtype=np.uint8).reshape(4, 1, 1))
    np.save(folder / "labels.npy", np.zeros((4, 1, 1), np.uint8))
    index = {"row": range(4), "subject": subjects, "split": ["train", "train", "validate", "test"]}
    pd.DataFrame(index).to_csv(folder / "index.tsv", sep="\t", index=False)
    return folder


FOLDS = pd.DataFrame({"subject": ["1", "2"], "patient": ["1", "2"], "fold": [1, 2]})


def test_slices_of_a_fold_are_validated_on_and_those_of_the_others_trained_on(slices, tmp_path):
    for fold, expected in (
        (1, ["validate", "train", "unused", "test"]),
        (2, ["train", "validate", "unused", "test"]),
    ):
        divide_slices(slices, FOLDS, fold, tmp_path / "fold")
        found = Slices.load(tmp_path / "fold")
        assert found.index["split"].tolist() == expected
        assert found.index["subject"].tolist() == ["1", "2_rot90", "3", "4"]


def test_images_and_labels_of_a_fold_take_no_space(slices, tmp_path):
    before = sha256(slices)
    divide_slices(slices, FOLDS, 1, tmp_path / "fold")
    assert sha256(slices) == before
    for name in ("images.npy", "labels.npy"):
        assert (tmp_path / "fold" / name).samefile(slices / name)


def test_where_links_are_not_possible_a_fold_has_copies(slices, tmp_path, monkeypatch):
    def refuse(*paths):
        raise OSError("no links here")

    monkeypatch.setattr("cmrseg.learn.fold_slices.os.link", refuse)
    divide_slices(slices, FOLDS, 1, tmp_path / "fold")
    assert Slices.load(tmp_path / "fold").images.ravel().tolist() == [0, 1, 2, 3]


def test_a_fold_without_labels_is_refused_with_its_subjects(slices, tmp_path):
    folds = pd.DataFrame({"subject": ["1", "7", "8"], "fold": [1, 2, 2]})
    with pytest.raises(
        ValueError, match=r"no labelled slice is of the subjects in fold 2 \(7, 8\)"
    ):
        divide_slices(slices, folds, 2, tmp_path / "fold")
    assert not (tmp_path / "fold").exists()
