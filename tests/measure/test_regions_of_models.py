"""What models of regions know: a network of the whole wall tells of no oedema."""

import math

import numpy as np
import pytest

from cmrseg.cine import Cine
from cmrseg.labels import Tissue
from cmrseg.measure.cohort_evaluation import evaluate_labels
from cmrseg.measure.cohort_volumes import measure_volumes
from cmrseg.measure.labellers import LabelMaps

SPLITS = {"1": "test"}
# Rows of 10 pixels of 1 mm in two slices 10 mm apart are 0.2 ml.
ROW_ML = 0.2


def stack(**rows):
    """Labels (1, 2, 20, 10) of so many rows of each tissue, one below the other."""
    labels = np.zeros((1, 2, 20, 10), np.uint8)
    numbers = np.repeat([int(Tissue[name]) for name in rows], list(rows.values()))
    labels[..., : len(numbers), :] = numbers[:, None]
    return labels


@pytest.fixture
def labeller(tmp_path):
    """Makes the labeller of a stack: a model with tissues, an annotator without."""

    def make(labels, tissues=""):
        name = f"{tissues or 'expert'}".replace(",", "_")
        path = tmp_path / name / "1" / "c0.nii.gz"
        path.parent.mkdir(parents=True)
        Cine(labels, np.diag([1.0, 1.0, 10.0, 1.0])).save(path)
        return LabelMaps(name, "people", [tmp_path / name], tissues, sequence="c0")

    return make


@pytest.fixture
def expert(labeller):
    return labeller(stack(LV=4, MYO=5, EDEMA=2, SCAR=3))


def compared(model, expert):
    return evaluate_labels(model, expert, SPLITS, "max", "max").subjects.iloc[0]


def test_a_model_without_a_channel_for_oedema_measures_none(labeller):
    model = labeller(stack(LV=4, MYO=7, SCAR=3), "lv,rv,wall,scar")
    row = measure_volumes(model, SPLITS, "max")[0].iloc[0]
    assert math.isnan(row["edema_ml"])
    assert math.isnan(row["edema_percent"])
    assert row["scar_ml"] == pytest.approx(3 * ROW_ML)
    assert row["wall_ml"] == pytest.approx(10 * ROW_ML)
    assert row["scar_percent"] == pytest.approx(30)


def test_what_may_be_oedema_or_scar_is_measured_as_neither(labeller):
    model = labeller(stack(LV=4, MYO=5, EDEMA=5), "lv,rv,wall,scar_edema")
    row = measure_volumes(model, SPLITS, "max")[0].iloc[0]
    assert row[["edema_ml", "scar_ml", "my_ml", "wall_ml", "edema_percent"]].isna().all()
    assert row["lv_ml"] == pytest.approx(4 * ROW_ML)


def test_a_model_of_scar_in_the_wall_is_right_where_an_expert_draws_oedema(labeller, expert):
    row = compared(labeller(stack(LV=4, MYO=7, SCAR=3), "lv,rv,wall,scar"), expert)
    for name in ("lv", "my", "scar", "wall"):
        assert row[f"dice_{name}"] == 1
    assert not [name for name in row.index if "edema" in name and row[name] == row[name]]
    assert row["reference_wall_ml"] == row["predicted_wall_ml"] == pytest.approx(10 * ROW_ML)
    assert row["reference_scar_percent"] == row["predicted_scar_percent"] == pytest.approx(30)
    assert row["dice_heart_other"] == 1


def test_a_model_of_the_wall_is_compared_with_the_whole_wall(labeller, expert):
    row = compared(labeller(stack(LV=4, MYO=9), "lv,rv,wall"), expert)
    # 9 rows of wall are found of 10.
    assert row["dice_wall"] == row["dice_my"] == pytest.approx(2 * 9 / (9 + 10))
    assert not {"dice_scar", "dice_edema", "dice_scar_edema", "false_scar_ml"} & set(row.index)


def test_a_model_of_lesions_is_scored_in_their_union_alone(labeller, expert):
    row = compared(labeller(stack(LV=4, MYO=5, EDEMA=4), "lv,rv,wall,scar_edema"), expert)
    # 4 rows of 5, whichever of the two they are; the wall has 9 rows of 10.
    assert row["dice_scar_edema"] == pytest.approx(2 * 4 / (4 + 5))
    assert row["dice_wall"] == pytest.approx(2 * 9 / (9 + 10))
    assert not {"dice_scar", "dice_edema", "dice_my"} & set(row.index)
