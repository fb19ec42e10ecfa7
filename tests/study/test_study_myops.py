"""Cohorts in the layout of the MyoPS challenge: what they may say."""

import pytest
import yaml

from small_study import small_study
from study.exports import exported
from study.load import load_study
from study.panels import panel_measures
from study.tables import StudyError
from tiny_study import ROOT

make = pytest.fixture(small_study)


@pytest.fixture
def study(make):
    """A study of one cohort of the layout; changes: of the cohort."""

    def build(panels=None, **changes):
        def edit(config):
            cohort = config["cohorts"]["people"]
            cohort.update(layout="myops", sequences=["c0", "de", "t2"])
            cohort["annotators"] = {"expert": "myops"}
            cohort.update(changes)
            config.pop("confidence")
            config.pop("models", None)
            config["figures"], config["evaluate"], config["panels"] = {}, [], panels or {}

        return make(edit)

    return build


def test_labels_of_the_challenge_lie_among_the_images(study):
    found = study()
    assert found.sequences("people") == ["c0", "de", "t2"]
    about = found.annotator("people", "expert")
    assert (about["form"], about["folder"], about["sequence"]) == ("myops", ".", "c0")


def test_a_panel_of_labels_with_lesions_measures_scar(study):
    found = study({"experts": {"cohort": "people", "labellers": ["expert"]}})
    assert panel_measures(found, "experts") == ["scar"]


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"sequences": ["sa"]}, "layout myops has c0, de, t2, not sa; name some of these"),
        ({"sequences": ["c0", "la_4ch"]}, "layout myops has c0, de, t2, not la_4ch"),
        ({"annotators": {"a": "qmass"}}, "annotator a has qmass, layout myops has myops or nifti"),
        (
            {"annotators": {"a": {"form": "myops", "numbers": {"1": "lv"}}}},
            "has numbers, which are for label files .*; myops has its own",
        ),
        ({"layout": "nifti"}, "annotator expert has myops, layout nifti has nifti"),
    ],
)
def test_what_the_layout_does_not_have_is_refused(study, changes, sentence):
    with pytest.raises(StudyError, match=sentence):
        study(**changes)


def test_the_study_of_the_challenge_has_its_45_cases(monkeypatch):
    monkeypatch.chdir(ROOT)
    found = load_study(yaml.safe_load((ROOT / "config/myops.yaml").read_text()))
    assert found.subjects["training"]["study"].tolist() == [str(i) for i in range(101, 126)]
    assert found.subjects["test"]["study"].tolist() == [str(i) for i in range(201, 221)]
    assert found.annotators("test") == []
    assert found.sequences("training") == found.sequences("test") == ["c0", "de", "t2"]


def test_models_of_all_tissues_of_the_challenge_are_exported(monkeypatch):
    monkeypatch.chdir(ROOT)
    found = load_study(yaml.safe_load((ROOT / "config/myops.yaml").read_text()))
    # The one that finds the heart knows no scar.
    assert exported(found) == [
        ("test", "cmrseg"),
        ("test", "published"),
        ("training", "cmrseg"),
        ("training", "expert"),
        ("training", "published"),
    ]
