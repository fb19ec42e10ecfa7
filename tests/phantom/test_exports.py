"""The digital heart in the layouts of real sources: Kaggle, UK Biobank, 7T."""

from pathlib import Path

import numpy as np
import pandas as pd
import pydicom
import pytest
from PIL import Image

from cmrseg.cine import Cine
from cmrseg.contours.qmass import ContourType, read_con
from cmrseg.contours.raster import label_images
from cmrseg.dicom.placement import place_labels
from cmrseg.dicom.study import import_shard, import_study
from cmrseg.files import read_table, sha256
from cmrseg.labels import Tissue
from cmrseg.phantom import kaggle, seven_tesla, ukbb
from cmrseg.phantom.dicom_writer import age_text, decimal, study_elements, uid
from cmrseg.phantom.population import draw_subjects

IMPORT = {"mode": "corrected", "layout": "kaggle", "max_size_px": 256}
SCAN = {
    "scanner": "1.5T",
    "frames": 3,
    "rows": 64,
    "columns": 48,
    "spacing_mm": 4.0,
    "slice_distance_mm": 20.0,
    "thickness_mm": 8.0,
}
PRESENT = [
    "ImageType",
    "Modality",
    "Manufacturer",
    "ManufacturerModelName",
    "SeriesDescription",
    "PatientName",
    "PatientID",
    "PatientBirthDate",
    "PatientSex",
    "PatientAge",
    "ScanningSequence",
    "SequenceVariant",
    "SequenceName",
    "SliceThickness",
    "RepetitionTime",
    "EchoTime",
    "FlipAngle",
    "MagneticFieldStrength",
    "TriggerTime",
    "CardiacNumberOfImages",
    "InPlanePhaseEncodingDirection",
    "SeriesNumber",
    "AcquisitionNumber",
    "InstanceNumber",
    "ImagePositionPatient",
    "ImageOrientationPatient",
    "SliceLocation",
    "Rows",
    "Columns",
    "PixelSpacing",
    "BitsAllocated",
    "BitsStored",
    "PixelRepresentation",
    "WindowCenter",
    "WindowWidth",
]
ABSENT = [
    "StudyInstanceUID",
    "SeriesInstanceUID",
    "FrameOfReferenceUID",
    "StudyDate",
    "InstitutionName",
    "SpacingBetweenSlices",
    "RescaleSlope",
    "RescaleIntercept",
]


@pytest.fixture(scope="module")
def rows():
    table = draw_subjects(3, 5, ["117", "640", "721"], ["train", "validate", "test"])
    second = table.iloc[[2]].assign(subject="721_b", series="sax_47")
    first = table.iloc[[2]].assign(subject="721_a", series="!sax_47")
    return pd.concat([table[:2], first, second], ignore_index=True)


