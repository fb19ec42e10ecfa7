"""What lies in a folder beside the cine is left out with a reason, and costs nothing."""

from pathlib import Path

import numpy as np
import pydicom
import pytest
from pydicom.data import get_testdata_file

from cmrseg.dicom.audit import SubjectError
from cmrseg.dicom.kinds import NotDicomError
from cmrseg.dicom.reading import open_file, read_file
from cmrseg.dicom.study import import_study
from dicom_builder import write_series, write_study
from dicom_studies import FOLDER, expected_voxels, found

SAMPLES = Path(get_testdata_file("MR_small.dcm")).parent
SECONDARY_CAPTURE = "1.2.840.10008.5.1.4.1.1.7"


@pytest.fixture
def study(tmp_path):
    folder = tmp_path / "raw/7"
    write_study(folder)
    return folder


def changed(path, storage_class=None, **elements):
    """A file with other elements; None leaves one out."""
    data = pydicom.dcmread(path)
    if storage_class is not None:
        data.SOPClassUID = data.file_meta.MediaStorageSOPClassUID = storage_class
    for keyword, value in elements.items():
        if value is None:
            del data[keyword]
        else:
            setattr(data, keyword, value)
    data.save_as(path)
    return path


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("CT_small.dcm", "Modality is CT, expected MR"),
        ("examples_palette.dcm", "Modality is US, expected MR"),
        ("SC_rgb_jpeg_dcmtk.dcm", "Modality is OT, expected MR"),
        ("SC_rgb_jpeg_app14_dcmd.dcm", "colour image: RGB"),
        ("JPEGLSNearLossless_16.dcm", "screenshot: Secondary Capture Image Storage"),
        ("no_meta_group_length.dcm", "RT Image Storage"),
    ],
)
def test_pictures_of_other_kinds_are_told_by_their_headers(study, name, why):
    (study / name).write_bytes((SAMPLES / name).read_bytes())
    imported = import_study(study, "7", FOLDER)
    assert found(imported) == [("not a greyscale MR image", name)]
    assert imported.audit["detail"][0] == why
    assert np.array_equal(imported.cine.voxels, expected_voxels())


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("test-SR.dcm", "contains no image but: Comprehensive SR Storage"),
        ("rtplan_truncated.dcm", "contains no image but: RT Plan Storage"),
        ("waveform_ecg.dcm", "contains no image but: 12-lead ECG Waveform Storage"),
        ("liver_1frame.dcm", "contains no image but: Segmentation Storage"),
        ("dicomdirtests/DICOMDIR", "contains no image but: Media Storage Directory Storage"),
        ("empty_charset_LEI.dcm", "contains no image but a vendor-specific object"),
        ("README.txt", "no DICOM preamble"),
        ("test1.json", "no DICOM preamble"),
    ],
)
def test_what_is_no_picture_is_told_by_its_header(study, name, why):
    (study / "stray").write_bytes((SAMPLES / name).read_bytes())
    imported = import_study(study, "7", FOLDER)
    assert found(imported) == [("not a DICOM file", "stray")]
    assert imported.audit["detail"][0] == why
    assert np.array_equal(imported.cine.voxels, expected_voxels())


@pytest.mark.parametrize("name", ["CT_small.dcm", "SC_rgb_rle.dcm", "test-SR.dcm"])
@pytest.mark.parametrize("kept", [0.5, 0.99])
def test_damage_in_a_file_of_another_kind_costs_nothing(study, name, kept):
    content = (SAMPLES / name).read_bytes()
    (study / "stray").write_bytes(content[: int(kept * len(content))])
    imported = import_study(study, "7", FOLDER)
    assert imported.audit["image"].tolist() == ["stray"]
    assert np.array_equal(imported.cine.voxels, expected_voxels())


