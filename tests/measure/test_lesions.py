"""Scar and oedema as masses and parts of the wall."""

import math

import numpy as np
import pandas as pd
import pytest

from cmrseg.cine import Cine
from cmrseg.labels import Tissue
from cmrseg.measure.by_sequence import measures_of, measures_of_curve
from cmrseg.measure.cohort_volumes import measure_volumes
from cmrseg.measure.labellers import LabelMaps
from cmrseg.measure.lesions import lesion_measures
from cmrseg.measure.volumes import volume_curves
from cmrseg.sequences import SEQUENCES

C0 = SEQUENCES["c0"]
# Voxels of 1 ml.
SPACING_MM = (10.0, 10.0, 10.0)


def stack(my=0, edema=0, scar=0, lv=0, rv=0):
    """Labels (1, 2, 10, 10) with so many voxels of each tissue."""
    labels = np.zeros((1, 2, 10, 10), np.uint8)
    tissues = (Tissue.MYO, Tissue.EDEMA, Tissue.SCAR, Tissue.LV, Tissue.RV)
    row = np.repeat([int(t) for t in tissues], [my, edema, scar, lv, rv])
    labels.reshape(-1)[: len(row)] = row
    return labels


def measured(labels, tissues=None):
    return measures_of_curve(volume_curves(labels, SPACING_MM, "7", tissues, C0), C0)


def test_still_stacks_have_no_phases_and_their_lesions():
    names = [measure.name for key in ("c0", "de", "t2") for measure in measures_of(SEQUENCES[key])]
    volumes = ["lv_ml", "my_ml", "rv_ml", "edema_ml", "scar_ml"]
    assert names == 3 * [*volumes, "wall_ml", "scar_g", "scar_percent", "edema_percent"]


def test_scar_and_oedema_are_parts_of_the_whole_wall():
    found = measured(stack(my=70, edema=10, scar=20, lv=40, rv=50))
    assert found == pytest.approx(
        {"lv_ml": 40, "my_ml": 70, "rv_ml": 50, "edema_ml": 10, "scar_ml": 20}
        | {"wall_ml": 100, "scar_g": 21, "scar_percent": 20, "edema_percent": 10}
    )


def test_a_heart_without_scar_has_none_of_it():
    found = measured(stack(my=70, edema=30, lv=40))
    assert (found["scar_ml"], found["scar_g"], found["scar_percent"]) == (0, 0, 0)
    assert found["edema_percent"] == pytest.approx(30)


def test_who_knows_no_lesions_tells_nothing_of_them():
    found = measured(stack(my=70, lv=40), (Tissue.LV, Tissue.MYO, Tissue.RV))
    assert found["wall_ml"] == 70
    assert all(math.isnan(found[n]) for n in ("scar_ml", "scar_g", "scar_percent", "edema_percent"))


def test_without_wall_there_is_no_share_of_it():
    found = lesion_measures({Tissue.MYO: 0.0, Tissue.EDEMA: 0.0, Tissue.SCAR: 0.0})
    assert math.isnan(found["scar_percent"])
    found = lesion_measures({Tissue.MYO: math.nan, Tissue.EDEMA: 1.0, Tissue.SCAR: 2.0})
    assert math.isnan(found["wall_ml"])
    assert found["scar_g"] == pytest.approx(2.1)


def test_a_cohort_has_a_row_of_each_heart(tmp_path):
    for subject, labels in (("1", stack(my=60, scar=40, lv=9)), ("2", stack(my=60, lv=9))):
        path = tmp_path / subject / "c0.nii.gz"
        path.parent.mkdir()
        Cine(labels, np.diag([10.0, 10, 10, 1])).save(path)
    maps = LabelMaps("expert", "people", [tmp_path], sequence="c0")
    volumes, _ = measure_volumes(maps, {"1": "test", "2": "test"}, "max")
    expected = pd.DataFrame({"scar_percent": [40.0, 0.0], "wall_ml": [100.0, 60.0]})
    pd.testing.assert_frame_equal(volumes[list(expected)], expected)
    # Nobody drew oedema in this cohort.
    assert volumes["edema_percent"].isna().all()
    assert not {"ef", "edv_ml", "ed_frame"} & set(volumes)
