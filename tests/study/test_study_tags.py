"""Digital patients with tagged cines: what a study may ask for, and what reaches the scanner."""

from types import SimpleNamespace

import pytest

from cmrseg.ring import SEEN_FRAMES
from study.load import load_study
from study.tables import StudyError
from study.wiring.cohorts import Cohorts
from study.wiring.raw import Raw
from tiny_study import SCAN

SMALL = {"rows": 64, "columns": 72, "spacing_mm": 4.0}
ROW = {
    "subject": "1", "split": "train", "edv_ml": 150.0, "esv_ml": 60.0, "disease": "healthy",
    "sex": "F", "age_y": 60, "heart_rate_bpm": 70, "seed": 1,
}  # fmt: skip


def study(layout, sequences=("tag",), truth="points", **phantom):
    annotators = {"truth": {"form": truth, "sequence": "tag"}}
    if layout == "ukbb":
        annotators = {"truth": "nifti"}
    about = {
        "layout": layout,
        "subjects": [ROW],
        "sequences": list(sequences),
        "phantom": {**SCAN, **phantom},
        "annotators": annotators,
    }
    return load_study({"study": "small", "cohorts": {"patients": about}})


def scan_of(found):
    raw = Raw(found, Cohorts(found), [])
    return raw.phantom(SimpleNamespace(cohort="patients", shard="0000"))


def test_settings_of_tags_reach_the_scanner():
    tagging = {"pattern": ["grid", "lines"], "spacing_mm": [5, 7], "binomial": 2, "angle_deg": -45}
    found = scan_of(study("nifti", ["sa", "tag"], frames=20, tagging=tagging))
    assert found == {**SCAN, "frames": 20, "tagging": tagging, "sequences": ["sa", "tag"]}
    small = {"tag": SMALL}
    folders = scan_of(study("ukbb_dicom", frames=30, packed=False, views=small))
    assert (folders["packed"], folders["views"]) == (False, small)


def test_published_files_have_tags_alone_and_their_landmarks():
    found = study("tagging", truth="tagging", frames=SEEN_FRAMES)
    assert scan_of(found)["sequences"] == ["tag"]
    assert found.annotator("patients", "truth")["folder"] == "."


@pytest.mark.parametrize(
    "tagging",
    [
        {"spacing_mm": 0},
        {"spacing_mm": [5]},
        {"pattern": "dots"},
        {"binomial": 4},
        {"flip_deg": [80, 270]},
        {},
    ],
)
def test_impossible_tags_are_refused(tagging):
    with pytest.raises(StudyError, match=r"cohorts\.patients\.phantom\.tagging"):
        study("nifti", frames=20, tagging=tagging)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"layout": "ukbb", "sequences": ["sa", "tag"]},
            r"layout ukbb has end-diastole and end-systole alone; the phantom writes tag in the la",
        ),
        (
            {"layout": "ukbb", "sequences": ["sa"], "tagging": {"spacing_mm": 7}},
            r"phantom\.tagging is for the sequence tag; the cohort's sequences are sa",
        ),
        ({"layout": "nifti", "frames": 20, "packed": False}, r"phantom\.packed is for the layout"),
        (
            {"layout": "tagging", "frames": 25, "truth": "tagging"},
            r"phantom\.frames is 25; files of layout tagging have 20",
        ),
        (
            {"layout": "tagging", "frames": 20, "views": {"tag": SMALL}},
            r"phantom\.views has no effect in layout tagging, whose slices have the rows",
        ),
        (
            {"layout": "tagging", "frames": 20, "labelled": "two"},
            r"phantom\.labelled is for the layouts nifti and ukbb_dicom, not tagging",
        ),
        ({"layout": "tagging"}, r"phantom\.frames belongs to .* and is needed there"),
    ],
)
def test_what_cannot_be_made_is_refused(changes, message):
    with pytest.raises(StudyError, match=message):
        study(**changes)