def test_a_private_kind_without_a_picture_is_left_out_and_one_with_a_picture_is_read(study):
    (path,) = write_series(study / "raw", 30, frames=(1,))
    changed(path, "1.3.12.2.1107.5.9.1", Rows=None, Columns=None, PixelData=None)
    with pytest.raises(NotDicomError, match="a vendor-specific object"):
        open_file(path, "a.dcm", lenient=True)
    path = changed(study / "sax_5/IM-0005-0001.dcm", "1.3.12.2.1107.5.9.1")
    assert read_file(path, "a.dcm", lenient=True)[0].series_number == 5


def test_a_slice_that_was_written_as_secondary_capture_is_a_slice(study):
    """Programs that write DICOM by default so do keep the place of their pictures."""
    path = changed(study / "sax_5/IM-0005-0001.dcm", SECONDARY_CAPTURE)
    assert len(read_file(path, "a.dcm", lenient=True)) == 1
    changed(path, SECONDARY_CAPTURE, ImagePositionPatient=None)
    with pytest.raises(NotDicomError, match="screenshot"):
        open_file(path, "a.dcm", lenient=True)


@pytest.mark.parametrize("modality", ["MR", "", None])
def test_mr_is_told_by_modality_or_where_it_is_absent_by_the_storage_class(study, modality):
    path = changed(study / "sax_5/IM-0005-0001.dcm", Modality=modality)
    assert len(read_file(path, "a.dcm", lenient=True)) == 1
    ct = "1.2.840.10008.5.1.4.1.1.2"
    changed(path, ct)
    if modality != "MR":
        with pytest.raises(NotDicomError, match="CT Image Storage"):
            open_file(path, "a.dcm", lenient=True)


def test_what_somebody_typed_as_modality_is_not_repeated(study):
    changed(study / "sax_5/IM-0005-0001.dcm", Modality="Mr Smith")
    with pytest.raises(NotDicomError, match=r"^Modality is another, expected MR$"):
        open_file(study / "sax_5/IM-0005-0001.dcm", "a.dcm", lenient=True)


def test_as_published_other_kinds_are_images_as_before(study):
    path = changed(study / "sax_5/IM-0005-0001.dcm", Modality="CT")
    assert read_file(path, "a.dcm")[0].origin.modality == "CT"


@pytest.mark.parametrize(
    "elements", [{"ImagePositionPatient": None}, {"PixelSpacing": [0, 1]}, {"BitsStored": 40}]
)
def test_the_error_of_a_damaged_file_tells_the_series_that_it_belongs_to(study, elements):
    path = study / "sax_5/IM-0005-0001.dcm"
    changed(path, SeriesInstanceUID="1.2.3.5", **elements)
    with pytest.raises(SubjectError) as caught:
        read_file(path, "a.dcm", lenient=True)
    assert caught.value.origin.series == "1.2.3.5"
    assert caught.value.series_number == 5


def test_the_error_of_a_file_that_is_cut_short_tells_its_series(study):
    path = study / "sax_5/IM-0005-0001.dcm"
    changed(path, SeriesInstanceUID="1.2.3.5")
    path.write_bytes(path.read_bytes()[:-30])
    with pytest.raises(SubjectError) as caught:
        read_file(path, "a.dcm", lenient=True)
    assert (caught.value.origin.series, caught.value.series_number) == ("1.2.3.5", 5)


@pytest.mark.parametrize("name", ["README", ".DS_Store", "sub/notes.txt", "Thumbs.db"])
@pytest.mark.parametrize("content", [b"", bytes(4096)], ids=["empty", "zeros"])
def test_an_empty_file_of_another_kind_costs_nothing(study, name, content):
    (study / name).parent.mkdir(exist_ok=True)
    (study / name).write_bytes(content)
    imported = import_study(study, "7", FOLDER)
    assert ("not a DICOM file", name) in found(imported)
    assert np.array_equal(imported.cine.voxels, expected_voxels())


def test_an_empty_file_that_may_have_been_an_image_ends_the_import(study):
    (study / "IM000123").write_bytes(bytes(4096))
    with pytest.raises(SubjectError, match="IM000123: unreadable file: empty or all zeros"):
        import_study(study, "7", FOLDER)
