"""What the demo study must show; skipped where it has not been run (`make demo`)."""

from pathlib import Path

import pandas as pd
import pytest

from cmrseg.dicom.audit import LOST
from cmrseg.files import read_table

ROOT = Path(__file__).resolve().parents[2]
KEYS = ["subject", "problem", "resolution", "image"]


def subjects(cohort: str) -> pd.DataFrame:
    return read_table(ROOT / "config" / "cohorts" / f"demo_{cohort}.tsv")


def mean_dice(demo: Path, labeller: str, cohort: str, tissue: str) -> float:
    """Mean Dice of the held-out subjects of a cohort."""
    table = read_table(demo / "evaluation" / labeller / cohort / "subjects.tsv")
    return table.loc[table["split"] == "test", f"dice_{tissue}"].mean()


def with_truth(demo: Path, labeller: str) -> pd.DataFrame:
    volumes = read_table(demo / "cohorts" / "kaggle" / "volumes" / f"{labeller}.tsv")
    known = subjects("kaggle")[["subject", "edv_ml", "esv_ml", "faults"]]
    return volumes.merge(known, on="subject", suffixes=("", "_true"))


def ef_error(demo: Path, labeller: str) -> float:
    """Mean absolute error; an ejection fraction that is undefined counts as wrong altogether."""
    table = with_truth(demo, labeller)
    true_ef = 1 - table["esv_ml_true"] / table["edv_ml_true"]
    return (table["ef"] - true_ef).abs().fillna(1).mean()


@pytest.mark.parametrize("cohort", ["kaggle", "seven_tesla"])
def test_every_injected_fault_is_in_the_audit_and_nothing_else(demo, cohort):
    manifests = sorted(demo.glob(f"phantom/{cohort}/*/manifest.tsv"))
    injected = pd.concat([read_table(path) for path in manifests])[KEYS]
    audited = read_table(demo / "cohorts" / cohort / "audit.tsv")[KEYS]
    assert sorted(audited.itertuples(index=False)) == sorted(injected.itertuples(index=False))


def test_subjects_that_were_left_out_are_absent_and_all_others_are_there(demo):
    audit = read_table(demo / "cohorts" / "kaggle" / "audit.tsv")
    lost = set(audit.loc[audit["resolution"] == LOST, "subject"])
    volumes = read_table(demo / "cohorts" / "kaggle" / "volumes" / "fcn.tsv")
    assert lost == {"333", "601", "808"}
    assert set(volumes["subject"]) == set(subjects("kaggle")["subject"]) - lost


def test_the_fcn_finds_the_lv_of_held_out_subjects(demo):
    assert mean_dice(demo, "fcn", "biobank", "lv") >= 0.90


def test_the_fcn_measures_end_diastolic_volumes_of_intact_subjects(demo):
    table = with_truth(demo, "fcn")
    intact = table[table["faults"] == ""]
    error = ((intact["edv_ml"] - intact["edv_ml_true"]) / intact["edv_ml_true"]).abs()
    assert error.median() < 0.10


@pytest.mark.parametrize("tissue", ["lv", "my"])
def test_the_unet_beats_the_fcn_that_it_learned_from_on_held_out_subjects(demo, tissue):
    fcn = mean_dice(demo, "fcn", "kaggle", tissue)
    assert mean_dice(demo, "base", "kaggle", tissue) > fcn


@pytest.mark.parametrize("labeller", ["fcn", "base"])
def test_ejection_fractions_are_measured_within_five_points(demo, labeller):
    assert ef_error(demo, labeller) <= 0.05


@pytest.mark.parametrize("tissue", ["lv", "my"])
def test_double_transfer_beats_a_random_start_with_one_volunteer(demo, tissue):
    plain = mean_dice(demo, "plain_v1", "seven_tesla", tissue)
    assert mean_dice(demo, "double_v1", "seven_tesla", tissue) > plain


def test_intervals_of_the_fcn_hold_in_subjects_that_they_were_not_made_of(demo):
    scores = read_table(demo / "cohorts/kaggle/calibration/scores.tsv")
    held = (scores["coverage"] * scores["subjects"]).groupby(scores["measure"]).sum() / 35
    assert list(held.index) == ["edv_ml", "ef", "esv_ml", "sv_ml"]
    assert (held >= 0.85).all()
    table = read_table(demo / "cohorts/kaggle/calibration/volumes.tsv")
    width = table["ef_high"] - table["ef_low"]
    # Not by being wide.
    assert width.median() < 0.2


@pytest.mark.parametrize("level", ["subjects", "slices"])
def test_labels_are_judged_better_than_by_jumps_of_the_volume(demo, level):
    scores = read_table(demo / "cohorts" / "kaggle" / "quality" / "fcn.scores.tsv")
    found = scores[scores["of"] == level].set_index("order")
    assert found["aurc"]["predicted_dice"] < found["aurc"]["volume_jumps"]
    assert found["roc_auc"]["predicted_dice"] > 0.85


def test_the_list_of_what_to_look_at_begins_with_the_worst_labels(demo):
    table = read_table(demo / "cohorts" / "kaggle" / "quality" / "fcn.tsv")
    assert table["dice"].idxmin() == 0
    assert table["reasons"][0]
