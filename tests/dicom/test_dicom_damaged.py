"""Files that are damaged or lie: the import ends by name, or audits what it left out."""

import contextlib

import numpy as np
import pydicom
import pytest

from cmrseg.dicom.audit import SubjectError
from cmrseg.dicom.study import import_study
from dicom_builder import write_series, write_study
from dicom_studies import COMPAT, CORRECTED, FOLDER, clean_study, expected_voxels, found

study = pytest.fixture(clean_study)


def test_inverted_pictures_are_refused_with_advice(study):
    write_series(study / "sax_6", 6, location_mm=8, PhotometricInterpretation="MONOCHROME1")
    with pytest.raises(
        SubjectError, match=r"MONOCHROME1 \(inverted grey scale\); convert the series"
    ):
        import_study(study, "7", CORRECTED)


def test_stray_files_and_empty_folders_are_ignored_and_audited(study):
    (study / "sax_5" / "._IM-0005-0001.dcm").write_bytes(b"\0\5\26\7" * 40)
    (study / "sax_6" / "Thumbs.db").write_bytes(b"x")
    (study / "sax_20").mkdir()
    (study / "sax_7" / "copy.dcm").write_bytes((study / "sax_7/IM-0007-0001.dcm").read_bytes())
    imported = import_study(study, "7", CORRECTED)
    assert sorted(found(imported)) == [
        ("empty folder", "sax_20"),
        ("not a DICOM file", "sax_5/._IM-0005-0001.dcm"),
        ("not a DICOM file", "sax_6/Thumbs.db"),
        ("unexpected file name", "sax_7/copy.dcm"),
    ]
    assert (imported.cine.voxels == expected_voxels()).all()


def test_a_stray_in_the_place_of_a_frame_is_also_a_missing_frame(study):
    (study / "sax_6/IM-0006-0003.dcm").write_text("not an image, but as long as a preamble" * 9)
    assert found(import_study(study, "7", CORRECTED)) == [
        ("not a DICOM file", "sax_6/IM-0006-0003.dcm"),
        ("missing frame", "sax_6/IM-0006-0001.dcm"),
    ]


def test_a_directory_record_is_no_image(study):
    data = pydicom.dcmread(study / "sax_5/IM-0005-0001.dcm")
    data.file_meta.MediaStorageSOPClassUID = "1.2.840.10008.1.3.10"
    data.save_as(study / "sax_5/DICOMDIR")
    imported = import_study(study, "7", CORRECTED)
    assert found(imported) == [("not a DICOM file", "sax_5/DICOMDIR")]
    assert imported.audit["detail"][0] == "contains no image but: Media Storage Directory Storage"


@pytest.mark.parametrize("kept", [0, 0.4, 0.95])
def test_a_truncated_file_ends_the_import_by_name(study, kept):
    path = study / "sax_6/IM-0006-0002.dcm"
    path.write_bytes(path.read_bytes()[: int(kept * path.stat().st_size)])
    with pytest.raises(SubjectError, match=r"sax_6/IM-0006-0002.dcm: unreadable file") as caught:
        import_study(study, "7", CORRECTED)
    assert caught.value.kind == ("unreadable file", "subject excluded")
    assert "copy the file again" in caught.value.detail


def test_a_file_of_zeros_is_a_broken_copy_and_not_a_stray(study):
    path = study / "sax_6/IM-0006-0002.dcm"
    path.write_bytes(bytes(path.stat().st_size))
    with pytest.raises(SubjectError, match=r"IM-0006-0002.dcm: .*empty or all zeros; copy the"):
        import_study(study, "7", CORRECTED)


@pytest.mark.filterwarnings("ignore::UserWarning")
def test_whatever_bytes_are_damaged_the_import_ends_by_name_or_audits(study):
    path = study / "sax_6/IM-0006-0002.dcm"
    good = path.read_bytes()
    rng = np.random.default_rng(0)
    for _ in range(150):
        damaged = bytearray(good)
        for place in rng.integers(132, len(good) - 240, size=2):
            damaged[place] = rng.integers(256)
        path.write_bytes(damaged[: rng.integers(200, len(good))] if rng.random() < 0.2 else damaged)
        with contextlib.suppress(SubjectError):
            imported = import_study(study, "7", CORRECTED)
            assert np.isfinite(imported.cine.voxels).all()