@pytest.fixture(scope="module")
def tree(rows, tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("kaggle")
    kaggle.write_shard(rows, SCAN, folder)
    return folder


@pytest.fixture(scope="module")
def header(tree):
    return pydicom.dcmread(sorted((tree / "train/train/117/study").glob("sax_*/*-0002.dcm"))[0])


def test_header_carries_the_elements_of_a_kaggle_file(header):
    assert [name for name in PRESENT if name not in header] == []


def test_header_lacks_the_elements_that_kaggle_files_lack(header):
    assert [name for name in ABSENT if name in header] == []


def test_header_values_lie_in_the_range_of_kaggle_files(header):
    assert list(header.ImageType) == ["ORIGINAL", "PRIMARY", "M", "RETRO", "NORM", "DIS2D"]
    assert (str(header.PatientName), header.PatientID) == ("NDSB_117", "117")
    assert (header.Modality, header.Manufacturer) == ("MR", "SIEMENS")
    assert header.SequenceName.startswith("*tfi2d1_")
    assert 14 <= header.RepetitionTime <= 54.72
    assert 1.04 <= header.EchoTime <= 1.54
    assert 45 <= header.FlipAngle <= 80
    assert header.PatientAge[-1] in "YMW"
    assert len(header.PatientAge) == 4
    assert header.InPlanePhaseEncodingDirection == "ROW"
    assert (header.InstanceNumber, header.CardiacNumberOfImages) == (2, 3)
    assert header.TriggerTime > 0
    assert (header.BitsAllocated, header.BitsStored, header.PixelRepresentation) == (16, 16, 0)


def test_file_is_explicit_little_endian_of_dcmtk(header):
    meta = header.file_meta
    assert meta.TransferSyntaxUID == pydicom.uid.ExplicitVRLittleEndian
    assert meta.MediaStorageSOPClassUID == pydicom.uid.MRImageStorage
    assert meta.ImplementationVersionName == "OFFIS_DCMTK_360"


def test_pydicom_writes_the_same_bytes(header, tmp_path):
    header.save_as(tmp_path / "again.dcm", enforce_file_format=True)
    assert (tmp_path / "again.dcm").read_bytes() == Path(header.filename).read_bytes()


def test_location_is_the_place_along_the_normal(header):
    orientation = np.array(header.ImageOrientationPatient)
    normal = np.cross(orientation[:3], orientation[3:])
    assert header.SliceLocation == pytest.approx(normal @ header.ImagePositionPatient)


@pytest.mark.parametrize(
    ("age_y", "text"), [(51, "051Y"), (0.5, "006M"), (2 / 52, "002W"), (1.9, "023M"), (2, "002Y")]
)
def test_age_is_written_in_years_months_or_weeks(age_y, text):
    assert age_text(age_y) == text


@pytest.mark.parametrize("value", [-123.456789012345678, 1 / 3, 1e-17, -0.62093456789, 400.0])
def test_decimal_strings_fit_and_keep_their_value(value):
    assert len(decimal(value)) <= 16
    assert float(decimal(value)) == pytest.approx(value, rel=1e-9)


def test_decimal_string_of_no_number_is_refused():
    with pytest.raises(ValueError, match="nan is no DICOM decimal string"):
        decimal(float("nan"))


def test_uid_depends_on_its_parts_alone():
    assert uid("117", "a") == uid("117", "a") != uid("117", "b")
    assert pydicom.uid.UID(uid("117", "a")).is_valid


def test_field_strength_without_a_scanner_is_refused(rows):
    with pytest.raises(ValueError, match=r"subject 117: no scanner of 4\.0 T"):
        study_elements(rows.iloc[0], 4.0, 3, np.random.default_rng(0))


def test_unknown_scanner_preset_is_refused(rows, tmp_path):
    with pytest.raises(ValueError, match="unknown scanner 5T, expected one of"):
        kaggle.write_shard(rows, SCAN | {"scanner": "5T"}, tmp_path)


def test_same_rows_give_the_same_bytes(rows, tree, tmp_path):
    kaggle.write_shard(rows, SCAN, tmp_path)
    assert sha256(tmp_path) == sha256(tree)


def test_files_of_a_subject_do_not_depend_on_its_shard(rows, tree, tmp_path):
    kaggle.write_shard(rows[1:2], SCAN, tmp_path)
    for path in ("validate/validate/640", "annotations/truth/validate"):
        assert sha256(tmp_path / path) == sha256(tree / path)


def test_intact_study_is_imported_without_a_row_and_with_its_own_voxels(tree, tmp_path):
    folder = tree / "train/train/117/study"
    imported = import_study(folder, "117", IMPORT)
    assert imported.audit.empty
    for row in imported.sources.itertuples():
        pixels = pydicom.dcmread(folder / row.file).pixel_array
        assert (imported.cine.voxels[row.t, row.z] == pixels).all()
    assert imported.cine.spacing_mm == pytest.approx((20, 4, 4))


def test_shard_manifest_equals_the_audit(rows, tree, tmp_path):
    audit, _ = import_shard(rows, tree, tmp_path / "images", IMPORT)
    manifest = read_table(tree / "manifest.tsv")
    what = ["subject", "problem", "resolution", "image"]
    assert sorted(audit[what].values.tolist()) == sorted(manifest[what].values.tolist())
    assert set(manifest["subject"]) == {"721_a", "721_b"}


def test_repeated_stacks_are_both_complete_and_of_one_heart(rows, tree, tmp_path):
    folder = tree / "test/test/721/study"
    first, second = (import_study(folder, "721", IMPORT, s).cine for s in ("!sax_47", "sax_47"))
    assert first.affine == pytest.approx(second.affine, abs=1e-3)
    assert not (first.voxels == second.voxels).all()
    assert np.corrcoef(first.voxels.ravel(), second.voxels.ravel())[0, 1] > 0.95


def test_half_of_a_repeated_study_is_refused(rows, tmp_path):
    with pytest.raises(ValueError, match="subject 721_a: series !sax_47 needs the other stack"):
        kaggle.write_shard(rows[2:3], SCAN, tmp_path)


def test_known_volumes_are_written_once_per_study(rows, tree):
    train = pd.read_csv(tree / "train.csv")
    assert train.columns.tolist() == ["Id", "Systole", "Diastole"]
    assert train.iloc[0].tolist() == [117, rows["esv_ml"][0], rows["edv_ml"][0]]
    solution = pd.read_csv(tree / "solution.csv")
    assert solution["Id"].tolist() == ["721_Diastole", "721_Systole"]
    assert solution["Volume"].tolist() == [rows["edv_ml"][2], rows["esv_ml"][2]]
    assert pd.read_csv(tree / "validate.csv")["Id"].tolist() == [640]


def test_truth_of_every_short_axis_image_has_its_size_and_volume(rows, tree):
    study = Path("train/train/117/study")
    files = sorted((tree / study).glob("sax_*/*.dcm"))
    pixels = 0
    for file in files:
        path = tree / "annotations/truth" / file.relative_to(tree).with_suffix(".png")
        label = np.asarray(Image.open(path))
        assert label.shape == (64, 48)
        if "-0001.dcm" in file.name:
            pixels += (label == Tissue.LV).sum()
    assert len(list((tree / "annotations/truth" / study).rglob("*.png"))) == len(files)
    # Slices 20 mm apart: a coarse sum.
    assert pixels * 4 * 4 * 20 / 1000 == pytest.approx(rows["edv_ml"][0], rel=0.15)


def test_long_axis_views_stand_beside_the_short_axis(tree):
    study = tree / "train/train/117/study"
    views = [pydicom.dcmread(p) for p in sorted(study.glob("[24]ch_*/*-0001.dcm"))]
    assert [view.SeriesDescription for view in views] == ["2ch", "4ch"]
    sax = pydicom.dcmread(next(study.glob("sax_*/*.dcm"))).ImageOrientationPatient
    short_normal = np.cross(sax[:3], sax[3:])
    for view in views:
        normal = np.cross(view.ImageOrientationPatient[:3], view.ImageOrientationPatient[3:])
        assert normal @ short_normal == pytest.approx(0, abs=1e-6)


def test_one_folder_per_series_is_the_limit(rows):
    row = rows.iloc[0].to_dict() | {"series": ",".join(f"sax_{i}" for i in range(40))}
    with pytest.raises(ValueError, match="subject 117: 40 series for"):
        kaggle.plan_study([row], kaggle.draw_parameters(row), kaggle.Protocol(**SCAN))


@pytest.fixture(scope="module")
def biobank(rows, tmp_path_factory):
    folder = tmp_path_factory.mktemp("ukbb")
    settings = {key: value for key, value in SCAN.items() if key != "frames"}
    ukbb.write_shard(rows[:1], settings, folder)
    return folder / "117"


def test_biobank_volumes_have_the_published_orientation(biobank):
    image = Cine.load(biobank / "sa_ED.nii.gz")
    labels = Cine.load(biobank / "label_sa_ED.nii.gz").voxels[0]
    assert image.voxels.shape == (1, *labels.shape)
    left, right = (np.argwhere(labels == t).mean(0) for t in (Tissue.LV, Tissue.RV))
    assert right[2] < left[2]
    assert right[1] > left[1]
    cavity = (labels == Tissue.LV).sum((1, 2))
    assert cavity[: len(cavity) // 2].sum() > cavity[len(cavity) // 2 :].sum()  # base first
    assert image.affine[2, 2] < 0


def test_biobank_labels_shrink_to_the_end_systolic_volume(biobank, rows):
    counts = [
        (Cine.load(biobank / f"label_sa_{frame}.nii.gz").voxels == Tissue.LV).sum()
        for frame in ("ED", "ES")
    ]
    known = rows.iloc[0]
    assert counts[1] / counts[0] == pytest.approx(known["esv_ml"] / known["edv_ml"], abs=0.12)


def test_biobank_and_imported_kaggle_arrays_show_the_heart_alike(biobank, tree):
    volume = Cine.load(biobank / "sa_ED.nii.gz").voxels[0]
    cine = import_study(tree / "train/train/117/study", "117", IMPORT).cine.voxels[0]
    # Slices from the base in one, by location in the other.
    alike = np.corrcoef(volume.ravel(), cine[::-1].ravel())[0, 1]
    assert alike > 0.95


@pytest.fixture(scope="module", params=[(64, 48), (48, 64)], ids=["portrait", "wide"])
def volunteers(request, rows, tmp_path_factory):
    """Rows, settings and folder of a training and a test volunteer."""
    folder = tmp_path_factory.mktemp("seven")
    table = rows[:2].assign(split=["train", "test"])
    size = {"rows": request.param[0], "columns": request.param[1]}
    seven_tesla.write_shard(table, SCAN | size | {"scanner": "7T"}, folder)
    return table, folder


def test_volunteers_have_one_series_per_slice(volunteers):
    _, folder = volunteers
    headers = [pydicom.dcmread(p) for p in (folder / "117").rglob("*.dcm")]
    assert all(h.MagneticFieldStrength == 7 for h in headers)
    assert all(
        Path(h.filename).relative_to(folder / "117")
        == Path(str(h.SeriesNumber), f"{h.InstanceNumber}.dcm")
        for h in headers
    )
    encoding = "ROW" if headers[0].Rows > headers[0].Columns else "COL"
    assert {h.InPlanePhaseEncodingDirection for h in headers} == {encoding}


def test_second_expert_draws_the_test_volunteers_alone(volunteers):
    _, folder = volunteers
    names = [
        sorted(p.stem for p in (folder / "annotations" / e).iterdir())
        for e in ("expert1", "expert2")
    ]
    assert names == [["117", "640"], ["640"]]


def test_contours_fit_the_imported_heart(volunteers):
    _, folder = volunteers
    settings = IMPORT | {"layout": "folder"}
    imported = import_study(folder / "117", "117", settings)
    contours = read_con(folder / "annotations/expert1/117.con")
    labels, outside, alone = label_images(contours, imported.sources)
    placed = place_labels(labels.get, imported.sources, imported.cine.voxels.shape)
    assert outside == alone == {}
    truth = read_table(folder / "manifest.tsv")
    assert truth["problem"].tolist().count("rows < columns") == 2 * (contours.shape == (48, 64))
    # Blood is bright, muscle dark: the contours lie where the heart is.
    voxels = imported.cine.voxels
    assert voxels[placed == Tissue.LV].mean() > 1.3 * voxels[placed == Tissue.MYO].mean()


def test_contours_count_slices_from_the_base(volunteers):
    _, folder = volunteers
    points = read_con(folder / "annotations/expert1/117.con").points
    slices = sorted({s for s, f, _ in points if f == 0})
    size = [np.ptp(points[s, 0, ContourType.ENDOCARDIUM], axis=0).mean() for s in slices]
    assert size[-1] < 0.8 * max(size)
    assert np.argmax(size) < len(slices) - 1


def test_volunteer_with_faults_is_refused(rows, tmp_path):
    table = rows[:1].assign(faults="rotated_slice")
    with pytest.raises(ValueError, match="subject 117: faults and selected series are not written"):
        seven_tesla.write_shard(table, SCAN | {"scanner": "7T"}, tmp_path)
