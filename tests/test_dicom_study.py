"""Import of whole studies, written as small DICOM series."""

import contextlib
import gzip
import json
import shutil
import sys

import numpy as np
import pandas as pd
import pydicom
import pytest

from cmrseg.cine import Cine
from cmrseg.dicom.audit import SubjectError
from cmrseg.dicom.header_table import header_row
from cmrseg.dicom.placement import place_labels
from cmrseg.dicom.study import import_shard, import_study
from cmrseg.files import read_table
from dicom_builder import (
    COLUMN_DIRECTION,
    NORMAL,
    ROW_DIRECTION,
    picture,
    write_series,
    write_study,
)
from identifying import SECRET, plant_secrets

CORRECTED = {"mode": "corrected", "layout": "kaggle", "max_size_px": 256}
COMPAT = {**CORRECTED, "mode": "compat"}
FOLDER = {**CORRECTED, "layout": "folder"}


@pytest.fixture
def study(tmp_path):
    """A clean study of four slices of three frames."""
    folder = tmp_path / "train" / "train" / "7" / "study"
    write_study(folder)
    return folder


def found(imported):
    return list(imported.audit[["problem", "image"]].itertuples(index=False, name=None))


def expected_voxels(slices=4, frames=3, rows=12, columns=10):
    return np.array(
        [[picture(rows, columns, 5 + z, t + 1) for z in range(slices)] for t in range(frames)]
    )


@pytest.fixture
def opened():
    """Paths of the DICOM files that are opened while the test runs."""
    paths = []
    active = [True]

    def hook(event, arguments):
        if active[0] and event == "open" and str(arguments[0]).endswith(".dcm"):
            paths.append(str(arguments[0]))

    sys.addaudithook(hook)
    yield paths
    active[0] = False


# Clean series


@pytest.mark.parametrize(
    "settings", [CORRECTED, COMPAT, FOLDER], ids=["corrected", "compat", "folder"]
)
def test_a_clean_series_comes_through_unchanged(study, settings):
    imported = import_study(study, "7", settings)
    scale = 65535 if settings is COMPAT else 1
    np.testing.assert_array_equal(
        imported.cine.voxels, (expected_voxels() / scale).astype(np.float32)
    )
    x, y, z = (np.array(v) * [-1, -1, 1] for v in (ROW_DIRECTION, COLUMN_DIRECTION, NORMAL))
    affine = np.eye(4)
    affine[:3, :3] = np.column_stack([1.25 * x, 1.5 * y, 8 * z])
    np.testing.assert_allclose(imported.cine.affine, affine, atol=1e-12)
    assert imported.cine.frame_interval_s == 0.04
    assert imported.cine.voxels.dtype == np.float32
    assert imported.audit.empty
    assert imported.rotated is None


def test_slices_are_stacked_along_the_normal_whatever_slice_location_says(tmp_path):
    for k in range(3):
        write_series(tmp_path / f"sax_{k}", k, location_mm=8 * k, SliceLocation=-8.0 * k)
    corrected = import_study(tmp_path, "7", CORRECTED)
    compat = import_study(tmp_path, "7", COMPAT)
    assert corrected.sources["series_number"].unique().tolist() == [0, 1, 2]
    assert compat.sources["series_number"].unique().tolist() == [2, 1, 0]
    # The published third axis points up from the uppermost slice, into nothing.
    top = corrected.cine.affine @ [0, 0, 2, 1]
    np.testing.assert_allclose(top, compat.cine.affine @ [0, 0, 0, 1], atol=1e-9)
    np.testing.assert_allclose(top[:3], np.array(NORMAL) * 16 * [-1, -1, 1], atol=1e-9)


def test_every_file_is_opened_exactly_once(study, opened):
    import_study(study, "7", CORRECTED)
    assert sorted(opened) == sorted(map(str, study.rglob("*.dcm")))


def test_long_axis_folders_are_not_read(study, opened):
    write_series(study / "2ch_21", 21)
    opened.clear()
    imported = import_study(study, "7", CORRECTED)
    assert imported.audit.empty
    assert not [path for path in opened if "2ch" in path]


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


def test_inverted_pictures_are_refused_with_advice(study):
    write_series(study / "sax_6", 6, location_mm=8, PhotometricInterpretation="MONOCHROME1")
    with pytest.raises(SubjectError, match="MONOCHROME1, bright is dark; convert the series"):
        import_study(study, "7", CORRECTED)


