"""Intervals on the page: of a calibrated model, for the frames that were found."""

import hashlib
import io

import pandas as pd
import pytest

from app_server import nifti
from cmrseg.calibrate.model_file import FILE, MeasureErrors, ModelCalibration, write_calibration

# 90 % reach from the first to the last error.
ERRORS = tuple(number / 100 for number in range(-9, 10))


def calibrate(root, **changes):
    """Put a calibration of EF into the folder of the model."""
    folder = root / "results/demo/models/fcn"
    weights = hashlib.sha256((folder / "weights.safetensors").read_bytes()).hexdigest()
    ef = MeasureErrors(None, ERRORS, 0.1, 0.9, 0.9, 0.18)
    found = ModelCalibration("clinic", ("test",), 19, 19, 0.9, "max", weights, {"ef": ef})
    write_calibration(found._replace(**changes), folder / FILE)
    return folder / FILE


def shown(visitor, tmp_path, query=""):
    visitor.upload(nifti(tmp_path))
    assert visitor.label(visitor.model)["fault"] == ""
    content = visitor.talk("GET", f"/measures{query}")[1]
    return {row["key"]: row for row in content["rows"]}, content["origin"]


def test_a_measure_has_the_interval_of_its_model_on_the_page_and_in_the_table(
    root, visitor, network, tmp_path
):
    calibrate(root)
    rows, origin = shown(visitor, tmp_path)
    ef = rows["ef"]
    assert (ef["low"], ef["high"]) == pytest.approx((ef["value"] - 9, ef["value"] + 9))
    assert "low" not in rows["edv_ml"]
    assert origin.startswith("90 % intervals, calibrated on 19 subjects of clinic")
    text = visitor.ask("GET", f"{visitor.base}/download/measures?ed=1&es=3")[1].decode("utf-8-sig")
    table = pd.read_csv(io.StringIO(text), index_col="measure")
    assert table["low"]["LV ejection fraction"] == pytest.approx(ef["low"], rel=1e-5)
    assert table["value"]["low and high"] == origin
    assert pd.isna(table["high"]["LV end-diastolic volume"])


def test_frames_that_somebody_chooses_have_no_intervals(root, visitor, network, tmp_path):
    calibrate(root)
    rows, origin = shown(visitor, tmp_path, "?ed=2&es=4")
    assert "low" not in rows["ef"]
    assert origin == "no intervals: they are for the frames with the largest and smallest volume"


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"weights_sha256": "other"}, f"no intervals: {FILE} is of other weights of the model"),
        ({"ed": "first"}, "no intervals: calibrated with end-diastole first"),
        ({"coverage": 90}, f"no intervals: the model's {FILE} cannot be read"),
        ({"measures": {}}, "no intervals: volumes unlike those of the calibrating subjects"),
    ],
)
def test_why_a_calibration_is_not_used_is_said(root, visitor, network, tmp_path, changes, said):
    calibrate(root, **changes)
    rows, origin = shown(visitor, tmp_path)
    assert not any("low" in row for row in rows.values())
    assert origin.startswith(said)


def test_a_model_without_calibration_says_nothing_of_intervals(visitor, network, tmp_path):
    rows, origin = shown(visitor, tmp_path)
    assert origin == ""
    assert not any("low" in row for row in rows.values())
