"""Published networks that would see turned pictures: the study says so before any job."""

import pytest

from study.load import load_study
from study.stored import turned_pictures
from tiny_study import ROOT


def study(layout="nifti", mode="corrected", network="ukbb_sa", sequences=("sa", "la_2ch")):
    cohort = {
        "subjects": [{"subject": "1", "split": "test"}],
        "layout": layout,
        "raw": "raw",
        "cleaning": {"mode": mode},
        "sequences": list(sequences),
    }
    return load_study(
        {
            "study": "stored",
            "cohorts": {"people": cohort},
            "weights": {"net": f"resources/models/{network}"},
            "predict": [{"cohort": "people", "labellers": ["net"]}],
        }
    )


@pytest.fixture(autouse=True)
def project_folder(monkeypatch):
    monkeypatch.chdir(ROOT)


def test_a_cohort_whose_wide_pictures_are_turned_is_named_with_what_to_do():
    (warning,) = turned_pictures(study())
    assert warning.startswith("cohort people: short-axis pictures wider than high are turned")
    assert "net learnt from pictures that are not" in warning
    assert "cleaning: {mode: compat}" in warning


@pytest.mark.parametrize(
    "about",
    [
        {"mode": "compat"},
        {"layout": "ukbb_dicom"},
        {"network": "ukbb_la_2ch"},
        {"network": "seg459"},
    ],
)
def test_there_is_no_warning_where_none_are_turned_or_the_network_learnt_otherwise(about):
    assert turned_pictures(study(**about)) == []