# Layouts


def test_folders_of_any_name_and_flat_folders_give_the_same_cine(tmp_path):
    for k in range(3):
        options = {"location_mm": 8 * k, "series_number": 5 + k}
        write_series(tmp_path / "a" / str(5 + k), name="{frame}.dcm", **options)
        write_series(tmp_path / "b", name="{series}{frame}", **options)
    nested, flat = (import_study(tmp_path / name, "7", FOLDER) for name in "ab")
    assert (nested.cine.voxels == flat.cine.voxels).all()
    assert nested.sources["file"].iloc[0] == "5/1.dcm"
    assert nested.audit.empty
    assert flat.audit.empty


def test_a_flat_folder_of_one_series_is_grouped_by_planes(tmp_path):
    for k in range(3):
        frames = (1, 2, 3)
        write_series(
            tmp_path, 5, frames, 8 * k, name=f"{k}-{{frame}}.dcm", CardiacNumberOfImages=None
        )
    imported = import_study(tmp_path, "7", FOLDER)
    assert imported.cine.voxels.shape == (3, 3, 12, 10)
    assert imported.audit.empty


@pytest.mark.parametrize("settings", [CORRECTED, COMPAT])
def test_two_slices_in_one_folder_are_separated(study, settings):
    shutil.rmtree(study / "sax_7")
    for part, location in (1, 8), (2, 16):
        name = f"IM-0001-{{frame:04d}}-{part:04d}.dcm"
        write_series(study / "sax_6", 6, location_mm=location, name=name)
    for path in (study / "sax_6").glob("IM-0006-*"):
        path.unlink()
    imported = import_study(study, "7", settings)
    assert found(imported) == [("two slices in one folder", "sax_6")]
    assert imported.cine.voxels.shape[1] == 4
    assert imported.sources["file"][6] == "sax_6/IM-0001-0001-0002.dcm"


def test_two_planes_under_one_name_are_separated(study):
    shutil.rmtree(study / "sax_8")
    write_series(study / "sax_7", 7, (4, 5, 6), 24.0, name="IM-0007-{frame:04d}.dcm")
    imported = import_study(study, "7", CORRECTED)
    assert found(imported) == [("two slices in one folder", "sax_7")]
    assert imported.sources["file"].iloc[-3] == "sax_7/IM-0007-0004.dcm"


def test_series_of_a_repeated_stack_are_selected(study):
    write_series(study / "sax_10", 10, location_mm=0)
    for series, first in [("sax_10,sax_6", 10), ("!sax_10", 5)]:
        imported = import_study(study, "7_a", CORRECTED, series)
        assert imported.audit.iloc[0].tolist()[:4] == ["7_a", "repeated stack", "split", ""]
        assert len(imported.audit) == 1
        assert imported.sources["series_number"].iloc[0] == first
    with pytest.raises(SubjectError, match="series sax_9 not found among sax_5, sax_6"):
        import_study(study, "7_a", CORRECTED, "sax_9")


# Repairs


def test_images_wider_than_high_are_turned_with_the_affine(tmp_path):
    write_study(tmp_path, rows=10, columns=12)
    imported = import_study(tmp_path, "7", CORRECTED)
    assert found(imported) == [("rows < columns", "")]
    assert imported.audit["resolution"].tolist() == ["rotated"]
    assert imported.rotated is None
    upright = expected_voxels(rows=10, columns=12)
    assert (imported.cine.voxels == np.rot90(upright, 1, axes=(2, 3))).all()
    # The same point of the patient: DICOM column 3, row 2 is column 2, row 12 - 1 - 3 now.
    own = np.array(ROW_DIRECTION) * 1.25 * 3 + np.array(COLUMN_DIRECTION) * 1.5 * 2
    np.testing.assert_allclose(
        (imported.cine.affine @ [2, 8, 0, 1])[:3], own * [-1, -1, 1], atol=1e-12
    )


