"""Label volumes in another order of axes than their image: at the same voxels, or refused."""

import nibabel as nib
import numpy as np
import pandas as pd
import pytest

from axis_orders import ORDERS, short_axis, stored
from cmrseg.annotations.grids import onto
from cmrseg.annotations.subject import Subject
from cmrseg.annotations.volumes import pair, volumes
from cmrseg.cine import Cine
from cmrseg.dicom.audit import Audit
from cmrseg.files import write_table
from cmrseg.sequences import SEQUENCES, USUAL

SHAPE = (2, 4, 7, 5)
LABELS = (np.arange(np.prod(SHAPE)).reshape(SHAPE) % 4).astype(np.uint8)
IMAGE = short_axis(shape=SHAPE)
OTHER_ORDER = np.array([[2, 1], [0, -1], [1, 1]])


def subject(folder, image, cine):
    """Subject 7 with labels in a folder, whose import is in `image`."""
    return Subject(
        pd.Series({"annotation": "7"}), folder, image, cine, Audit("7"), SEQUENCES[USUAL], {}
    )


def files(folder, order, code=1, shift_mm=0.0):
    """Labels of the image as one volume and as a pair of volumes, in an order of axes."""
    affine = IMAGE.affine.copy()
    affine[0, 3] += shift_mm
    (folder / "7").mkdir(exist_ok=True)
    stored(Cine(LABELS, affine, 0.3), order, folder / "7.nii.gz", code)
    for t, frame in enumerate(("ED", "ES")):
        single = Cine(LABELS[t : t + 1], affine, 0.0)
        stored(single, order, folder / f"7/label_sa_{frame}.nii.gz", code)


@pytest.fixture
def image(tmp_path):
    """The folder of an imported image that is no DICOM."""
    folder = tmp_path / "image"
    folder.mkdir()
    write_table(pd.DataFrame({"z": [0], "t": [0], "file": ["a"]}), folder / "sources.tsv")
    return folder


@pytest.mark.parametrize("image_order", [ORDERS[0], OTHER_ORDER], ids=["usual", "other"])
def test_labels_in_any_of_48_orders_lie_on_the_voxels_of_their_image(tmp_path, image, image_order):
    shown = stored(IMAGE, image_order, tmp_path / "image.nii")
    expected = stored(Cine(LABELS, IMAGE.affine, 0.3), image_order, tmp_path / "labels.nii").voxels
    for order in ORDERS:
        files(tmp_path, order)
        np.testing.assert_array_equal(volumes(subject(tmp_path, image, shown)), expected)
        np.testing.assert_array_equal(pair(subject(tmp_path, image, shown)), expected)


def test_labels_of_a_grid_that_differs_by_rounding_lie_on_the_same_voxels():
    affine = IMAGE.affine * (1 + 1e-7)
    np.testing.assert_array_equal(onto(Cine(LABELS, affine), IMAGE), LABELS)


@pytest.mark.parametrize("shift_mm", [0.5, 40.0])
def test_labels_of_a_pair_at_another_place_are_refused_by_file(tmp_path, image, shift_mm):
    files(tmp_path, ORDERS[0], shift_mm=shift_mm)
    message = "label_sa_ED.nii.gz: labels and image differ: they lie on different grids in the pat"
    with pytest.raises(ValueError, match=message):
        pair(subject(tmp_path, image, IMAGE))


def test_labels_of_a_pair_with_several_frames_are_refused_by_file(tmp_path, image):
    files(tmp_path, ORDERS[0])
    Cine(LABELS, IMAGE.affine).save(tmp_path / "7/label_sa_ES.nii.gz")
    with pytest.raises(ValueError, match=r"label_sa_ES.nii.gz: 2 frames, expected 1"):
        pair(subject(tmp_path, image, IMAGE))


def test_labels_without_a_place_are_refused_by_file(tmp_path, image):
    """Their affine is made up of distances, and would place them beside, or half beside."""
    files(tmp_path, ORDERS[0], code=0)
    with pytest.raises(ValueError, match=r"7.nii.gz: has neither sform nor qform, and another gr"):
        volumes(subject(tmp_path, image, IMAGE))
    with pytest.raises(ValueError, match=r"label_sa_ED.nii.gz: labels and image differ"):
        pair(subject(tmp_path, image, IMAGE))


def test_labels_and_image_without_a_place_lie_on_one_grid(tmp_path, image):
    files(tmp_path, ORDERS[0], code=0)
    unplaced = Cine.load(tmp_path / "7.nii.gz").affine
    np.testing.assert_array_equal(
        volumes(subject(tmp_path, image, Cine(IMAGE.voxels, unplaced))), LABELS
    )


def test_labels_with_two_places_are_audited(tmp_path, image):
    files(tmp_path, ORDERS[0])
    labels = nib.load(tmp_path / "7.nii.gz")
    labels.set_qform(np.eye(4), code=1)
    nib.save(labels, tmp_path / "7.nii.gz")
    seen = subject(tmp_path, image, IMAGE)
    np.testing.assert_array_equal(volumes(seen), LABELS)
    assert [row[1:4] for row in seen.audit.rows] == [
        ("sform and qform differ", "sform used", "7.nii.gz")
    ]
