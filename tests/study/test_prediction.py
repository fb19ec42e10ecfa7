"""One input and one model: the study that two words make."""

import json
from pathlib import Path

import pytest

from networks import network_of
from small_study import given_model, small_study
from study.load import load_study
from study.prediction import prediction_origins, prediction_study
from study.tables import StudyError

make = pytest.fixture(small_study)
given = pytest.fixture(given_model)


@pytest.fixture
def pictures(given):
    """Folders as people have them."""
    for name in ("dicom/Case 7/1.dcm", "volumes/sa.nii.gz", "one/cine.nii.gz", "two/a.nii"):
        Path(name).parent.mkdir(parents=True, exist_ok=True)
        Path(name).touch()
    Path("two/b.nii").touch()
    Path("___").mkdir()


@pytest.mark.parametrize(
    ("input_", "layout", "raw", "study", "subject"),
    [
        ("dicom/Case 7", "folder", "dicom", "Case 7", "Case_7"),
        ("volumes", "nifti", ".", "volumes", "volumes"),
        ("one", "nifti", "one", "cine", "one"),
        ("one/cine.nii.gz", "nifti", "one", "cine", "cine"),
    ],
)
def test_two_words_make_a_study(pictures, input_, layout, raw, study, subject):
    made = prediction_study({"input": input_, "model": "elsewhere/mine"})
    cohort = made["cohorts"]["input"]
    assert cohort["layout"] == layout
    assert Path(cohort["raw"]) == Path(raw).resolve()
    assert cohort["subjects"] == [{"subject": subject, "study": study, "split": "test"}]
    if " " not in study:
        assert load_study(made).predicted() == [("input", "mine")]


def recorded(folder, sequence, tissues):
    """The folder of a model without its weights' content."""
    settings = network_of("fcn", 2, tissues, sequence=sequence)
    settings |= {"preparation": "fcn", "intensity": "linear", "size_px": 32}
    Path(folder).mkdir(parents=True)
    Path(folder, "weights.safetensors").touch()
    Path(folder, "record.json").write_text(json.dumps({"settings": settings}))
    return folder


def test_the_images_of_a_study_are_those_that_the_model_s_record_names(pictures):
    view = recorded("here/view", "la_4ch", "la,ra")
    made = prediction_study({"input": "one/cine.nii.gz", "model": view})
    assert made["cohorts"]["input"]["sequences"] == ["la_4ch"]
    study = load_study(made)
    assert study.predicted() == study.measured() == [("input", "view")]
    assert study.pictured("overlay") == ["view"]
    three = recorded("here/three", "c0,de,t2", "lv,my,rv,edema,scar")
    for name in ("C0", "DE", "T2"):
        Path("119").mkdir(exist_ok=True)
        Path(f"119/x_{name}.nii.gz").touch()
    made = prediction_study({"input": "119", "model": three})
    assert made["cohorts"]["input"]["sequences"] == ["c0", "de", "t2"]
    assert load_study(made).measured() == [("input", "three")]
    Path("119/x_T2.nii.gz").unlink()
    with pytest.raises(
        StudyError, match=r"input=119: has no T2-weighted images \(t2\); give a fol"
    ):
        prediction_study({"input": "119", "model": three})
    with pytest.raises(StudyError, match=r"Case 7: a folder of DICOM files is read as a short-ax"):
        prediction_study({"input": "dicom/Case 7", "model": view})


def test_a_name_may_be_given(pictures):
    made = prediction_study({"input": "one", "model": "published_sa", "subject": "P-1"})
    assert made["study"] == "predict_p_1"
    assert made["weights"] == {"published_sa": "resources/models/published_sa"}


def test_another_input_or_model_of_the_same_name_is_refused(pictures):
    config = {"input": "one", "model": "here/mine"}
    origins = Path("results/predict_one/origins")
    origins.mkdir(parents=True)
    for name, path in prediction_origins(config).items():
        (origins / f"{name}.txt").write_text(f"{path}\n")
    assert sorted(path.name for path in origins.iterdir()) == ["input.txt", "model_mine.txt"]
    prediction_study(config | {"input": "./one/", "model": "here/mine/"})
    with pytest.raises(StudyError, match=r"has labels of another model.*here/mine; rename"):
        prediction_study(config | {"model": "there/mine"})
    Path("far/one").mkdir(parents=True)
    with pytest.raises(StudyError, match=r"predict_one has the results of .*; give subject="):
        prediction_study(config | {"input": "far/one"})
    prediction_study(config | {"input": "far/one", "subject": "two"})


@pytest.mark.parametrize(
    ("config", "sentence"),
    [
        ({"input": "absent", "model": "m"}, "input=absent: does not exist"),
        ({"input": "one"}, "needs model="),
        ({"input": "two", "model": "m"}, "has 2 NIfTI files; name the short-axis cine"),
        ({"input": "___", "model": "m"}, "no letter or digit for a name"),
        ({"input": "one", "model": "m", "modle": 1}, "--config modle: unknown beside input"),
        ({"input": "subjects.tsv", "model": "m"}, "a file must be NIfTI"),
        ({"input": "one", "model": "m", "subject": 57}, "subject is 57, which is not text"),
    ],
)
def test_an_input_that_cannot_be_labelled_is_refused(pictures, config, sentence):
    Path("subjects.tsv").touch()
    with pytest.raises(StudyError, match=sentence):
        prediction_study(config)


def test_series_of_dicom_files_can_be_chosen(pictures):
    words = {"input": "dicom/Case 7", "model": "elsewhere/mine", "series": "#7,#8"}
    made = prediction_study(words)
    assert made["cohorts"]["input"]["subjects"][0]["series"] == "#7,#8"
    with pytest.raises(StudyError, match="series: one is one cine; series are of DICOM files"):
        prediction_study(words | {"input": "one"})