def test_compat_keeps_wide_images_and_adds_a_turned_copy(tmp_path):
    write_study(tmp_path / "train/train/7/study", rows=10, columns=12)
    rows = pd.DataFrame([{"subject": "7", "study": "7", "series": "", "set": "train"}])
    audit, _ = import_shard(rows, tmp_path, tmp_path / "out", COMPAT)
    assert audit["resolution"].tolist() == ["rotated copy"]
    plain = Cine.load(tmp_path / "out/7/sa.nii.gz")
    copy = Cine.load(tmp_path / "out/7_rot90/sa.nii.gz")
    assert (np.rot90(plain.voxels, 1, axes=(2, 3)) == copy.voxels).all()
    assert (plain.affine == copy.affine).all()
    # Three counter-clockwise turns of the array (x, y), as the published code made them.
    assert (np.rot90(plain.voxels.T, 3) == copy.voxels.T).all()


def test_a_missing_frame_is_filled_at_its_place_and_in_compat_at_the_end(study):
    (study / "sax_6/IM-0006-0002.dcm").unlink()
    corrected, compat = (import_study(study, "7", s) for s in (CORRECTED, COMPAT))
    assert found(corrected) == found(compat) == [("missing frame", "sax_6/IM-0006-0001.dcm")]

    def shown(imported):
        files = imported.sources[imported.sources["z"] == 1]
        return [int(file[-8:-4]) for file in files["file"]], files["copied"].tolist()

    assert shown(corrected) == ([1, 1, 3], [False, True, False])
    assert shown(compat) == ([1, 3, 3], [False, False, True])
    assert (corrected.cine.voxels[1, 1] == picture(12, 10, 6, 1)).all()


def test_a_missing_first_frame_is_the_last_of_the_cycle_and_in_compat_the_slice_is_lost(study):
    (study / "sax_6/IM-0006-0001.dcm").unlink()
    corrected = import_study(study, "7", CORRECTED)
    assert found(corrected) == [("missing frame", "sax_6/IM-0006-0002.dcm")]
    assert (corrected.cine.voxels[0, 1] == picture(12, 10, 6, 3)).all()
    compat = import_study(study, "7", COMPAT)
    assert ("unexpected file name", "sax_6/IM-0006-0002.dcm") in found(compat)
    assert compat.sources["series_number"].unique().tolist() == [5, 7, 8]


def test_frames_are_ordered_by_trigger_time(tmp_path):
    for k in range(2):
        write_series(
            tmp_path / f"sax_{k}", k, (3, 1, 2), 8 * k, image=lambda r, c, s, f: np.full((r, c), f)
        )
    imported = import_study(tmp_path, "7", CORRECTED)
    assert imported.cine.voxels[:, 0, 0, 0].tolist() == [1, 2, 3]


def test_frames_beyond_the_announced_number_are_ignored_and_audited(study):
    write_series(study / "sax_6", 6, (4,), 8.0)
    imported = import_study(study, "7", CORRECTED)
    assert found(imported) == [("extra frame", "sax_6/IM-0006-0004.dcm")]
    assert (imported.cine.voxels == expected_voxels()).all()
    assert import_study(study, "7", COMPAT).audit.empty


def test_a_frame_count_that_is_too_small_for_all_slices_is_not_believed(tmp_path):
    write_study(tmp_path, CardiacNumberOfImages=1)
    imported = import_study(tmp_path, "7", CORRECTED)
    assert found(imported) == [("frame count: metadata", "")]
    assert imported.audit["detail"][0] == "CardiacNumberOfImages is 1, all slices have 3"
    assert (imported.cine.voxels == expected_voxels()).all()
    assert import_study(tmp_path, "7", COMPAT).cine.voxels.shape[0] == 1


def test_a_frame_count_is_believed_where_files_share_a_time(tmp_path):
    write_study(tmp_path, CardiacNumberOfImages=2, TriggerTime=0)
    assert import_study(tmp_path, "7", CORRECTED).cine.voxels.shape[0] == 2


def test_a_missing_slice_is_copied_from_the_one_below(study):
    shutil.rmtree(study / "sax_7")
    write_series(study / "sax_9", 9, location_mm=32)
    imported = import_study(study, "7", CORRECTED)
    assert found(imported) == [("slice spacing: missing", "sax_6/IM-0006-0001.dcm")]
    assert (imported.cine.voxels[:, 2] == imported.cine.voxels[:, 1]).all()
    assert imported.sources.groupby("z")["copied"].all().tolist() == [0, 0, 1, 0, 0]


