"""Images of one patient brought to the grid of the first one, and how the grids differed."""

import numpy as np
import pytest

from cmrseg.cine import Cine
from cmrseg.dicom.audit import Audit, SubjectError
from cmrseg.layouts.myops import read_case
from cmrseg.layouts.myops_files import nifti_files
from cmrseg.layouts.one_grid import check_difference, difference, is_one_grid, resampled
from myops_cases import LSP, SHAPE, grey, save


def grid(spacing=(1.0, 1.0, 10.0), first=(0.0, 0.0, 0.0), shape=(20, 16, 5)):
    """An image along the patient's axes whose grey value is its place in mm: 100 z + 10 y + x."""
    affine = np.diag([*spacing, 1.0])
    affine[:3, 3] = first
    x, y, z = (np.arange(n) * s + f for n, s, f in zip(shape, spacing, first, strict=True))
    voxels = 100 * z[:, None, None] + 10 * y[:, None] + x
    return Cine(voxels[None].astype(np.float32), affine)


def test_a_linear_image_is_the_same_on_any_grid():
    first = grid()
    other = grid((0.7, 1.3, 6.0), (-2.0, -3.0, -4.0), (40, 20, 12))
    found = resampled(other, first)
    np.testing.assert_allclose(found.voxels, first.voxels, atol=1e-3)
    assert found.voxels.dtype == np.float32
    np.testing.assert_array_equal(found.affine, first.affine)


def test_between_two_slices_it_is_their_mean_and_outside_nothing():
    first = grid(shape=(20, 16, 3))
    other = Cine(np.zeros((1, 3, 16, 20), np.float32), first.affine.copy())
    other.affine[2, 3] = -5  # slices at -5, 5, 15 mm
    other.voxels[0, :, 4, 4] = 10, 20, 60
    assert resampled(other, first).voxels[0, :, 4, 4].tolist() == [15, 40, 60]
    other.affine[2, 3] = -6  # the last slice, at 14 mm, ends at 19 mm, before ours at 20
    assert resampled(other, first).voxels[0, :, 4, 4].tolist() == pytest.approx([16, 44, 0])


def test_the_difference_of_two_grids_by_hand():
    first = grid(shape=(21, 17, 5))
    # Middle at 12, 8, 23 mm; that of the first one at 10, 8, 20. Slices are 3 mm apart from ours.
    found = difference(grid(first=(2.0, 0.0, 3.0), shape=(21, 17, 5)), first)
    assert found.centres_mm == pytest.approx((2, 0, 3))
    assert found.slices_mm == pytest.approx(3)
    assert found.tilt_deg == pytest.approx(0, abs=1e-6)
    # Of 21 columns the first two lie outside; the slice at 0 mm is within half a slice of 3 mm.
    assert found.covered == pytest.approx(19 / 21)


def test_slices_at_the_same_places_are_no_distance_apart():
    # 5 mm instead of 10: each of our slices is one of theirs.
    found = difference(grid((1.0, 1.0, 5.0), shape=(20, 16, 9)), grid())
    assert (found.slices_mm, found.covered) == (pytest.approx(0), 1)


def test_the_angle_of_planes_is_told_and_limited():
    turn = np.radians(9)
    other = grid()
    tilted = np.eye(4)
    tilted[1:3, 1:3] = [[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]]
    found = difference(Cine(other.voxels, tilted @ other.affine), grid())
    assert found.tilt_deg == pytest.approx(9)
    check_difference(found)
    found = difference(Cine(other.voxels, tilted @ tilted @ other.affine), grid())
    with pytest.raises(ValueError, match=r"tilted by 18\.0 degrees, expected at most 10"):
        check_difference(found)


def test_grids_of_different_places_do_not_match():
    found = difference(grid(first=(200.0, 0, 0)), grid())
    assert np.isnan(found.slices_mm)
    with pytest.raises(ValueError, match=r"covers 0% of the voxels.*centres are 200 mm apart"):
        check_difference(found)


def test_a_rounded_place_is_the_same_grid_and_half_a_pixel_is_not():
    first, near, far = grid(), grid(first=(0.01, 0, 0)), grid(first=(0.5, 0, 0))
    assert is_one_grid(near, first)
    assert not is_one_grid(far, first)
    assert not is_one_grid(grid(shape=(20, 16, 4)), first)


# -- a case -----------------------------------------------------------------------------------


def read(raw, as_stored=True):
    audit = Audit("1")
    found = read_case(raw, nifti_files(raw), "101", ["c0", "de"], audit, as_stored)
    return {key: cine for key, (cine, _) in found.items()}, audit.table()


def pair(raw, affine=LSP, shape=SHAPE, placed=True, of_first=LSP):
    save(raw / "101_C0.nii.gz", grey(101, 0), of_first)
    save(raw / "101_DE.nii.gz", grey(101, 1, shape), affine, placed)


def test_another_grid_is_resampled_and_the_audit_says_by_how_much(tmp_path):
    moved = LSP.copy()
    # 4 mm along the columns, and 3.5 mm, a quarter of a slice distance, across the slices.
    moved[:3, 3] += 4 * LSP[:3, 0] / np.linalg.norm(LSP[:3, 0]) + 0.25 * LSP[:3, 2]
    pair(tmp_path, moved)
    images, audit = read(tmp_path)
    np.testing.assert_array_equal(images["de"].affine, images["c0"].affine)
    np.testing.assert_array_equal(images["c0"].voxels[0].T, grey(101, 0))
    row = audit.iloc[0]
    assert (row["problem"], row["resolution"]) == ("sequences on different grids", "resampled")
    assert row["image"] == "101_DE.nii.gz"
    for part in (
        "voxels of 0.765 x 0.694 x 14 to 0.765 x 0.694 x 14 mm",
        "slices up to 3.50 mm from the nearest",
        "4.00 along columns",
        "3.50 mm across it",
        "of the voxels lie outside and are 0",
    ):
        assert part.replace("0.765 x 0.694", "0.762 x 0.762") in row["detail"]


def test_other_axes_of_the_same_grid_keep_every_voxel(tmp_path):
    voxels = grey(101, 1)
    turned = LSP[:, [1, 0, 2, 3]].copy()
    pair(tmp_path)
    save(tmp_path / "101_DE.nii.gz", voxels.transpose(1, 0, 2), turned)
    images, audit = read(tmp_path)
    np.testing.assert_array_equal(images["de"].voxels[0].T, voxels)
    assert audit["problem"].tolist() == ["axes in another order"]


def test_another_patient_is_refused_by_name(tmp_path):
    elsewhere = LSP.copy()
    elsewhere[:3, 3] += 300
    pair(tmp_path, elsewhere)
    with pytest.raises(SubjectError, match=r"101_DE.nii.gz.*compared with 101_C0.nii.gz: it cov"):
        read(tmp_path)


def test_a_file_without_place_is_not_guessed(tmp_path):
    pair(tmp_path, shape=(30, 20, 4), placed=False)
    with pytest.raises(SubjectError, match=r"30 x 20 x 4 voxels.*101_DE.nii.gz has neither sform"):
        read(tmp_path)