def test_an_invalid_value_that_is_not_needed_is_called_so_in_the_headers(study):
    path = study / "sax_6/IM-0006-0002.dcm"
    content = path.read_bytes()
    assert content.count(b"AS\x04\x00051Y") == 1
    path.write_bytes(content.replace(b"AS\x04\x00051Y", b"FD\x04\x00051Y"))
    headers = import_study(study, "7", CORRECTED).headers
    assert headers["PatientAge"].value_counts().to_dict() == {"051Y": 11, "invalid": 1}


@pytest.mark.parametrize(
    "keyword",
    [
        "ImagePositionPatient",
        "ImageOrientationPatient",
        "PixelSpacing",
        "SeriesNumber",
        "InstanceNumber",
        "CardiacNumberOfImages",
    ],
)
def test_a_missing_tag_ends_the_import_naming_tag_and_file(study, keyword):
    write_series(study / "sax_6", 6, location_mm=8, **{keyword: None})
    with pytest.raises(SubjectError, match=f"IM-0006-0001.dcm: missing tag: {keyword} is absent"):
        import_study(study, "7", CORRECTED)


def test_slice_location_is_needed_in_compat_only(study):
    write_series(study / "sax_6", 6, location_mm=8, SliceLocation=None)
    assert import_study(study, "7", CORRECTED).audit.empty
    with pytest.raises(SubjectError, match="missing tag: SliceLocation is absent"):
        import_study(study, "7", COMPAT)


@pytest.mark.parametrize(
    ("elements", "message"),
    [
        ({"PixelSpacing": [0, 1.5]}, "PixelSpacing is .*expected two positive lengths"),
        ({"ImageOrientationPatient": [0, 0, 0, 0, 1, 0]}, "expected two unit vectors"),
        ({"ImageOrientationPatient": [1, 0, 0, 1, 0, 0]}, "expected two orthogonal vectors"),
        ({"ImagePositionPatient": [1, 2]}, "ImagePositionPatient is .*expected 3 finite numbers"),
        ({"SliceThickness": [8, 8]}, "SliceThickness is .*expected numbers;"),
        ({"Rows": 60000, "Columns": 60000}, "unreadable file: .*copy the file again"),
        ({"SamplesPerPixel": 3}, "unreadable file"),
        ({"NumberOfFrames": 2, "Rows": 6}, "2 frames in one file without a position"),
    ],
)
def test_absurd_headers_end_the_import_by_name(study, elements, message):
    write_series(study / "sax_6", 6, location_mm=8, **elements)
    with pytest.raises(SubjectError, match=f"sax_6/IM-0006-0001.dcm: .*{message}"):
        import_study(study, "7", CORRECTED)


def test_a_position_that_is_not_finite_ends_the_import_by_name(study):
    path = study / "sax_6/IM-0006-0001.dcm"
    content = path.read_bytes()
    # A corrupt value in the file: pydicom refuses to write one.
    start = content.index(b"\x20\x00\x32\x00DS")
    length = int.from_bytes(content[start + 6 : start + 8], "little")
    value = b"nan\\1\\2".ljust(length)
    path.write_bytes(content[: start + 8] + value + content[start + 8 + length :])
    with pytest.raises(SubjectError, match=r"IM-0006-0001.dcm: unreadable file"):
        import_study(study, "7", CORRECTED)


def test_frames_of_different_size_end_a_compat_import_by_name(study):
    write_series(study / "sax_6", 6, (2,), 8, rows=10)
    with pytest.raises(
        SubjectError, match=r"IM-0006-0002.dcm: .*\(10, 10\) pixels, but \(12, 10\)"
    ):
        import_study(study, "7", COMPAT)


def test_far_fewer_files_than_announced_end_a_compat_import(tmp_path):
    write_study(tmp_path, CardiacNumberOfImages=30000)
    with pytest.raises(SubjectError, match="is 30000, but no slice has more than 3 files; copy"):
        import_study(tmp_path, "7", COMPAT)
    assert import_study(tmp_path, "7", CORRECTED).cine.voxels.shape[0] == 3


