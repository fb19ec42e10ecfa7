"""The pre-clinical study on digital mice, from HDF5 files to the numbers of unseen mice."""

import math

import pandas as pd
import pytest

from cmrseg.files import read_table
from tiny_study import copy_project

CONFIG = "config/preclinical-demo.yaml"
pytestmark = pytest.mark.long


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    """Results of the study, run on all cores."""
    project = copy_project(tmp_path_factory.mktemp("mice"))
    done = project.snakemake("--cores", "all", config=CONFIG)
    assert done.returncode == 0, done.stdout[-5000:]
    return project.folder / "results/preclinical_demo"


def dice(results, labeller: str, cohort: str) -> pd.Series:
    """Mean Dice of the subjects that no network has seen, by tissue."""
    table = read_table(results / "evaluation" / labeller / cohort / "subjects.tsv")
    return table.loc[table["split"] == "test", ["dice_lv", "dice_my"]].mean()


def test_unet3plus_finds_the_lv_of_unseen_mice(results):
    found = dice(results, "mouse_unet3plus", "mice")
    assert found["dice_lv"] >= 0.9
    assert found["dice_my"] >= 0.8


def test_a_network_of_patients_is_a_better_start_for_mice_than_none(results):
    transferred, plain = (dice(results, f"{name}_unet", "mice") for name in ("transfer", "mouse"))
    assert (transferred > plain).all()


def test_networks_are_worse_on_the_other_species(results):
    for labeller, own, other in (
        ("human_unet", "humans", "mice"),
        ("mouse_unet3plus", "mice", "humans"),
    ):
        assert (dice(results, labeller, own) > dice(results, labeller, other) + 0.1).all()


def test_numbers_of_the_paper_stand_beside_those_of_the_digital_mice(results):
    table = read_table(results / "evaluation/published.tsv").set_index("id")
    assert table.loc["M05", "published"] == "0.94"
    both = table.loc["M05", "ours"]
    by_phase = table.loc[["M01", "M03"], "ours"]
    assert math.isclose(both, by_phase.mean(), abs_tol=0.005)
    assert table["ours"].notna().all()


def test_frames_of_inflow_have_numbers_of_their_own(results):
    table = read_table(results / "evaluation/mouse_unet3plus/mice/subjects.tsv")
    scores = table["dice_lv_other"].dropna()
    assert 0 < len(scores) < len(table) / 2
    assert scores.between(0.5, 0.999).all()
