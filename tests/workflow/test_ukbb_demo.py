"""UK Biobank's system on digital patients: from raw files to one table of phenotypes."""

import pandas as pd
import pytest

from cmrseg.files import read_table
from demo_study import run_demo, run_short_demo
from tiny_study import Project

CONFIG = "config/ukbb-demo.yaml"
MODELS = "config/models/ukbb-demo.tsv"
COHORTS = [f"config/cohorts/ukbb_demo_{name}.tsv" for name in ("views", "aortas", "patients")]
# What a short training on few patients must reach, of patients that it never saw.
LEAST_DICE = {
    "two_chamber": {"la": 0.9},
    "four_chamber": {"la": 0.9, "ra": 0.9, "lv": 0.9},
    "aorta": {"aao": 0.92, "dao": 0.92},
    "short_axis": {"lv": 0.9, "my": 0.85},
}
# Largest median difference of the network's measures from those of the true labels.
MOST = {
    "la_ef": 0.06,
    "wt_global_mm": 0.7,
    "ecc_global_percent": 1.5,
    "err_global_percent": 6.0,
    "ell_global_percent": 2.0,
}
# The same, as a part of the true value.
MOST_RELATIVE = {"lav_max_ml": 0.08, "rav_max_ml": 0.08, "edv_ml": 0.08}


# Largest median difference of distensibility from that of the formula, as a part of it.
MOST_OF_DISTENSIBILITY = 0.1


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    """A copy in which the study was run, on all cores."""
    return run_demo(tmp_path_factory.mktemp("ukbb"), CONFIG)


@pytest.fixture(scope="module")
def short(tmp_path_factory):
    """A copy in which narrow networks were trained for one epoch, on one patient of each split."""
    folder = tmp_path_factory.mktemp("short")
    return run_short_demo(folder, CONFIG, MODELS, COHORTS, 1, epochs=1, width=4)


def formulas(project: Project) -> pd.DataFrame:
    raw = project.folder / "results/ukbb_demo/phantom/patients"
    truth = pd.concat([read_table(path) for path in sorted(raw.glob("*/truth.tsv"))])
    return truth.set_index("subject")


def patients(project: Project, panel: str) -> pd.DataFrame:
    place = project.folder / "results/ukbb_demo/cohorts/patients/phenotypes"
    table = read_table(place / f"{panel}.tsv").set_index("subject")
    doubts = table.filter(like="_doubt").astype(object).fillna("")
    return table.assign(**doubts)


@pytest.mark.soak
@pytest.mark.parametrize("labeller", LEAST_DICE)
def test_networks_find_the_chambers_and_vessels_of_unseen_patients(project, labeller):
    place = project.folder / f"results/ukbb_demo/evaluation/{labeller}/patients"
    table = read_table(place / "subjects.tsv")
    for tissue, least in LEAST_DICE[labeller].items():
        assert table[f"dice_{tissue}"].mean() >= least, tissue


@pytest.mark.soak
def test_measures_of_networks_are_those_of_the_true_labels(project):
    network, truth = patients(project, "network"), patients(project, "truth")
    assert network["edv_ml"].notna().all()
    for column, most in MOST.items():
        assert (network[column] - truth[column]).abs().median() <= most, column
    for column, most in MOST_RELATIVE.items():
        assert (network[column] / truth[column] - 1).abs().median() <= most, column


@pytest.mark.soak
def test_the_left_ventricle_has_one_volume_in_short_axis_long_axes_and_formula(project):
    table = patients(project, "truth")
    assert (table["edv_ml"] / table["known_edv_ml"] - 1).abs().max() < 0.05
    # Shorter than the ventricle where a view misses the apex, and 2 % larger as it is cut.
    assert (table["biplane_edv_ml"] / table["known_edv_ml"] - 1).abs().median() < 0.06


@pytest.mark.soak
def test_the_aorta_of_true_labels_has_the_areas_of_the_formula(project):
    table = patients(project, "truth")
    truth = formulas(project).loc[table.index]
    for column in ("aao_max_mm2", "dao_max_mm2"):
        assert (table[column] / truth[column] - 1).abs().median() < 0.03


@pytest.mark.soak
@pytest.mark.parametrize("panel", ["truth", "network"])
def test_distensibility_is_that_of_the_formula(project, panel):
    table = patients(project, panel)
    truth = formulas(project).loc[table.index]
    for vessel in ("aao", "dao"):
        found = table[f"{vessel}_distensibility_per_1000_mmhg"]
        assert found.notna().sum() >= len(table) - 1
        error = found / truth[f"{vessel}_distensibility_per_kmmhg"] - 1
        assert error.abs().median() <= MOST_OF_DISTENSIBILITY, vessel


@pytest.mark.soak
def test_every_patient_has_a_row_also_where_networks_have_learnt_nothing(short):
    assert short.planned(config=CONFIG) == []
    network, truth = patients(short, "network"), patients(short, "truth")
    assert list(network.index) == list(truth.index)
    assert len(truth) == 1
    for measure in ("atria", "biplane", "aorta", "wall_thickness", "strain"):
        # The two-chamber network knows the atrium alone.
        assert (f"{measure}_doubt" in network) == (measure != "biplane")
        assert (truth[f"{measure}_doubt"] == "").all(), measure
    assert (network.filter(like="_doubt") != "").any(axis=None)
    for measure, column in (("atria", "lav_max_ml"), ("wall_thickness", "wt_global_mm")):
        assert ((network[f"{measure}_doubt"] == "") | network[column].isna()).all()


@pytest.mark.soak
def test_every_figure_is_drawn_where_networks_have_learnt_nothing(short):
    figures = {path.stem for path in (short.folder / "results/ukbb_demo/figures").iterdir()}
    assert {"segments", "strain", "atrial_curves", "aortic_curves", "agreement"} <= figures