def scene(row, column, rows, columns, spacing_mm, shift=0.0):
    """Image function of a lopsided object around the middle of the plane, in world mm."""

    def image(_rows, _columns, series_number, frame):
        y, x = np.mgrid[:rows, :columns]
        x, y = (x - (columns - 1) / 2) * spacing_mm, (y - (rows - 1) / 2) * spacing_mm
        points = x[..., None] * np.array(row) + y[..., None] * np.array(column)
        u, v = points @ np.array(ROW_DIRECTION), points @ np.array(COLUMN_DIRECTION)
        blob = np.exp(-((u - 9) ** 2 + (v + 4) ** 2) / 60) + 0.5 * np.exp(
            -(u**2 + (v - 8) ** 2) / 30
        )
        return 1000 * blob

    return image


def centred(row, column, rows, columns, spacing_mm, location_mm):
    """ImagePositionPatient of a plane whose middle is on the normal through the origin."""
    return (
        np.array(NORMAL) * location_mm
        - np.array(row) * (columns - 1) / 2 * spacing_mm
        - np.array(column) * (rows - 1) / 2 * spacing_mm
    )


@pytest.mark.parametrize(
    ("angle_deg", "mirrored", "rows", "columns", "spacing_mm", "problems"),
    [
        (0, False, 48, 40, 1.5, []),
        (20, False, 48, 40, 1.5, ["rotation"]),
        (-20, False, 48, 40, 1.5, ["rotation"]),
        (90, False, 40, 48, 1.5, ["rotation", "image size"]),
        (-75, False, 44, 48, 1.3, ["pixel spacing", "rotation", "image size"]),
        (0, True, 48, 40, 1.5, ["rotation"]),
        (30, True, 48, 40, 1.5, ["rotation"]),
        (0, False, 43, 41, 1.5, ["image size"]),
        (0, False, 48, 40, 1.7, ["pixel spacing"]),
    ],
)
def test_an_unusual_slice_shows_the_patient_where_the_others_do(
    tmp_path, angle_deg, mirrored, rows, columns, spacing_mm, problems
):
    for k in range(4):
        row, column = np.array(ROW_DIRECTION), np.array(COLUMN_DIRECTION)
        size, spacing = (48, 40), 1.5
        if k == 2:
            cos, sin = np.cos(np.deg2rad(angle_deg)), np.sin(np.deg2rad(angle_deg))
            row, column = cos * row + sin * column, cos * column - sin * row
            row = -row if mirrored else row
            size, spacing = (rows, columns), spacing_mm
        write_series(
            tmp_path / f"sax_{k}",
            k,
            (1,),
            8 * k,
            *size,
            row_direction=row.tolist(),
            column_direction=column.tolist(),
            position_mm=centred(row, column, *size, spacing, 8 * k),
            image=scene(row, column, *size, spacing),
            PixelSpacing=[spacing, spacing],
            CardiacNumberOfImages=1,
        )
    imported = import_study(tmp_path, "7", CORRECTED)
    assert found(imported) == [(problem, "sax_2/IM-0002-0001.dcm") for problem in problems]
    usual, unusual = imported.cine.voxels[0, 1], imported.cine.voxels[0, 2]
    # An odd number of pixels to add or cut moves a slice by half a pixel, 120 units here.
    sizes = round(rows * spacing_mm / 1.5) - 48, round(columns * spacing_mm / 1.5) - 40
    tolerance = 125 if angle_deg == 0 and (sizes[0] % 2 or sizes[1] % 2) else 45
    assert np.abs(usual - unusual).max() < tolerance
    # Labels drawn on the files arrive at the same place.
    pixels = {f"sax_{k}/IM-{k:04d}-0001.dcm": None if k not in (1, 2) else k for k in range(4)}
    drawn = {}
    for file, k in pixels.items():
        if k is None:
            drawn[file] = None
            continue
        source = imported.sources[imported.sources["file"] == file].iloc[0]
        row, column = np.array(ROW_DIRECTION), np.array(COLUMN_DIRECTION)
        if k == 2:
            cos, sin = np.cos(np.deg2rad(angle_deg)), np.sin(np.deg2rad(angle_deg))
            row, column = cos * row + sin * column, cos * column - sin * row
            row = -row if mirrored else row
        spacing = spacing_mm if k == 2 else 1.5
        image = scene(row, column, source["rows"], source["columns"], spacing)
        drawn[file] = (image(0, 0, k, 1) > 400).astype(np.uint8)
    labels = place_labels(drawn.get, imported.sources, imported.cine.voxels.shape)
    assert set(np.unique(labels[0, 0])) == {255}
    a, b = labels[0, 1].astype(int), labels[0, 2].astype(int)
    assert 2 * (a & b).sum() / (a.sum() + b.sum()) > 0.85


