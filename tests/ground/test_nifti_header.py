"""The place of a grid in a NIfTI header: rounded quaternions, units, and two places at once."""

import struct

import nibabel as nib
import numpy as np
import pytest

from axis_orders import short_axis
from cmrseg.cine import Cine
from cmrseg.dicom.audit import Audit
from cmrseg.layouts.nifti import read_cine, read_pair
from cmrseg.nifti_header import affine_mm, is_placed, read_header

# Place of the quaternion's parts in the header.
QUATERNION = 256
CINE = short_axis()


def write(path, qform=None, sform=None, unit="mm"):
    """A file with these affines, the code of each 1 where it is given."""
    image = nib.Nifti1Image(np.ascontiguousarray(CINE.voxels.T), None)
    image.header.set_xyzt_units(unit, "sec")
    image.header["pixdim"][4] = CINE.frame_interval_s
    image.set_qform(qform, code=int(qform is not None))
    image.set_sform(sform, code=int(sform is not None))
    nib.save(image, path)
    return path


def moved(mm):
    """The affine of the cine, shifted to the right."""
    affine = CINE.affine.copy()
    affine[0, 3] += mm
    return affine


def with_quaternion(path, parts):
    content = bytearray(path.read_bytes())
    struct.pack_into("<3f", content, QUATERNION, *parts)
    path.write_bytes(content)
    return path


def half_turn(path, excess):
    """A half turn about (0.6, 0.8, 0), so that the quaternion's first part is 0."""
    affine = np.diag([1.25, 1.5, 8, 1])
    affine[:3, :3] = nib.quaternions.quat2mat([0, 0.6, 0.8, 0]) @ affine[:3, :3]
    write(path, qform=affine)
    with_quaternion(path, np.array([0.6, 0.8, 0]) * np.sqrt(1 + excess))
    return affine


@pytest.mark.parametrize("excess", [-3e-7, 0, 4e-7, 5e-6, 1e-5])
def test_a_quaternion_that_was_rounded_is_read(tmp_path, excess):
    affine = half_turn(tmp_path / "sa.nii", excess)
    header = read_header(tmp_path / "sa.nii")
    np.testing.assert_allclose(affine_mm(header), affine, atol=1e-5)
    cine = Cine.load(tmp_path / "sa.nii")
    np.testing.assert_array_equal(cine.voxels, CINE.voxels)
    assert cine.spacing_mm == pytest.approx((8, 1.5, 1.25), abs=1e-6)


@pytest.mark.parametrize("excess", [1e-4, 0.02, 3])
def test_a_quaternion_that_is_none_is_refused_by_file(tmp_path, excess):
    half_turn(tmp_path / "sa.nii", excess)
    message = r"sa.nii: .*quatern_b, c and d sum to \d.*, expected at most 1; set the qform anew"
    with pytest.raises(ValueError, match=message):
        read_cine(tmp_path / "sa.nii", Audit("1"))


def test_a_quaternion_that_is_none_does_not_matter_beside_a_sform(tmp_path):
    path = write(tmp_path / "sa.nii", CINE.affine, CINE.affine)
    with_quaternion(path, (1, 1, 1))
    audit = Audit("1")
    cine = read_cine(path, audit)
    np.testing.assert_allclose(cine.affine, CINE.affine, atol=1e-4)
    assert audit.table()["problem"].tolist() == ["sform and qform differ"]
    assert audit.table()["detail"][0].startswith("the qform cannot be read: the squares of")


def test_a_qform_alone_is_a_place_like_a_sform(tmp_path):
    for name, forms in (("q", {"qform": CINE.affine}), ("s", {"sform": CINE.affine})):
        path = write(tmp_path / f"{name}.nii.gz", **forms)
        audit = Audit("1")
        cine = read_cine(path, audit)
        np.testing.assert_array_equal(cine.voxels, CINE.voxels)
        np.testing.assert_allclose(cine.affine, CINE.affine, atol=1e-4)
        assert is_placed(read_header(path))
        assert audit.rows == []


def test_two_places_that_differ_by_rounding_are_one(tmp_path):
    audit = Audit("1")
    read_cine(write(tmp_path / "sa.nii", CINE.affine, moved(1e-3)), audit)
    assert audit.rows == []


@pytest.mark.parametrize(
    ("qform", "detail"),
    [
        (moved(3), "a corner of the grid is 3 mm apart"),
        (np.eye(4), "a corner of the grid is "),
    ],
)
def test_two_places_are_audited_and_the_sform_is_taken(tmp_path, qform, detail):
    audit = Audit("1")
    cine = read_cine(write(tmp_path / "sa.nii", qform, CINE.affine), audit)
    np.testing.assert_allclose(cine.affine, CINE.affine, atol=1e-4)
    (row,) = audit.table().itertuples(index=False)
    assert (row.problem, row.resolution) == ("sform and qform differ", "sform used")
    assert row.detail.startswith(detail)


def test_two_places_of_a_pair_are_audited_by_file(tmp_path):
    (tmp_path / "7").mkdir()
    for frame, qform in (("ED", CINE.affine), ("ES", np.eye(4))):
        write(tmp_path / f"7/sa_{frame}.nii.gz", qform, CINE.affine)
    audit = Audit("7")
    read_pair(tmp_path, "7", "sa", audit)
    assert audit.table()[["problem", "image"]].to_numpy().tolist() == [
        ["sform and qform differ", "sa_ES.nii.gz"]
    ]


@pytest.mark.parametrize(("unit", "factor"), [("meter", 1000), ("micron", 1e-3), ("unknown", 1)])
def test_every_file_is_read_in_millimetres(tmp_path, unit, factor):
    affine = CINE.affine / np.array([[factor]] * 3 + [[1]])
    path = write(tmp_path / "sa.nii.gz", sform=affine, unit=unit)
    np.testing.assert_allclose(Cine.load(path).affine, CINE.affine, rtol=1e-5)


def test_a_unit_that_is_none_is_refused_by_file(tmp_path):
    content = bytearray(write(tmp_path / "sa.nii", sform=CINE.affine).read_bytes())
    content[123] = 7
    (tmp_path / "sa.nii").write_bytes(content)
    with pytest.raises(ValueError, match=r"sa.nii: xyzt_units is 7, which is no unit; mend"):
        Cine.load(tmp_path / "sa.nii")
