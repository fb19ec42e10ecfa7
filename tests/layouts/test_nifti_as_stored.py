"""NIfTI cines in mode compat: pictures as the published networks know them, in no other order."""

import numpy as np
import pytest

from cmrseg.apply import CLEANING, read_images
from cmrseg.cine import Cine
from cmrseg.dicom.audit import Audit
from cmrseg.layouts.nifti import read_whole

# A short axis as UK Biobank's converter stores it: columns to the left, rows to the feet, slices
# from base to apex; four columns more than rows.
WIDE = np.arange(3 * 2 * 5 * 9).reshape(3, 2, 5, 9).astype(np.float32)
FROM_BASE = np.array([[-1.5, 0, 0, 20], [0, 0, 8, 30], [0, -1.5, 0, 50], [0, 0, 0, 1.0]])


@pytest.fixture
def raw(tmp_path):
    (tmp_path / "1").mkdir()
    Cine(WIDE, FROM_BASE, 0.3).save(tmp_path / "1/sa.nii.gz")
    return tmp_path


def test_wide_pictures_are_not_turned(raw):
    audit = Audit("1")
    cine, sources = read_whole(raw, "1", "sa", audit, as_stored=True)
    np.testing.assert_array_equal(cine.voxels, WIDE)
    np.testing.assert_allclose(cine.affine, FROM_BASE)
    assert cine.frame_interval_s == pytest.approx(0.3)
    assert audit.table().empty
    assert len(sources) == 3 * 2


def test_in_mode_corrected_they_are_turned_and_the_audit_says_so(raw):
    audit = Audit("1")
    cine, _ = read_whole(raw, "1", "sa", audit)
    np.testing.assert_array_equal(cine.voxels, np.rot90(WIDE[:, ::-1], 1, axes=(2, 3)))
    assert "rows < columns" in audit.table()["problem"].tolist()


def test_one_file_is_labelled_as_it_is_stored_in_mode_compat(raw):
    compat = {**CLEANING, "mode": "compat"}
    found = read_images(raw / "1/sa.nii.gz", cleaning=compat)
    np.testing.assert_array_equal(found.cine.voxels, WIDE)
    assert read_images(raw / "1/sa.nii.gz").cine.voxels.shape == (3, 2, 9, 5)


def test_slices_along_another_axis_are_refused(raw):
    turned = FROM_BASE[:, [0, 2, 1, 3]]
    Cine(WIDE.transpose(0, 2, 1, 3), turned, 0.3).save(raw / "1/sa.nii.gz")
    with pytest.raises(ValueError, match=r"axis y of the file, expected z, as mode compat takes"):
        read_whole(raw, "1", "sa", Audit("1"), as_stored=True)
