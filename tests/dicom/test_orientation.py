"""NIfTI in any order of axes: the pictures, slices and volumes that DICOM gives."""

import tempfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from axis_orders import (
    LPS_TO_RAS,
    NORMAL,
    ORDERS,
    directions,
    quarter_turned,
    rotated,
    short_axis,
    stored,
    unit,
)
from cmrseg.apply import import_images
from cmrseg.cine import Cine
from cmrseg.dicom.audit import Audit
from cmrseg.layouts.nifti import read_cine, turned_back
from dicom_builder import write_study

AS_IT_IS = ORDERS[0]


def read(cine, order, code=1):
    """A cine stored in an order: as it is in the file, as it is read, and the audit's problems."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "sa.nii"
        file = stored(cine, order, path, code)
        audit = Audit("1")
        return file, read_cine(path, audit), audit.table()["problem"].tolist()


def assert_same(cine, expected):
    np.testing.assert_array_equal(cine.voxels, expected.voxels)
    np.testing.assert_allclose(cine.affine, expected.affine, atol=1e-3)
    assert cine.spacing_mm == pytest.approx(expected.spacing_mm, rel=1e-5)


def assert_as_dicom_in_any_order(cine, expected=None):
    for order in ORDERS:
        file, found, _ = read(cine, order)
        assert_same(found, expected or cine)
        assert np.prod(found.spacing_mm) == pytest.approx(abs(np.linalg.det(file.affine)), rel=1e-5)
        back = turned_back(found, file.affine)
        np.testing.assert_array_equal(back.voxels, file.voxels)
        np.testing.assert_array_equal(back.affine, file.affine)


@pytest.mark.parametrize("frames", [1, 3])
def test_any_of_48_orders_of_axes_gives_the_same_cine(frames):
    assert_as_dicom_in_any_order(short_axis(shape=(frames, 4, 7, 5)))


def test_any_order_of_square_pictures_gives_the_same_cine():
    assert_as_dicom_in_any_order(short_axis(shape=(2, 4, 7, 7)))


@pytest.mark.parametrize("frames", [1, 3])
def test_any_order_of_wide_pictures_gives_them_turned_as_those_of_dicom(frames):
    wide = short_axis(shape=(frames, 4, 5, 7))
    assert_as_dicom_in_any_order(wide, quarter_turned(wide))


angles = st.floats(0, 30)
axes = st.tuples(*[st.floats(-1, 1)] * 3).filter(lambda v: np.linalg.norm(v) > 0.1)


@settings(max_examples=60)
@given(
    axis=axes, degrees=angles, order=st.sampled_from(ORDERS), wide=st.booleans(), tilt=st.booleans()
)
def test_a_heart_up_to_30_degrees_from_the_usual_is_read_as_dicom_shows_it(
    axis, degrees, order, wide, tilt
):
    frame = rotated(directions(), axis, degrees)
    if tilt:  # the plane alone is another one; rows stay horizontal
        frame = directions(frame[:, 2])
    cine = short_axis(frame, (2, 3, 5, 7) if wide else (2, 3, 7, 5))
    expected = quarter_turned(cine) if wide else cine
    assert_same(read(cine, order)[1], expected)


@settings(max_examples=40)
@given(axis=axes, degrees=angles, order=st.sampled_from(ORDERS))
def test_steep_planes_are_read_as_scanners_show_transversal_ones(axis, degrees, order):
    """There the direction of rows that is nearest to the left is that of the columns."""
    normal = rotated(NORMAL[:, None], axis, degrees)[:, 0]
    normal = unit(np.add(normal, (0, 0, 0.5)))
    assume(normal @ unit(NORMAL) > np.cos(np.radians(30)))
    row = unit([1 - normal[0] ** 2, -normal[0] * normal[1], -normal[0] * normal[2]])
    frame = np.column_stack([row, np.cross(normal, row), normal])
    cine = short_axis(frame)
    assert_same(read(cine, order)[1], cine)


@pytest.mark.parametrize("frame", [np.eye(3), directions((-1, 0, 0)), directions((0, 1, 0))])
def test_planes_of_the_scanner_are_seen_as_scanners_show_them(frame):
    """Axial ones, turned a little so that they are no mere scaling; sagittal; coronal."""
    cine = short_axis(rotated(frame, (1, 1, 1), 3))
    assert_as_dicom_in_any_order(cine)


def test_a_plane_that_is_no_usual_short_axis_is_audited():
    _, _, problems = read(short_axis(rotated(np.eye(3), (1, 1, 1), 3)), AS_IT_IS)
    assert problems == ["unusual short-axis orientation"]


@pytest.mark.parametrize("rows_columns", [{}, {"rows": 10, "columns": 12}], ids=["high", "wide"])
def test_a_cine_of_the_import_of_dicom_comes_back_as_it_is(tmp_path, rows_columns):
    row, column = directions().T[:2]
    write_study(
        tmp_path / "dicom", slices=3, row_direction=row, column_direction=column, **rows_columns
    )
    imported, _ = import_images(tmp_path / "dicom")
    imported.save(tmp_path / "sa.nii.gz")
    audit = Audit("1")
    again = read_cine(tmp_path / "sa.nii.gz", audit)
    np.testing.assert_array_equal(again.voxels, imported.voxels)
    np.testing.assert_allclose(again.affine, imported.affine, atol=1e-4)
    assert audit.table()["problem"].tolist() == []
    assert_as_dicom_in_any_order(imported)


def test_square_pictures_of_a_scanner_that_shows_hearts_turned_are_turned_back():
    upright = short_axis(shape=(2, 4, 7, 7))
    _, found, problems = read(quarter_turned(upright), AS_IT_IS)
    assert_same(found, upright)
    assert problems == ["axes in another order"]


# -- what the audit says ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("order", "wide", "problems"),
    [
        ([[0, 1], [1, 1], [2, 1]], False, []),
        ([[0, 1], [1, -1], [2, 1]], False, ["rows from bottom to top"]),
        ([[0, 1], [1, 1], [2, -1]], False, ["slices from base to apex"]),
        (
            [[0, 1], [1, -1], [2, -1]],
            True,
            ["rows from bottom to top", "slices from base to apex", "rows < columns"],
        ),
        ([[0, -1], [1, -1], [2, 1]], False, ["axes in another order"]),
        ([[0, -1], [1, -1], [2, 1]], True, ["axes in another order"]),
        ([[2, 1], [0, 1], [1, 1]], False, ["axes in another order"]),
    ],
)
def test_the_audit_says_how_the_axes_were_reordered(order, wide, problems):
    cine = short_axis(shape=(2, 3, 5, 7) if wide else (2, 3, 7, 5))
    assert read(cine, np.array(order))[2] == problems


def test_reordered_axes_are_named(tmp_path):
    # The file's axes are slices, columns in reverse, and rows.
    stored(short_axis(), np.array([[1, -1], [2, 1], [0, 1]]), tmp_path / "sa.nii")
    audit = Audit("1")
    read_cine(tmp_path / "sa.nii", audit)
    (row,) = audit.table().itertuples(index=False)
    assert (row.resolution, row.image) == ("axes reordered", "sa.nii")
    assert row.detail == "x, y, z are the file's -y, z, x"


# -- which axis the slices have --------------------------------------------------------------


@pytest.mark.parametrize("spacing_mm", [(1.4, 1.4, 1.4), (1.2, 1.5, 1.25), (2.0, 1.5, 1.4)])
def test_slices_of_about_the_distance_of_pixels_are_along_the_long_axis(spacing_mm):
    cine = short_axis(shape=(2, 4, 7, 5), spacing_mm=spacing_mm)
    assert_as_dicom_in_any_order(cine)


def test_one_slice_is_along_the_axis_of_one_voxel():
    cine = short_axis(shape=(3, 1, 7, 5), spacing_mm=(1.0, 1.5, 1.25))
    assert_as_dicom_in_any_order(cine)


def test_slices_of_an_isotropic_grid_between_all_axes_are_the_third_and_audited():
    cine = short_axis(np.eye(3), spacing_mm=(1.4, 1.4, 1.4))
    for order in ORDERS:
        file, found, problems = read(cine, order)
        assert "slice axis unclear" in problems
        assert found.voxels.shape[1] == file.voxels.shape[1]
    _, found, problems = read(cine, AS_IT_IS)
    assert_same(found, cine)


# -- files that say nothing of the patient -----------------------------------------------------


def test_a_file_without_a_place_is_kept_as_it_is_stored():
    cine = short_axis()
    file, found, problems = read(cine, np.array([[0, -1], [1, 1], [2, -1]]), code=0)
    np.testing.assert_array_equal(found.voxels, file.voxels)
    assert found.spacing_mm == pytest.approx(cine.spacing_mm)
    assert problems == []


def test_a_file_without_a_place_whose_slices_are_another_axis_is_audited():
    cine = short_axis(shape=(2, 6, 7, 5))
    file, found, problems = read(cine, np.array([[0, 1], [2, 1], [1, 1]]), code=0)
    np.testing.assert_array_equal(found.voxels, file.voxels)
    assert problems == ["slice axis unclear"]


def test_a_mere_scaling_is_kept_as_it_is_stored():
    scaling = Cine(short_axis().voxels, np.diag([1.25, 1.5, 8, 1]), 0.3)
    _, found, problems = read(scaling, AS_IT_IS)
    assert_same(found, scaling)
    assert problems == []


def test_directions_of_the_tests_are_those_of_a_short_axis():
    """Seen from the apex: to the left of the patient, to the feet, and to the base."""
    left, feet, base = directions().T
    assert left[0] > 0.5
    assert feet[2] < -0.5
    assert base @ unit(NORMAL) == pytest.approx(1)
    assert np.linalg.det(directions()) == pytest.approx(1)
    assert np.linalg.det(LPS_TO_RAS) == 1
