"""Confidence: relative errors against known volumes, cumulative sets."""

import pandas as pd
import pytest

from cmrseg.measure.confidence import COLUMNS, THRESHOLDS, confidence_table
from cmrseg.splits import original, upright_rows


@pytest.fixture
def volumes():
    return pd.DataFrame(
        {
            "subject": ["1", "02", "3_a", "4"],
            "edv_ml": [102.0, 92.0, 100.0, 0.0],
            "esv_ml": [51.0, 51.0, 57.5, 0.0],
        }
    )


@pytest.fixture
def subjects():
    return pd.DataFrame(
        {
            "subject": ["3_a", "1", "02", "4", "never imported"],
            "split": ["test", "train", "validate", "train", "test"],
            "edv_ml": [100.0, 100.0, 100.0, 100.0, 100.0],
            "esv_ml": [50.0, 50.0, 50.0, 50.0, 50.0],
        }
    )


def test_score_is_the_larger_relative_error(volumes, subjects):
    table = confidence_table(volumes, subjects)
    assert tuple(table.columns) == COLUMNS
    assert table["subject"].tolist() == ["1", "02", "3_a", "4"]
    assert table["split"].tolist() == ["train", "validate", "test", "train"]
    assert table["edv_error"].tolist() == pytest.approx([0.02, -0.08, 0, -1])
    assert table["esv_error"].tolist() == pytest.approx([0.02, 0.02, 0.15, -1])
    assert table["score"].tolist() == pytest.approx([0.02, 0.08, 0.15, 1])


def test_set_is_the_smallest_that_holds_the_subject(volumes, subjects):
    assert confidence_table(volumes, subjects)["set"].tolist() == ["c05", "c10", "c15", ""]


def test_thresholds_are_settings(volumes, subjects):
    thresholds = {"wide": 2.0, "narrow": 0.02}
    table = confidence_table(volumes, subjects, thresholds)
    assert table["set"].tolist() == ["narrow", "wide", "wide", "wide"]


def test_perfect_labels_score_zero(subjects):
    assert confidence_table(subjects, subjects)["score"].eq(0).all()


def test_subjects_without_known_volumes_are_named(volumes, subjects):
    subjects.loc[subjects["subject"] == "1", "esv_ml"] = float("nan")
    known = subjects[subjects["subject"] != "02"]
    with pytest.raises(ValueError, match="subjects 1, 02 have no known volumes"):
        confidence_table(volumes, known)


def test_repeated_subjects_are_named(volumes, subjects):
    with pytest.raises(ValueError, match="subjects 4 have more than one row"):
        confidence_table(volumes, pd.concat([subjects, subjects[3:4]]))


def published_confidence(data):
    """The published table, and ours made of the same volumes."""
    folder = data / "published" / "analysis" / "kaggle"
    volumes = pd.read_csv(folder / "ukbb_ventricular_volumes.csv", dtype={0: str})
    volumes = volumes.iloc[:, :3].set_axis(["subject", "edv_ml", "esv_ml"], axis=1)
    published = pd.read_csv(folder / "confidence_by_patient.tsv", sep="\t", dtype={"Id": str})
    truth = []
    for split in ("train", "validate"):
        table = pd.read_csv(folder / "truth" / f"{split}.csv", dtype={"Id": str})
        truth.append(table.assign(split=split).set_index("Id"))
    solution = pd.read_csv(folder / "truth" / "solution.csv")
    solution[["Id", "phase"]] = solution["Id"].str.split("_", expand=True)
    truth.append(solution.pivot_table("Volume", "Id", "phase").assign(split="test"))
    known = pd.concat(truth).loc[volumes["subject"].str.extract(r"^(\d+)")[0]]
    subjects = pd.DataFrame(
        {
            "subject": volumes["subject"],
            "split": known["split"].to_numpy(),
            "edv_ml": known["Diastole"].to_numpy(),
            "esv_ml": known["Systole"].to_numpy(),
        }
    )
    return published, confidence_table(volumes, subjects)


def test_published_scores_are_reproduced(data):
    published, table = published_confidence(data)
    both = table.merge(published, left_on="subject", right_on="Id")
    assert len(both) == len(published) == 1396
    # The published tables keep 15 digits and were made in another language.
    for ours, theirs in (
        ("score", "confidence"),
        ("edv_error", "dia_perc"),
        ("esv_error", "sys_perc"),
    ):
        assert both[ours].to_numpy() == pytest.approx(both[theirs].to_numpy(), rel=0, abs=1e-12)
    assert (both["split"] == both["set_y"]).all()


def test_published_set_sizes_are_reproduced(data):
    _, table = published_confidence(data)
    plain = table["subject"].map(original) == table["subject"]
    scores = upright_rows(table)["score"]
    sizes = {name: int((scores <= limit).sum()) for name, limit in THRESHOLDS.items()}
    assert sizes == {"c05": 175, "c10": 520, "c15": 763}
    bins = table.loc[plain, "set"].value_counts()
    assert [bins[name] for name in ("c05", "c10", "c15", "")] == [145, 279, 201, 524]
