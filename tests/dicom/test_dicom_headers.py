"""What the table of headers keeps of the raw files, and that nothing in it identifies anybody."""

import gzip
import json

import pandas as pd
import pydicom
import pytest

from cmrseg.dicom.header_table import header_row
from cmrseg.dicom.study import import_shard, import_study
from dicom_builder import write_series, write_study
from dicom_studies import CORRECTED, FOLDER
from identifying import SECRET, plant_secrets


def test_headers_have_one_row_per_file_and_nothing_identifying(tmp_path):
    write_series(tmp_path / "sax_5", 5)
    write_series(
        tmp_path / "sax_6",
        6,
        location_mm=8,
        InstitutionName="General Hospital",
        ReferringPhysicianName="Doe",
        ImageComments="call Jane",
        StudyDate="20200101",
        AccessionNumber="1234",
        StudyInstanceUID="1.2.3",
        SpacingBetweenSlices=8.0,
        SequenceVariant=["SK", "SS"],
    )
    headers = import_study(tmp_path, "7_a", CORRECTED).headers
    assert len(headers) == 6
    assert headers.columns[:4].tolist() == ["subject", "pid", "dir", "file"]
    first = headers.iloc[3]
    assert (first["dir"], first["file"]) == ("sax_6", "IM-0006-0001.dcm")
    assert (first["PatientID"], first["PatientSex"], first["PatientAge"]) == ("7", "F", "051Y")
    assert (first["SpacingBetweenSlices"], first["SeriesDescription"]) == (8.0, "sax")
    assert json.loads(first["PixelSpacing"]) == [1.5, 1.25]
    assert json.loads(first["SequenceVariant"]) == ["SK", "SS"]
    text = headers.to_csv()
    for private in ("NDSB", "19000101", "General", "Doe", "Jane", "20200101", "1234", "PixelData"):
        assert private not in text
    assert not set(headers.columns) & {"PatientName", "StudyInstanceUID", "SOPInstanceUID"}


def test_of_private_attributes_only_floating_point_numbers_are_kept(tmp_path):
    for path in write_series(tmp_path / "sax_5", 5):
        data = pydicom.dcmread(path)
        block = data.private_block(0x0051, "SIEMENS MR HEADER", create=True)
        block.add_new(0x0C, "LO", "FoV of Mr Doe")
        block.add_new(0x0D, "IS", "19430217")
        block.add_new(0x0E, "FD", 3.5)
        data.save_as(path)
    row = import_study(tmp_path, "7", CORRECTED).headers.iloc[0]
    private = [name for name in row.index if "0051" in name]
    assert [row[name] for name in private] == [3.5]


@pytest.mark.parametrize("layout", ["kaggle", "folder"])
def test_nothing_that_identifies_anybody_leaves_the_raw_files(tmp_path, monkeypatch, layout):
    monkeypatch.setattr(pydicom.config.settings, "writing_validation_mode", 0)
    monkeypatch.setattr(pydicom.config.settings, "reading_validation_mode", 0)
    place = "train/train/{}/study" if layout == "kaggle" else "{}"
    for study in "789":
        write_study(tmp_path / "raw" / place.format(study), slices=2)
        for path in (tmp_path / "raw" / place.format(study)).rglob("*.dcm"):
            data = pydicom.dcmread(path)
            plant_secrets(data)
            if study == "8" and path.name == "IM-0006-0002.dcm":
                data.PatientID = SECRET + "2"
            if study == "9" and path.name == "IM-0006-0002.dcm":
                data.add_new(0x00200032, "LO", SECRET)
            data.save_as(path)
            assert path.read_bytes().count(SECRET.encode()) > 500
    rows = [{"subject": s, "study": s, "series": "", "set": "train"} for s in "789"]
    settings = {**CORRECTED, "layout": layout}
    audit, headers = import_shard(
        pd.DataFrame(rows), tmp_path / "raw", tmp_path / "images", settings
    )
    assert audit["subject"].tolist() == ["8", "9"]
    assert len(headers) == 18
    assert (headers["PatientID"] == headers["pid"]).all()
    told = audit.to_csv() + headers.to_csv() + (tmp_path / "images/7/sources.tsv").read_text()
    told += gzip.decompress((tmp_path / "images/7/sa.nii.gz").read_bytes()).decode("latin-1")
    for secret in (SECRET, "19430217", "1943", "943Z", str(tmp_path)):
        assert secret.lower() not in told.lower()


@pytest.mark.parametrize(
    ("description", "kept"),
    [
        ("sax", True),
        ("cine_sax_12", True),
        ("4 CH", True),
        ("2ch", True),
        ("sax Smith", False),
        ("Smith", False),
        ("sax_123_456_789", False),
        ("19430217", False),
    ],
)
def test_series_descriptions_are_kept_if_they_are_known_words(description, kept):
    data = pydicom.Dataset()
    data.SeriesDescription = description
    assert header_row(data) == ({"SeriesDescription": description} if kept else {})


@pytest.mark.parametrize(("identifier", "shown"), [("17", "17"), ("MRN-99", "7")])
def test_a_kaggle_study_number_is_shown_and_any_other_patient_id_is_not(
    tmp_path, identifier, shown
):
    write_study(tmp_path / "7/study", slices=2, PatientID=identifier)
    headers = import_study(tmp_path / "7/study", "7", CORRECTED).headers
    assert headers["PatientID"].unique().tolist() == [shown]
    assert import_study(tmp_path / "7", "7", FOLDER).headers["PatientID"].unique() == ["7"]
