"""Which results of a study are written in forms of other programs."""

import pytest
import yaml

from study.exports import bundled, export_folders, exported_as
from study.load import load_study
from study.wiring.cohorts import Cohorts
from study.wiring.exports import Exports
from study.wiring.raw import Raw
from tiny_study import ROOT


@pytest.fixture
def demo(monkeypatch):
    monkeypatch.chdir(ROOT)
    return load_study(yaml.safe_load((ROOT / "config/config.yaml").read_text("utf-8")))


def test_dicom_objects_need_dicom_images_and_bids_any(demo):
    assert {cohort for cohort, _ in exported_as(demo, "dicom")} == {"kaggle", "seven_tesla"}
    assert exported_as(demo, "cvi42") == exported_as(demo, "dicom")
    assert {cohort for cohort, _ in exported_as(demo, "bids")} == set(demo.cohorts)
    assert ("seven_tesla", "expert1") in exported_as(demo, "dicom")


def test_published_conversions_of_uk_biobank_have_no_way_back(monkeypatch):
    monkeypatch.chdir(ROOT)
    config = yaml.safe_load((ROOT / "config/config.yaml").read_text("utf-8"))
    demo = load_study(config)
    demo.cohorts["kaggle"] = {**demo.cohorts["kaggle"], "layout": "ukbb_dicom"}
    assert "kaggle" in {cohort for cohort, _ in exported_as(demo, "dicom")}
    demo.cohorts["kaggle"]["cleaning"] = {"mode": "compat"}
    assert "kaggle" not in {cohort for cohort, _ in exported_as(demo, "dicom")}


def test_trained_models_of_single_images_are_bundles(demo):
    assert set(bundled(demo)) == set(demo.models)
    assert "models/fcn.monai" in set(export_folders(demo))
    assert "cohorts/kaggle/export/fcn.dicom" in set(export_folders(demo))


def test_all_exports_are_of_models_and_one_by_name_of_anybody(demo):
    cohorts = Cohorts(demo)
    exports = Exports(demo, Raw(demo, cohorts, ()))
    found = exports.of_form("dicom")
    assert "results/demo/cohorts/kaggle/export/fcn.dicom" in found
    assert not any("expert" in path or "truth" in path for path in found)
    assert "expert1" in exports.labellers_of("dicom")
