"""Judges: what they learn, that nobody is judged in-sample, and that only numbers are stored."""

import json

import numpy as np
import pandas as pd
import pytest
from sklearn.ensemble import GradientBoostingRegressor

from cmrseg.quality.cohort import judged_tables, known_subjects, orders, with_dice
from cmrseg.quality.learn import Known, chance, learn, usual_images
from cmrseg.quality.model import Judge, of_slices
from cmrseg.quality.trees import Boosting, Trees, boosted

SETTINGS = Boosting(trees=20, depth=3, rate=0.1, least_leaf=3)


def cohort(count=24, seed=1, examinations=1):
    """Subjects whose Dice falls with how open their cavities are; 4 slices of 3 frames each."""
    rng = np.random.default_rng(seed)
    level = np.repeat(rng.uniform(0, 0.6, count // examinations), examinations)
    frame, z = (grid.ravel() for grid in np.mgrid[:3, :4])
    pictures, subjects = [], []
    for number, open_ in enumerate(level):
        own = np.clip(open_ + rng.normal(0, 0.03, 12), 0, 1)
        about = {"subject": f"s{number:02d}", "slice": z, "frame": frame, "pixels": 50}
        pictures.append(pd.DataFrame(about | {"cavity_open": own, "dice": 0.95 - own}))
        row = {"subject": f"s{number:02d}", "contrast": 0.5, "noise": 0.1 + open_ / 10}
        row |= {"roughness_lv": rng.random(), "missed_frames": 0.0, "slices": 4.0}
        subjects.append(row | {"dice": 0.95 - open_})
    patients = np.repeat(np.arange(count // examinations), examinations).astype(str)
    return Known(pd.concat(pictures, ignore_index=True), pd.DataFrame(subjects), patients)


@pytest.fixture(scope="module")
def learnt():
    return learn(cohort(), None, 0.7, 1)


# -- trees -----------------------------------------------------------------------------------


def test_trees_of_plain_numbers_say_what_scikit_learn_says():
    rng = np.random.default_rng(3)
    table = pd.DataFrame(rng.random((60, 3)).astype(np.float32), columns=list("abc"))
    target = table["a"] + (table["b"] > 0.5) * table["c"]
    found = boosted(table, ["a", "b", "c"], target.to_numpy(), SETTINGS, 5)
    theirs = GradientBoostingRegressor(
        n_estimators=20,
        max_depth=3,
        learning_rate=0.1,
        min_samples_leaf=3,
        subsample=0.5,
        max_features=0.5,
        random_state=5,
    ).fit(table.to_numpy(), target)
    assert found.predict(table) == pytest.approx(theirs.predict(table.to_numpy()), abs=1e-12)


def test_trees_survive_json_and_missing_values_are_medians():
    table = pd.DataFrame({"a": np.arange(40.0), "b": np.nan})
    found = boosted(table, ["a", "b"], table["a"].to_numpy(), SETTINGS, 1)
    assert found.names == ("a",)
    again = Trees.of(json.loads(json.dumps(found.plain())))
    assert (again.predict(table) == found.predict(table)).all()
    unknown, middle = pd.DataFrame({"a": [np.nan]}), pd.DataFrame({"a": [19.5]})
    assert found.predict(unknown) == found.predict(middle)


def test_trees_name_a_feature_that_is_missing():
    found = boosted({"a": np.arange(8.0)}, ["a"], np.arange(8.0), SETTINGS, 1)
    with pytest.raises(ValueError, match="feature a is missing; measure the quality again"):
        found.predict({"b": np.zeros(1)})


# -- judges ----------------------------------------------------------------------------------


def test_an_order_of_new_subjects_is_theirs_by_dice(learnt):
    new = cohort(seed=9)
    found = learnt.judge.judge(new.pictures, new.subjects).subjects
    true = new.subjects["dice"].to_numpy()
    assert np.corrcoef(found["predicted_dice"], true)[0, 1] > 0.95
    assert found["probability"][true < 0.5].min() > found["probability"][true > 0.85].max()


def test_nobody_is_judged_in_sample():
    """With another truth of a patient its own prediction stays, as it did not learn from itself."""
    first = cohort(examinations=2)
    other = cohort(examinations=2)
    mine = np.isin(other.subjects["subject"], ["s00", "s01"])
    other.subjects.loc[mine, "dice"] = 0.01
    other.pictures.loc[other.pictures["subject"].isin(["s00", "s01"]), "dice"] = 0.01
    said = [learn(known, None, 0.7, 1).own for known in (first, other)]
    for table in ("subjects", "slices", "pictures"):
        rows = [getattr(own, table).query("subject in ['s00', 's01']") for own in said]
        assert rows[0].equals(rows[1])
    assert not said[0].subjects.equals(said[1].subjects)


def test_a_judge_survives_json_and_learns_the_same_again(learnt):
    text = json.dumps(learnt.judge.plain(), allow_nan=False)
    again = Judge.of(json.loads(text))
    new = cohort(seed=4)
    for a, b in zip(
        again.judge(new.pictures, new.subjects),
        learnt.judge.judge(new.pictures, new.subjects),
        strict=True,
    ):
        pd.testing.assert_frame_equal(a, b, check_exact=True)
    assert json.dumps(learn(cohort(), None, 0.7, 1).judge.plain()) == text


def test_a_judge_of_another_form_is_refused():
    with pytest.raises(ValueError, match="a judge of form 0, expected 1; learn it again"):
        Judge.of({"form": 0})


def test_few_patients_teach_nothing():
    with pytest.raises(ValueError, match="7 patients with labels and a reference"):
        learn(cohort(count=14, examinations=2), None, 0.7, 1)


def test_a_subject_without_labels_needs_a_look_most(learnt):
    subjects = pd.DataFrame({"subject": ["x"], "missed_frames": [1.0]})
    subjects = subjects.reindex(columns=cohort().subjects.columns)
    pictures = cohort().pictures.iloc[:0]
    found = learnt.judge.judge(pictures, subjects).subjects
    assert found["predicted_dice"].tolist() == [0]
    assert found["probability"][0] == learnt.judge.subject_chance.probability.max()


def test_probabilities_fall_with_predicted_dice_and_none_is_certain():
    predicted = pd.Series(np.linspace(0, 1, 50))
    probability = chance(predicted, predicted, 0.5).of(predicted.to_numpy())
    assert (np.diff(probability) <= 0).all()
    assert probability[:24] == pytest.approx(51 / 52)
    assert probability[26:] == pytest.approx(1 / 52)


def test_labels_below_all_others_are_likelier_bad_than_these():
    # All 20 are good, and predicted within 0.1 of their Dice.
    predicted = pd.Series(np.linspace(0.85, 0.95, 20))
    found = chance(predicted, predicted[::-1].reset_index(drop=True), 0.8)
    assert found.of(np.array([0.9])) == pytest.approx(1 / 22)
    assert found.of(np.array([0.4])) > 0.7


def test_usual_images_are_median_and_robust_spread():
    table = pd.DataFrame({"contrast": [0.0, 1, 2, 3, 4], "noise": 0.5})
    found = usual_images(table)
    assert found["contrast"] == pytest.approx((2, 2 / 1.349))
    assert found["noise"] == (0.5, 1e-6)
    assert usual_images(table.assign(contrast=np.nan)) == {"noise": (0.5, 1e-6)}


def test_the_worst_frame_of_a_slice_is_named():
    table = pd.DataFrame({"subject": "a", "slice": [0, 0, 1], "frame": [4, 5, 4]})
    found = of_slices(table.assign(predicted_dice=[0.8, 0.2, 0.9]))
    assert found[["slice", "frame"]].to_numpy().tolist() == [[0, 5], [1, 4]]
    assert found["predicted_dice"].tolist() == [0.5, 0.9]


# -- tables ----------------------------------------------------------------------------------

ROWS = [{"subject": f"s{i:02d}", "patient": str(i), "split": "test"} for i in range(24)]


def test_tables_begin_with_what_to_look_at_first(learnt):
    measured = cohort()[:2]
    known = known_subjects(with_dice(*(t.drop(columns="dice") for t in measured)), ROWS, ["test"])
    assert len(known.subjects) == 0
    whole = type(with_dice(*measured))(*measured)
    found = judged_tables(learnt.judge, whole, ROWS, ["test"], learnt.own)
    assert found.subjects["rank"].tolist() == list(range(1, 25))
    assert found.subjects["predicted_dice"].is_monotonic_increasing
    assert found.subjects["out_of_fold"].eq(1).all()
    assert "cavity open" in found.subjects["reasons"][0]
    scores = found.scores.set_index(["of", "order"])
    areas = scores["aurc"]["subjects"]
    assert areas["perfect"] <= areas["predicted_dice"] < areas["volume_jumps"]
    assert scores.loc[("slices", "random"), "worst_tenth_in_first_fifth"] == 0.2


def test_subjects_that_the_labeller_learnt_from_have_no_part_in_the_scores(learnt):
    found = judged_tables(learnt.judge, with_dice(*cohort()[:2])._replace(), ROWS, [])
    assert found.scores.empty


def test_dice_is_the_mean_of_the_tissues_that_are_known():
    pictures = pd.DataFrame({"subject": "a", "slice": [0, 1], "frame": 0, "cavity_open": 0.0})
    subjects = pd.DataFrame({"subject": ["a", "b"]})
    images = pd.DataFrame(
        {"subject": "a", "slice": [0], "frame": 0, "dice_lv": 0.8, "dice_my": 0.6}
    )
    rows = pd.DataFrame({"subject": ["a"], "dice_lv": [0.9], "dice_my": np.nan})
    found = with_dice(pictures, subjects, images, rows)
    assert found.pictures["dice"].tolist() == pytest.approx([0.7, np.nan], nan_ok=True)
    assert found.subjects["dice"].tolist() == pytest.approx([0.9, np.nan], nan_ok=True)


def test_a_rotated_copy_is_of_its_originals_patient_and_split():
    pictures = pd.DataFrame({"subject": ["s01_rot90"], "dice": 0.5})
    subjects = pd.DataFrame({"subject": ["s01_rot90"], "dice": 0.5})
    measured = type(with_dice(pictures.drop(columns="dice"), subjects))(pictures, subjects)
    assert known_subjects(measured, ROWS, ["test"]).patients.tolist() == ["1"]
    assert len(known_subjects(measured, ROWS, ["train"]).subjects) == 0


def test_what_an_order_does_not_tell_comes_first():
    table = pd.DataFrame({"predicted_dice": [0.5, 0.6], "volume_jumps": [np.nan, 0.3], "dice": 0.9})
    assert orders(table)["volume_jumps"].tolist() == [-1.3, -0.3]
