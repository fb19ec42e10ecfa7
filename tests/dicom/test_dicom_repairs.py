"""Repairs of series that are whole: turned, scaled, filled and resampled slices."""

import shutil

import numpy as np
import pandas as pd
import pytest

from cmrseg.cine import Cine
from cmrseg.dicom.placement import place_labels
from cmrseg.dicom.study import import_shard, import_study
from dicom_builder import COLUMN_DIRECTION, ROW_DIRECTION, picture, write_series, write_study
from dicom_studies import COMPAT, CORRECTED, centred, clean_study, expected_voxels, found

study = pytest.fixture(clean_study)


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
    assert imported.audit["detail"][0] == "CardiacNumberOfImages is 1, slices have 3"
    assert (imported.cine.voxels == expected_voxels()).all()
    assert import_study(tmp_path, "7", COMPAT).cine.voxels.shape[0] == 1


def test_a_missing_slice_is_copied_from_the_one_below(study):
    shutil.rmtree(study / "sax_7")
    write_series(study / "sax_9", 9, location_mm=32)
    imported = import_study(study, "7", CORRECTED)
    assert found(imported) == [("slice spacing: missing", "sax_6/IM-0006-0001.dcm")]
    assert (imported.cine.voxels[:, 2] == imported.cine.voxels[:, 1]).all()
    assert imported.sources.groupby("z")["copied"].all().tolist() == [0, 0, 1, 0, 0]


def scene(row, column, rows, columns, spacing_mm):
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
