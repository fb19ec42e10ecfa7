"""The pre-clinical study on digital mice, from HDF5 files to the numbers of unseen mice."""

import pandas as pd
import pytest

from cmrseg.files import read_table
from demo_study import run_demo, run_short_demo
from tiny_study import Project

CONFIG = "config/preclinical-demo.yaml"
MODELS = "config/models/preclinical-demo.tsv"
MICE, HUMANS = (f"config/cohorts/preclinical_demo_{name}.tsv" for name in ("mice", "humans"))


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    """A copy in which the study was run, on all cores."""
    return run_demo(tmp_path_factory.mktemp("mice"), CONFIG)


@pytest.fixture(scope="module")
def short(tmp_path_factory):
    """A copy in which narrow networks were trained for one epoch, on two subjects of each split."""
    folder = tmp_path_factory.mktemp("short")
    return run_short_demo(folder, CONFIG, MODELS, (MICE, HUMANS), 2, epochs=1, width=4)


@pytest.fixture
def results(project):
    return results_of(project)


def results_of(project: Project):
    return project.folder / "results/preclinical_demo"


def dice(results, labeller: str, cohort: str) -> pd.Series:
    """Mean Dice of the subjects that no network has seen, by tissue."""
    table = read_table(results / "evaluation" / labeller / cohort / "subjects.tsv")
    return table.loc[table["split"] == "test", ["dice_lv", "dice_my"]].mean()


@pytest.mark.soak
def test_unet3plus_finds_the_lv_of_unseen_mice(results):
    found = dice(results, "mouse_unet3plus", "mice")
    assert found["dice_lv"] >= 0.9
    assert found["dice_my"] >= 0.8


@pytest.mark.soak
def test_a_network_of_patients_is_a_better_start_for_mice_than_none(results):
    transferred, plain = (dice(results, f"{name}_unet", "mice") for name in ("transfer", "mouse"))
    assert (transferred > plain).all()


@pytest.mark.soak
def test_networks_are_worse_on_the_other_species(results):
    for labeller, own, other in (
        ("human_unet", "humans", "mice"),
        ("mouse_unet3plus", "mice", "humans"),
    ):
        assert (dice(results, labeller, own) > dice(results, labeller, other) + 0.1).all()


@pytest.mark.parametrize(
    ("made", "mice"),
    [
        pytest.param("short", 2, marks=pytest.mark.long),
        pytest.param("project", 6, marks=pytest.mark.soak),
    ],
)
def test_numbers_of_the_paper_stand_beside_those_of_unseen_mice(request, made, mice):
    project = request.getfixturevalue(made)
    table = read_table(results_of(project) / "evaluation/published.tsv").set_index("id")
    missing = table[table["ours"].isna()]
    # Networks that have learnt nothing yet have the same Dice everywhere, which cannot be ranked.
    assert set(missing["statistic"]) <= ({"p", "rho_dice"} if made == "short" else set())
    dice, edv = table.loc["M05"], table.loc["M19"]
    assert (dice["published"], edv["published"], edv["unit"]) == ("0.94", "65.6", "ul")
    subjects = read_table(results_of(project) / "evaluation/mouse_unet3plus/mice/subjects.tsv")
    stacks = subjects.loc[subjects["split"] == "test", ["dice_lv_ed", "dice_lv_es"]].to_numpy()
    assert (dice["n"], edv["n"]) == (stacks.size, len(stacks)) == (2 * mice, mice)
    # Written with four digits; with frames of inflow, or of all mice, it would be another.
    assert dice["ours"] == pytest.approx(stacks.mean(), abs=1e-4)
    # The volume with which these mice were drawn; that of all mice is 2 % larger.
    drawn = read_table(project.folder / MICE)
    drawn_ul = 1000 * drawn.loc[drawn["split"] == "test", "edv_ml"].mean()
    assert edv["ours"] == pytest.approx(drawn_ul, rel=0.01)


@pytest.mark.long
def test_every_figure_and_all_of_the_study_is_made(short):
    assert short.planned(config=CONFIG) == []
    figures = {path.stem for path in (results_of(short) / "figures").iterdir()}
    assert {"volumes", "learning_curves", "strategies", "overlays", "viewer"} <= figures


@pytest.mark.soak
def test_frames_of_inflow_have_numbers_of_their_own(results):
    table = read_table(results / "evaluation/mouse_unet3plus/mice/subjects.tsv")
    scores = table["dice_lv_other"].dropna()
    assert 0 < len(scores) < len(table) / 2
    assert scores.between(0.5, 0.999).all()
