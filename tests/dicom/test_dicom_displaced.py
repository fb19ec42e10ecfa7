"""Slices whose fields of view are displaced in their plane."""

import shutil

import numpy as np
import pydicom
import pytest

from cmrseg.dicom.placement import place_labels
from cmrseg.dicom.study import import_study
from dicom_builder import COLUMN_DIRECTION, ROW_DIRECTION, write_series
from dicom_studies import COMPAT, CORRECTED, centred, found


def displaced_study(folder, offsets_mm, spacing_mm=(1.5, 1.5)):
    """A scene in slices whose fields of view are off by mm along the rows and the columns each.

    spacing_mm: distance of rows (y) and of columns (x).
    """
    down_mm, across_mm = spacing_mm
    row, column = np.array(ROW_DIRECTION), np.array(COLUMN_DIRECTION)
    for k, (along_rows, along_columns) in enumerate(offsets_mm):
        middle = centred(row * across_mm, column * down_mm, 48, 40, 1, 8 * k)

        def image(*_, offset=(along_rows, along_columns)):
            y, x = np.mgrid[:48, :40]
            u = (x - 39 / 2) * across_mm + offset[0]
            v = (y - 47 / 2) * down_mm + offset[1]
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
            PixelSpacing=list(spacing_mm),
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


def test_a_displaced_slice_of_unequal_pixels_is_moved_by_its_own_rows_and_columns(tmp_path):
    folder = displaced_study(tmp_path, [(0, 0), (0, 0), (12, -6), (0, 0)], spacing_mm=(1.2, 1.5))
    imported = import_study(folder, "7", CORRECTED)
    # 12 mm along the rows are 8 columns of 1.5 mm, 6 mm along the columns 5 rows of 1.2 mm.
    shifts = imported.sources[["shift_y", "shift_x"]].to_numpy().tolist()
    assert shifts == [[0, 0], [0, 0], [-5, 8], [0, 0]]
    for z in range(4):
        assert place_of_scene_mm(imported, z) == pytest.approx((3, -4), abs=0.1)


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
