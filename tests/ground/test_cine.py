"""Cines as files: what is written is what nibabel would write, and comes back."""

import gzip
import subprocess
import sys

import nibabel as nib
import numpy as np
import pytest

from cmrseg.cine import Cine
from tiny_study import ROOT

AFFINE = np.array([[1.5, 0, 0, -9], [0, -1.5, 0.1, 4], [0, 0.1, 8, 70], [0, 0, 0, 1]])


def by_nibabel(cine):
    """The unpacked bytes of a file that nibabel makes of the same."""
    voxels = np.ascontiguousarray(cine.voxels.T)
    image = nib.Nifti1Image(voxels, cine.affine, dtype=voxels.dtype)
    image.header.set_xyzt_units("mm", "sec")
    image.set_sform(cine.affine, code=1)
    image.set_qform(None, code=0)
    image.header["pixdim"][4] = np.nan_to_num(cine.frame_interval_s)
    return image.to_bytes()


@pytest.mark.parametrize(
    "kind", ["u1", "i1", "i2", "u2", "i4", "i8", "u8", "f4", "f8", ">i2", ">f4"]
)
@pytest.mark.parametrize("interval_s", [0.04, float("nan")])
def test_a_file_holds_the_bytes_that_nibabel_writes(tmp_path, kind, interval_s):
    voxels = np.random.default_rng(0).integers(0, 100, (2, 3, 5, 4)).astype(kind)
    for arranged in (voxels, voxels[:, :, ::-1], np.asfortranarray(voxels)):
        cine = Cine(arranged, AFFINE, interval_s)
        cine.save(tmp_path / "sa.nii.gz")
        assert gzip.decompress((tmp_path / "sa.nii.gz").read_bytes()) == by_nibabel(cine)
        loaded = Cine.load(tmp_path / "sa.nii.gz")
        np.testing.assert_array_equal(loaded.voxels, voxels if arranged is voxels else arranged)
        np.testing.assert_allclose(loaded.affine, AFFINE, atol=1e-6)


@pytest.mark.parametrize("kind", ["f2", "?"])
def test_a_type_that_nifti_does_not_have_is_refused_and_leaves_no_file(tmp_path, kind):
    with pytest.raises((ValueError, nib.spatialimages.HeaderDataError), match="supported"):
        Cine(np.zeros((1, 2, 3, 4), kind), AFFINE).save(tmp_path / "sa.nii.gz")
    assert not list(tmp_path.iterdir())


def test_the_same_cine_gives_the_same_bytes_and_no_time(tmp_path):
    cine = Cine(np.arange(24, dtype=np.float32).reshape(1, 2, 3, 4), AFFINE)
    for name in ("a", "b"):
        cine.save(tmp_path / f"{name}.nii.gz")
    content = (tmp_path / "a.nii.gz").read_bytes()
    assert content == (tmp_path / "b.nii.gz").read_bytes()
    # Neither time nor name.
    assert content[3:8] == bytes(5)


def test_a_large_label_map_is_packed_well_and_not_taken_for_a_damaged_file(tmp_path, monkeypatch):
    monkeypatch.setattr("cmrseg.cine.MOST_BYTES", 2**20)
    y, x = np.mgrid[:512, :512]
    heart = np.zeros((512, 512), np.uint8)
    heart[np.hypot(y - 260, x - 250) < 60] = 2
    heart[np.hypot(y - 260, x - 250) < 40] = 1
    labels = np.stack([np.roll(heart, (t % 5, z), (0, 1)) for t in range(4) for z in range(14)])
    cine = Cine(labels.reshape(4, 14, 512, 512), AFFINE)
    cine.save(tmp_path / "sa.nii.gz")
    assert cine.voxels.nbytes > 200 * (tmp_path / "sa.nii.gz").stat().st_size
    np.testing.assert_array_equal(Cine.load(tmp_path / "sa.nii.gz").voxels, cine.voxels)


def test_the_import_of_unscaled_images_loads_no_scipy():
    """It takes as long to load as a study to import."""
    code = "import sys, cmrseg.dicom.study; print('scipy.sparse' in sys.modules)"
    result = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT / "workflow", capture_output=True, text=True
    )
    assert result.stdout == "False\n", result.stderr
