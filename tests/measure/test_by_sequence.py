"""What is measured in which sequence."""

import math

import numpy as np
import pandas as pd
import pytest

from cmrseg.cine import Cine
from cmrseg.labels import UNLABELLED, Tissue
from cmrseg.measure.by_sequence import curve_columns, has_phases, measures_of, measures_of_curve
from cmrseg.measure.cohort_evaluation import evaluate_labels
from cmrseg.measure.cohort_volumes import measure_volumes
from cmrseg.measure.labellers import LabelMaps
from cmrseg.measure.ventricles import VENTRICULAR
from cmrseg.measure.volumes import volume_curves
from cmrseg.sequences import SEQUENCES

AORTA, STILL = SEQUENCES["ao"], SEQUENCES["de"]


def test_the_short_axis_has_the_ventricles_and_tagged_cines_have_nothing():
    assert measures_of(SEQUENCES["sa"]) == VENTRICULAR
    assert has_phases(SEQUENCES["sa"])
    assert list(curve_columns(SEQUENCES["sa"]).values()) == ["lv_ml", "my_ml", "rv_ml"]
    assert measures_of(SEQUENCES["tag"]) == ()
    names = [measure.name for measure in measures_of(AORTA)]
    assert names == ["aao_max_cm2", "aao_min_cm2", "dao_max_cm2", "dao_min_cm2"]
    assert [measure.name for measure in measures_of(STILL)][4:6] == ["scar_ml", "wall_ml"]


def aorta(*pixels, missed=()):
    """Labels of an aortic cine whose ascending aorta has so many pixels in each frame."""
    labels = np.zeros((len(pixels), 1, 20, 20), np.uint8)
    for t, count in enumerate(pixels):
        labels[t, 0].reshape(-1)[: 0 if t in missed else count] = Tissue.AAO
    return labels


def test_areas_are_the_largest_and_smallest_of_a_cine():
    curve = volume_curves(aorta(100, 120, 90), (8, 2, 3), "7", (Tissue.AAO,), AORTA)
    assert curve["aao_cm2"].tolist() == pytest.approx([6, 7.2, 5.4])
    assert curve["dao_cm2"].isna().all()
    found = measures_of_curve(curve, AORTA)
    assert found["aao_max_cm2"] == pytest.approx(7.2)
    assert found["aao_min_cm2"] == pytest.approx(5.4)
    assert math.isnan(found["dao_max_cm2"])
    assert measures_of_curve(curve, AORTA, [0, 1])["aao_min_cm2"] == pytest.approx(6)


def test_a_vessel_that_was_missed_in_a_frame_is_not_empty():
    labels = aorta(100, 120, 90, missed=[2])
    curve = volume_curves(labels, (8, 2, 3), "7", sequence=AORTA)
    assert measures_of_curve(curve, AORTA)["aao_min_cm2"] == pytest.approx(6)
    # Found nowhere, it is empty in all frames.
    assert measures_of_curve(curve, AORTA)["dao_max_cm2"] == 0


def test_a_frame_without_labels_has_no_area():
    labels = aorta(100, 120)
    labels[1] = UNLABELLED
    curve = volume_curves(labels, (8, 2, 3), "7", sequence=AORTA)
    assert measures_of_curve(curve, AORTA)["aao_max_cm2"] == pytest.approx(6)


def test_areas_of_several_planes_do_not_add_up():
    labels = np.repeat(aorta(100), 2, axis=1)
    with pytest.raises(ValueError, match="subject 7: ao has 2 slices, expected the one plane"):
        volume_curves(labels, (8, 2, 3), "7", sequence=AORTA)


def test_a_still_stack_has_the_volume_of_each_tissue():
    labels = np.zeros((1, 2, 10, 10), np.uint8)
    labels[0, :, :4], labels[0, 1, 4:6] = Tissue.MYO, Tissue.SCAR
    curve = volume_curves(labels, (8, 2, 3), "7", sequence=STILL)
    found = measures_of_curve(curve, STILL)
    assert found["my_ml"] == pytest.approx(80 * 48 / 1000)
    assert found["scar_ml"] == pytest.approx(20 * 48 / 1000)
    assert found["edema_ml"] == 0


def maps(folder, name, labels, sequence):
    path = folder / name / "7" / f"{sequence}.nii.gz"
    path.parent.mkdir(parents=True)
    Cine(labels, np.diag([3.0, 2.0, 8.0, 1.0])).save(path)
    return LabelMaps(name, "people", [folder / name], sequence=sequence)


def test_a_cohort_has_a_row_per_subject_and_a_comparison_of_its_areas(tmp_path):
    true = maps(tmp_path, "expert", aorta(100, 120, 90), "ao")
    ours = maps(tmp_path, "model", aorta(90, 110, 80), "ao")
    volumes, curves = measure_volumes(ours, {"7": "test"}, "max")
    assert volumes[["subject", "split"]].to_numpy().tolist() == [["7", "test"]]
    assert volumes["aao_max_cm2"].tolist() == pytest.approx([6.6])
    assert len(curves) == 3
    found = evaluate_labels(ours, true, {"7": "test"}, "max", "max")
    row = found.subjects.iloc[0]
    assert row["reference_aao_max_cm2"] == pytest.approx(7.2)
    assert row["predicted_aao_min_cm2"] == pytest.approx(4.8)
    summary = found.summary.set_index(["split", "measure", "tissue"])["mean"]
    assert summary["all", "area_max_difference_cm2", "aao"] == pytest.approx(-0.6)
    assert not [m for m in found.summary["measure"] if m.startswith(("edv", "ef"))]


def test_tagged_cines_of_several_slices_have_overlaps_alone(tmp_path):
    labels = np.zeros((2, 3, 10, 10), np.uint8)
    labels[..., 2:6, 2:6] = Tissue.LV
    labels[..., 6:8, 2:6] = Tissue.MYO
    sides = [maps(tmp_path, name, labels, "tag") for name in ("model", "expert")]
    found = evaluate_labels(*sides, {"7": "test"}, "max", "max")
    row = found.subjects.iloc[0]
    assert row["dice_lv"] == row["dice_my"] == 1
    assert not [name for name in row.index if name.startswith(("reference_", "predicted_"))]


def test_labels_of_two_sequences_are_not_compared(tmp_path):
    true = maps(tmp_path, "expert", aorta(100), "ao")
    ours = maps(tmp_path, "model", aorta(90), "tag")
    with pytest.raises(ValueError, match="model labels tag, its reference expert ao; compare"):
        evaluate_labels(ours, true, {"7": "test"}, "max", "max")


def test_measures_of_curve_take_no_order_of_frames_for_granted():
    curve = pd.DataFrame({"frame": [2, 0], "aao_cm2": [3.0, 5.0], "dao_cm2": [1.0, 2.0]})
    assert measures_of_curve(curve, AORTA, [2])["aao_max_cm2"] == 3
