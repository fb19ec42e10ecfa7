"""Scar and oedema on digital patients: from raw files to bull's eyes."""

import pandas as pd
import pytest

from cmrseg.files import read_table
from demo_study import run_demo, run_short_demo
from tiny_study import Project

CONFIG = "config/myops-demo.yaml"
MODELS = "config/models/myops-demo.tsv"
PATIENTS = "config/cohorts/myops_demo.tsv"
# Mean Dice of test patients that have the region.
LEAST_DICE = {"lv": 0.94, "rv": 0.91, "wall": 0.89, "scar": 0.8, "scar_edema": 0.8}
# Largest median error of scar mass, and the largest
# scar of a patient without one.
MOST_SCAR_ERROR, MOST_FALSE_SCAR_ML = 0.15, 1.0


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    """A copy in which the study was run, on all cores."""
    return run_demo(tmp_path_factory.mktemp("myops_demo"), CONFIG)


@pytest.fixture(scope="module")
def short(tmp_path_factory):
    """A copy in which narrow networks were trained for one epoch on a few patients."""
    folder = tmp_path_factory.mktemp("short_myops")
    short = {"epochs": 1, "width": 8, "views": 1, "batch": 2}
    return run_short_demo(folder, CONFIG, MODELS, [PATIENTS], 2, **short)


def of_test_patients(project: Project, table: str) -> pd.DataFrame:
    """Rows of a table of the test patients."""
    rows = read_table(project.folder / "results/myops_demo" / table).set_index("subject")
    return rows[rows["split"] == "test"]


@pytest.mark.soak
@pytest.mark.parametrize("region", LEAST_DICE)
def test_the_ensemble_finds_the_tissues_of_unseen_patients(project, region):
    table = of_test_patients(project, "evaluation/pathology/patients/subjects.tsv")
    assert table[f"dice_{region}"].mean() >= LEAST_DICE[region]


@pytest.mark.soak
def test_scar_mass_is_that_of_the_true_labels(project):
    found, true = (
        of_test_patients(project, f"cohorts/patients/volumes/{labeller}.tsv")["scar_g"]
        for labeller in ("pathology", "truth")
    )
    assert list(found.index) == list(true.index)
    scarred = true > 0
    assert scarred.sum() >= 8
    error = found[scarred] / true[scarred] - 1
    assert error.abs().median() <= MOST_SCAR_ERROR
    assert (found[~scarred] / 1.05).max() <= MOST_FALSE_SCAR_ML


@pytest.mark.long
def test_every_patient_has_scar_by_segment_also_where_networks_have_learnt_nothing(short):
    assert short.planned(config=CONFIG) == []
    place = short.folder / "results/myops_demo"
    network, truth = (
        read_table(place / f"cohorts/patients/phenotypes/{panel}.tsv").set_index("subject")
        for panel in ("network", "truth")
    )
    assert list(network.index) == list(truth.index)
    assert truth["transmurality_global_percent"].notna().all()
    # Of subjects that members were trained on, the labels are of the member that was not.
    summary = read_table(place / "evaluation/pathology/patients/summary.tsv")
    assert {"out_of_fold", "test"} <= set(summary["split"])
    figures = {path.stem for path in (place / "figures").iterdir()}
    assert {"segments", "late_enhancement", "t2", "training"} <= figures
