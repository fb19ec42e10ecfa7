"""Digital patients with several sequences: settings reach the scanner or are refused."""

import contextlib
from types import SimpleNamespace

import pytest

from cmrseg.contours.chambers import kinds_of
from cmrseg.layouts.ukbb_bulk import SEQUENCES as UKBB
from cmrseg.phantom import patient_zips
from cmrseg.phantom.view_series import UK_BIOBANK
from cmrseg.sequences import USUAL
from study.load import load_study
from study.sequence_checks import CONTOURED, PHANTOM_CONTOURED, VIEWS
from study.tables import StudyError
from study.wiring.cohorts import Cohorts
from study.wiring.raw import Raw
from tiny_study import SCAN

SEQUENCES = [USUAL, "la_2ch", "la_4ch", "ao"]
SMALL = {"rows": 64, "columns": 72, "spacing_mm": 4.0}
ROW = {
    "subject": "1", "split": "train", "edv_ml": 150.0, "esv_ml": 60.0, "disease": "healthy",
    "sex": "F", "age_y": 60, "heart_rate_bpm": 70, "seed": 1,
}  # fmt: skip


def study(layout="ukbb", sequences=SEQUENCES, row=ROW, annotators=None, **phantom):
    about = {
        "layout": layout,
        "subjects": [row],
        "sequences": sequences,
        "phantom": {**SCAN, **phantom},
        "annotators": annotators
        or {"truth": "nifti", "views": {"form": "nifti", "sequence": sequences[-1]}},
    }
    return load_study({"study": "small", "cohorts": {"patients": about}})


def scan_of(found):
    raw = Raw(found, Cohorts(found), [])
    return raw.phantom(SimpleNamespace(cohort="patients", shard="0000"))


def test_the_scanner_makes_the_cohort_s_sequences():
    views = {"la_4ch": SMALL}
    assert scan_of(study(views=views)) == {**SCAN, "views": views, "sequences": SEQUENCES}
    cines = scan_of(study("nifti", frames=20, labelled="two"))
    assert cines["sequences"] == SEQUENCES
    assert (cines["frames"], cines["labelled"]) == (20, "two")


def test_zip_files_are_made_of_cines_and_labelled_by_contours():
    expert = {"expert": {"form": "cvi42", "sequence": "la_4ch"}}
    found = study("ukbb_dicom", annotators=expert, frames=20, labelled="two")
    assert scan_of(found)["sequences"] == SEQUENCES
    assert found.annotator("patients", "expert")["folder"] == "annotations/expert"


@pytest.mark.parametrize("sequence", ["ao", "la_3ch"])
def test_sequences_without_contours_are_refused(sequence):
    expert = {"expert": {"form": "cvi42", "sequence": sequence}}
    message = f"annotator expert labels {sequence}, and has cvi42; contours are known of sa, la_2ch"
    with pytest.raises(StudyError, match=message):
        study("ukbb_dicom", [USUAL, sequence], annotators=expert, frames=20)


def test_the_short_axis_alone_has_the_settings_that_it_had():
    assert scan_of(study(sequences=[USUAL])) == SCAN


def test_views_that_may_be_asked_for_are_those_that_can_be_made():
    assert set(VIEWS) == set(UK_BIOBANK)


def test_sequences_with_contours_are_those_that_workspaces_have():
    known = []
    for key in UKBB:
        with contextlib.suppress(ValueError):
            kinds_of(key)
            known.append(key)
    assert list(CONTOURED) == known
    assert PHANTOM_CONTOURED == patient_zips.CONTOURED


def test_pressure_and_build_come_from_the_subject_table():
    known = {"pulse_pressure_mmhg": 45.5, "height_cm": 170, "weight_kg": None}
    (row,) = study(row={**ROW, **known}).rows("patients", "0000")
    assert {key: row[key] for key in known} == known
    (row,) = study().rows("patients", "0000")
    assert not set(known) & set(row)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"sequences": [USUAL, "de"]},
            r"cohort patients: sequences sa, de; the phantom writes sa, la_2ch, .* tag, not de",
        ),
        ({"views": {"la_3ch": SMALL}}, r"phantom\.views has la_3ch; the cohort's sequences are sa"),
        ({"labelled": "two"}, r"phantom\.labelled is for the layouts nifti and ukbb_dicom, not uk"),
        ({"layout": "nifti"}, r"phantom\.frames belongs to the layouts kaggle, folder, nifti, ukb"),
        ({"layout": "ukbb_dicom"}, r"phantom\.frames belongs to .* and is needed there"),
        ({"frames": 20}, r"layout ukbb has end-diastole and end-systole alone"),
        ({"views": {"la_4ch": {"rows": 8}}}, "rows"),
        ({"layout": "kaggle", "frames": 4}, r"layout kaggle only has sa"),
    ],
)
def test_what_cannot_be_made_is_refused(changes, message):
    with pytest.raises(StudyError, match=message):
        study(**changes)