def test_trigger_time_is_needed_in_compat_only(study):
    write_series(study / "sax_6", 6, location_mm=8, TriggerTime=None)
    with pytest.raises(SubjectError, match="missing tag: TriggerTime is absent"):
        import_study(study, "7", COMPAT)


def test_the_number_of_frames_is_that_of_the_slices_that_stay(tmp_path):
    write_study(tmp_path)
    for k in range(3):
        column = [(0, 1, 0), (0, 0.6, 0.8), (0, 0.8, 0.6)][k]
        direction = {"row_direction": (1, 0, 0), "column_direction": column}
        write_series(tmp_path / f"sax_2{k}", k, (1,), 0, CardiacNumberOfImages=2, **direction)
        write_series(tmp_path / f"sax_3{k}", 9, (1,), 0, CardiacNumberOfImages=2, **direction)
    imported = import_study(tmp_path, "7", CORRECTED)
    assert imported.cine.voxels.shape[:2] == (3, 4)
    assert imported.audit["problem"].tolist() == ["orientation"] * 6


@pytest.mark.parametrize(
    ("elements", "message"),
    [
        ({"ImagePositionPatient": None}, "missing tag: ImagePositionPatient is absent"),
        ({"PixelSpacing": [0, 1.5]}, "unreadable file: PixelSpacing is"),
    ],
)
def test_a_damaged_file_of_another_series_costs_no_subject(tmp_path, elements, message):
    write_study(tmp_path)
    write_series(tmp_path / "lge", 30, (1,), **elements)
    imported = import_study(tmp_path, "7", FOLDER)
    assert (imported.cine.voxels == expected_voxels()).all()
    assert found(imported) == [("unreadable file in another series", "lge/IM-0030-0001.dcm")]
    assert imported.audit["detail"][0].startswith(message)
    # Of the cine it does, and so it does where only it is there.
    write_series(tmp_path / "sax_5", 5, (2,), **elements)
    with pytest.raises(SubjectError, match=f"sax_5/IM-0005-0002.dcm: {message}"):
        import_study(tmp_path, "7", FOLDER)
    with pytest.raises(SubjectError, match=f"lge/IM-0030-0001.dcm: {message}"):
        import_study(tmp_path, "7", FOLDER, series="lge")


def test_a_folder_without_mr_images_is_refused_with_what_it_holds(tmp_path):
    write_study(tmp_path / "7", Modality="CT")
    with pytest.raises(SubjectError, match=r"no MR image among the files of 7; .*Modality is CT"):
        import_study(tmp_path / "7", "7", FOLDER)


def test_two_patients_in_one_study_end_the_import(study):
    write_series(study / "sax_7", 7, location_mm=16, PatientID="8")
    with pytest.raises(SubjectError, match=r"two patients.*: 2 values of PatientID, 3 of 12 files"):
        import_study(study, "7", CORRECTED)


def test_nothing_usable_ends_the_import(tmp_path):
    with pytest.raises(SubjectError, match=r"no images: no folder .*check the subject table"):
        import_study(tmp_path / "absent", "7", CORRECTED)
    (tmp_path / "sax_5").mkdir()
    with pytest.raises(SubjectError, match="no images: no image file in"):
        import_study(tmp_path, "7", CORRECTED)
    write_series(tmp_path / "sax_5", 5, name="{frame}.dcm")
    with pytest.raises(SubjectError, match="no images: no usable image file in"):
        import_study(tmp_path, "7", CORRECTED)


def test_a_published_orientation_that_no_slice_has_ends_a_compat_import(tmp_path):
    for k, (row, column) in enumerate([((1, 0, 0), (0, 1, 0)), ((0, 1, 0), (0, 0, 1))]):
        write_series(tmp_path / f"sax_{k}", k, row_direction=row, column_direction=column)
    with pytest.raises(SubjectError, match="no slice is parallel to the mode"):
        import_study(tmp_path, "7", COMPAT)
