"""Images are read without pydicom, and DICOM files are read as before."""

import os
import subprocess
import sys

import nibabel as nib
import numpy as np

from tiny_study import ROOT

READ = """
import sys
from cmrseg.cine import Cine
voxels = Cine.load(sys.argv[1]).voxels
assert "pydicom" not in sys.modules, "pydicom was imported"
import pydicom
from pydicom.dataset import Dataset
print(voxels.sum())
"""


def test_an_image_with_dicom_values_in_its_header_is_read_without_pydicom(tmp_path):
    image = nib.Nifti1Image(np.ones((4, 3, 2, 1), np.int16), np.eye(4))
    image.header.extensions.append(nib.nifti1.Nifti1Extension(2, b"\x10\x00\x10\x00PN\x02\x00AB"))
    nib.save(image, tmp_path / "a.nii.gz")
    done = subprocess.run(
        [sys.executable, "-c", READ, tmp_path / "a.nii.gz"],
        env=os.environ | {"PYTHONPATH": str(ROOT / "workflow")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "24"


def test_pydicom_that_is_loaded_stays_loaded():
    code = "import pydicom, sys; import cmrseg.cine; assert sys.modules['pydicom'] is pydicom"
    variables = os.environ | {"PYTHONPATH": str(ROOT / "workflow")}
    subprocess.run([sys.executable, "-c", code], env=variables, check=True)