def test_large_images_are_scaled(tmp_path):
    write_study(tmp_path, rows=24, columns=20)
    imported = import_study(tmp_path, "7", {**CORRECTED, "max_size_px": 12})
    assert found(imported) == [("image size >256", "")]
    assert imported.cine.voxels.shape == (3, 4, 12, 10)
    np.testing.assert_allclose(imported.cine.spacing_mm, (8, 3, 2.5))


def test_rescale_slope_and_intercept_are_applied(tmp_path):
    write_study(tmp_path, RescaleSlope=2.0, RescaleIntercept=-5.0)
    imported = import_study(tmp_path, "7", CORRECTED)
    assert (imported.cine.voxels == expected_voxels() * 2.0 - 5).all()


# Damaged files


def test_compressed_files_are_decoded_with_one_row_per_folder(study):
    write_series(study / "sax_6", 6, location_mm=8, compress=True)
    imported = import_study(study, "7", CORRECTED)
    assert found(imported) == [("compressed transfer syntax", "sax_6/IM-0006-0001.dcm")]
    assert (imported.cine.voxels == expected_voxels()).all()


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
    assert imported.audit["detail"][0] == "holds no image but: Media Storage Directory Storage"


@pytest.mark.parametrize("kept", [0, 0.4, 0.95])
def test_a_truncated_file_ends_the_import_by_name(study, kept):
    path = study / "sax_6/IM-0006-0002.dcm"
    path.write_bytes(path.read_bytes()[: int(kept * path.stat().st_size)])
    with pytest.raises(SubjectError, match=r"sax_6/IM-0006-0002.dcm: unreadable file") as caught:
        import_study(study, "7", CORRECTED)
    assert caught.value.kind == ("unreadable file", "subject left out")
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


def test_a_transfer_syntax_nobody_decodes_ends_the_import_with_advice(study):
    path = study / "sax_6/IM-0006-0002.dcm"
    data = pydicom.dcmread(path)
    data.file_meta.TransferSyntaxUID = pydicom.uid.JPEG2000Lossless
    data.PixelData = pydicom.encaps.encapsulate([data.PixelData])
    data.save_as(path)
    with pytest.raises(
        SubjectError, match=r"cannot decode JPEG 2000.*; decompress .*gdcmconv --raw"
    ):
        import_study(study, "7", CORRECTED)


@pytest.mark.parametrize(
    "keyword",
    [
        "ImagePositionPatient",
        "ImageOrientationPatient",
        "PixelSpacing",
        "SeriesNumber",
        "InstanceNumber",
        "TriggerTime",
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
        ({"NumberOfFrames": 2, "Rows": 6}, r"shape \(2, 6, 10\), expected one grey"),
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


def test_far_fewer_files_than_announced_end_the_import(tmp_path):
    write_study(tmp_path, CardiacNumberOfImages=30000)
    with pytest.raises(SubjectError, match="is 30000, but no slice has more than 3 files; copy"):
        import_study(tmp_path, "7", CORRECTED)


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


def test_unknown_settings_are_refused(study):
    with pytest.raises(ValueError, match="mode is 'exact', expected one of corrected, compat"):
        import_study(study, "7", {**CORRECTED, "mode": "exact"})
    with pytest.raises(ValueError, match="layout is 'flat', expected one of kaggle, folder"):
        import_study(study, "7", {**CORRECTED, "layout": "flat"})


# Shards


@pytest.fixture
def shard(tmp_path):
    """Raw data of subjects 1 (clean), 2 (no pixels), 3 (a stray, then truncated); 4 is absent."""
    for study in "123":
        write_study(tmp_path / "raw/train/train" / study / "study", slices=2, PatientID=study)
    path = tmp_path / "raw/train/train/2/study/sax_5/IM-0005-0001.dcm"
    path.write_bytes(path.read_bytes()[:-100])
    (tmp_path / "raw/train/train/3/study/sax_5/a.txt").write_text("x")
    path = tmp_path / "raw/train/train/3/study/sax_6/IM-0006-0001.dcm"
    path.write_bytes(path.read_bytes()[:-100])
    rows = [{"subject": s, "study": s, "series": "", "set": "train"} for s in "1234"]
    return pd.DataFrame(rows), tmp_path / "raw", tmp_path / "images"


def test_a_shard_writes_what_it_can_and_audits_the_rest(shard):
    audit, headers = import_shard(*shard, CORRECTED)
    assert audit[["subject", "problem"]].to_numpy().tolist() == [
        ["2", "unreadable file"],
        ["3", "not a DICOM file"],
        ["3", "unreadable file"],
        ["4", "no images"],
    ]
    images = shard[2]
    assert [p.name for p in images.iterdir()] == ["1"]
    cine = Cine.load(images / "1" / "sa.nii.gz")
    assert (cine.voxels == expected_voxels(slices=2)).all()
    assert cine.frame_interval_s == pytest.approx(0.04)
    sources = read_table(images / "1" / "sources.tsv")
    assert sources.columns[:3].tolist() == ["z", "t", "file"]
    labels = place_labels(lambda file: np.ones((12, 10), np.uint8), sources, cine.voxels.shape)
    assert (labels == 1).all()
    # Of subjects that were left out, too, and of the files that end their import.
    assert headers["subject"].value_counts().to_dict() == {"1": 6, "2": 6, "3": 6}


def test_a_shard_is_written_twice_with_the_same_bytes(shard, tmp_path):
    rows, raw, images = shard
    import_shard(rows, raw, images, CORRECTED)
    import_shard(rows, raw, tmp_path / "again", CORRECTED)
    for name in ("1/sa.nii.gz", "1/sources.tsv"):
        assert (images / name).read_bytes() == (tmp_path / "again" / name).read_bytes()


def test_an_unforeseen_error_is_audited_and_stops_no_shard(shard, monkeypatch):
    rows, raw, images = shard

    def fail(*_):
        raise ZeroDivisionError(f"surprise in {raw}/train/train/1/study/sax_5 and {__file__}")

    monkeypatch.setattr("cmrseg.dicom.study.assemble", fail)
    audit, headers = import_shard(rows.head(1), raw, images, CORRECTED)
    assert audit.iloc[0].tolist() == [
        "1",
        "other",
        "subject left out",
        "",
        "ZeroDivisionError: surprise in sax_5 and test_dicom_study.py",
    ]
    assert headers["subject"].tolist() == ["1"] * 6


def test_a_study_that_is_not_there_has_no_path_of_the_machine_in_the_audit(shard):
    rows, raw, images = shard
    (raw / "train/train/5/study").mkdir(parents=True)
    rows = pd.concat([rows.tail(1), rows.tail(1).assign(subject="5", study="5")])
    audit, headers = import_shard(rows, raw, images, CORRECTED)
    assert audit["detail"].tolist() == [
        "no folder train/train/4/study; check the subject table's study",
        "no image file in train/train/5/study",
    ]
    assert headers.columns.tolist() == ["subject", "pid", "dir", "file"]


def test_a_shard_of_no_subjects_gives_empty_tables(shard):
    audit, headers = import_shard(shard[0].head(0), *shard[1:], CORRECTED)
    assert audit.empty
    assert headers.empty


def test_sunnybrook_folders_are_imported_as_stacks_of_their_announced_distance(data):
    folder = data / "sunnybrook" / "dicoms" / "SCD0000101"
    imported = import_study(folder, folder.name, FOLDER)
    assert imported.audit.empty
    assert imported.cine.voxels.shape == (20, 12, 256, 256)
    assert imported.cine.spacing_mm[0] == pytest.approx(10, abs=0.01)


# Displaced slices


def displaced_study(folder, offsets_mm, spacing_mm=1.5):
    """A scene in four slices whose fields of view are off by (rows, columns) mm each."""
    row, column = np.array(ROW_DIRECTION), np.array(COLUMN_DIRECTION)
    for k, (along_rows, along_columns) in enumerate(offsets_mm):
        middle = centred(row, column, 48, 40, spacing_mm, 8 * k)

        def image(*_, offset=(along_rows, along_columns)):
            y, x = np.mgrid[:48, :40]
            u = (x - 39 / 2) * spacing_mm + offset[0]
            v = (y - 47 / 2) * spacing_mm + offset[1]
            return 1000 * np.exp(-((u - 3) ** 2 + (v + 4) ** 2) / 60)

        write_series(
            folder / f"sax_{k}",
            k,
            (1,),
            8 * k,
            48,
            40,
            position_mm=middle + along_rows * row + along_columns * column,
            image=image,
            PixelSpacing=[spacing_mm, spacing_mm],
            CardiacNumberOfImages=1,
        )
    return folder


def place_of_scene_mm(imported, z):
    """Where the scene of slice z is, in LPS mm along the rows and the columns."""
    weights = imported.cine.voxels[0, z].astype(float)
    y, x = np.mgrid[: weights.shape[0], : weights.shape[1]]
    index = [(x * weights).sum() / weights.sum(), (y * weights).sum() / weights.sum(), z, 1]
    world = (imported.cine.affine @ index)[:3] * [-1, -1, 1]
    return world @ np.array(ROW_DIRECTION), world @ np.array(COLUMN_DIRECTION)


def test_a_slice_displaced_by_whole_pixels_is_moved_exactly_and_audited(tmp_path):
    plain = import_study(displaced_study(tmp_path / "a", [(0, 0)] * 4), "7", CORRECTED)
    folder = displaced_study(tmp_path / "b", [(0, 0), (0, 0), (12, -6), (0, 0)])
    moved = import_study(folder, "7", CORRECTED)
    assert plain.audit.empty
    row = moved.audit.iloc[0]
    assert (row["problem"], row["resolution"]) == ("slice displaced in plane", "shifted")
    assert row["image"] == "sax_2/IM-0002-0001.dcm"
    assert row["detail"] == "12.0 mm along the rows, -6.0 mm along the columns"
    assert len(moved.audit) == 1
    np.testing.assert_allclose(moved.cine.affine, plain.cine.affine, atol=1e-9)
    # 8 columns to the right and 4 rows up; the part of the scene outside the picture is lost.
    part = moved.cine.voxels[0, 2]
    assert (part[:44, 8:] == plain.cine.voxels[0, 2, :44, 8:]).all()
    assert not part[44:].any()
    assert not part[:, :8].any()
    for z in (0, 1, 3):
        assert (moved.cine.voxels[0, z] == plain.cine.voxels[0, z]).all()
    shifts = moved.sources[["shift_y", "shift_x"]].to_numpy().tolist()
    assert shifts == [[0, 0], [0, 0], [-4, 8], [0, 0]]


@pytest.mark.parametrize("size", [256, 32])
def test_a_sheared_stack_shows_the_patient_where_he_was(tmp_path, size):
    folder = displaced_study(tmp_path, [(3.1 * k, 1.7 * k) for k in range(4)])
    imported = import_study(folder, "7", {**CORRECTED, "max_size_px": size})
    assert (imported.audit["problem"] == "slice displaced in plane").sum() >= 2
    for z in range(4):
        assert place_of_scene_mm(imported, z) == pytest.approx((3, -4), abs=0.8)


def test_an_offset_below_half_a_pixel_moves_nothing(tmp_path):
    folder = displaced_study(tmp_path, [(0, 0), (0.7, -0.7), (0, 0), (0, 0)])
    imported = import_study(folder, "7", CORRECTED)
    assert imported.audit.empty
    assert not imported.sources[["shift_y", "shift_x"]].to_numpy().any()


def test_compat_does_not_look_for_displaced_slices(tmp_path):
    folder = displaced_study(tmp_path, [(0, 0), (0, 0), (12, -6), (0, 0)])
    imported = import_study(folder, "7", COMPAT)
    assert imported.audit.empty
    first = pydicom.dcmread(folder / "sax_2/IM-0002-0001.dcm").pixel_array
    assert (imported.cine.voxels[0, 2] == np.float32(first / 65535)).all()


def test_a_copy_of_a_displaced_slice_moves_with_it_and_its_labels_do_too(tmp_path):
    folder = displaced_study(tmp_path, [(0, 0), (12, 0), (0, 0), (0, 0), (0, 0)])
    shutil.rmtree(folder / "sax_2")
    imported = import_study(folder, "7", CORRECTED)
    assert [p for p, _ in found(imported)] == [
        "slice spacing: missing",
        "slice displaced in plane",
    ]
    assert (imported.cine.voxels[:, 2] == imported.cine.voxels[:, 1]).all()

    def drawn(file):
        return (pydicom.dcmread(folder / file).pixel_array > 400).astype(np.uint8)

    labels = place_labels(drawn, imported.sources, imported.cine.voxels.shape)
    assert (labels == (imported.cine.voxels > 400)).all()
