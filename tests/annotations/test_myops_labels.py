"""Label maps of the MyoPS challenge: values, grids, and those of another convention."""

import numpy as np
import pandas as pd
import pytest

from cmrseg.annotations.carry import carry_shard
from cmrseg.annotations.myops import tissues_of_codes
from cmrseg.cine import Cine
from cmrseg.labels import UNLABELLED, Tissue
from cmrseg.layouts.myops import import_cases
from cmrseg.layouts.myops_codes import CODES
from myops_cases import LSP, SHAPE, as_codes, challenge, grey, heart, save

SEQUENCES = ["c0", "de", "t2"]


@pytest.fixture
def carry(tmp_path):
    """Import some cases and carry their labels: label maps by subject, and the audit."""

    def run(*cases, sequence="c0", folder=".", as_stored=True):
        images, labels = tmp_path / "images", tmp_path / "labels"
        images.mkdir()
        labels.mkdir()
        names = [str(case) for case in cases]
        rows = pd.DataFrame({"subject": names, "study": names, "set": "train", "annotation": names})
        import_cases(rows, tmp_path / "raw", images, SEQUENCES, as_stored)
        settings = {"form": "myops", "folder": folder, "layout": "myops", "sequence": sequence}
        audit = carry_shard(rows, "expert", settings, tmp_path / "raw", images, labels)
        found = {path.name: Cine.load(path / f"{sequence}.nii.gz") for path in labels.iterdir()}
        return found, audit

    return run


def one_case(raw, labels, affine=LSP, placed=True, image_placed=True):
    for i, key in enumerate(SEQUENCES):
        save(raw / f"101_{key.upper()}.nii.gz", grey(101, i), LSP, image_placed)
    save(raw / "101_gd.nii.gz", labels, affine, placed)


def test_the_25_labelled_cases_have_the_registry_numbers(carry, tmp_path):
    challenge(tmp_path / "raw", range(101, 106))
    challenge(tmp_path / "raw", (201,))
    labels, audit = carry(*range(101, 106), 201)
    assert sorted(labels) == [str(case) for case in range(101, 106)]
    assert audit.empty
    np.testing.assert_array_equal(labels["101"].voxels[0].T, heart())
    assert labels["101"].voxels.dtype == np.uint8
    # Without a scar there are four values.
    assert np.unique(labels["105"].voxels).tolist() == [0, Tissue.LV, Tissue.MYO, Tissue.RV]


def test_labels_follow_the_turn_of_the_image(carry, tmp_path):
    challenge(tmp_path / "raw", (101, 102))
    labels, audit = carry(101, 102, as_stored=False)
    for case in ("101", "102"):
        image = Cine.load(tmp_path / f"images/{case}/c0.nii.gz")
        stored = grey(int(case), 0)
        # Grey values name voxels: the same ones are scar before and after.
        before = np.sort(stored[heart() == Tissue.SCAR])
        after = np.sort(image.voxels[labels[case].voxels == Tissue.SCAR])
        np.testing.assert_array_equal(before, after)
    assert audit.empty


def test_labels_may_be_of_another_sequence_of_the_case(carry, tmp_path):
    one_case(tmp_path / "raw", as_codes(heart()))
    labels, _ = carry(101, sequence="de")
    np.testing.assert_array_equal(labels["101"].voxels[0].T, heart())


@pytest.mark.parametrize("as_stored", [True, False])
def test_labels_and_images_without_place_lie_on_one_grid(carry, tmp_path, as_stored):
    one_case(tmp_path / "raw", as_codes(heart()), placed=False, image_placed=False)
    labels, _ = carry(101, as_stored=as_stored)
    assert (labels["101"].voxels == Tissue.SCAR).sum() == (heart() == Tissue.SCAR).sum()


def test_labels_on_a_finer_grid_are_brought_to_the_image_by_their_place(carry, tmp_path):
    finer = LSP.copy()
    finer[:3, :2] /= 2
    # The first fine voxel's centre lies a quarter of a pixel before that of the coarse one.
    finer[:3, 3] = LSP[:3, 3] - LSP[:3, :2].sum(axis=1) / 4
    one_case(tmp_path / "raw", as_codes(heart()).repeat(2, axis=0).repeat(2, axis=1), finer)
    labels, _ = carry(101)
    np.testing.assert_array_equal(labels["101"].voxels[0].T, heart())


def test_labels_of_a_part_of_the_image_leave_the_rest_open(carry, tmp_path):
    one_case(tmp_path / "raw", as_codes(heart())[:, :, :3])
    labels, _ = carry(101)
    assert (labels["101"].voxels[0, 3] == UNLABELLED).all()
    np.testing.assert_array_equal(labels["101"].voxels[0, :3].T, heart()[:, :, :3])


# -- values -----------------------------------------------------------------------------------


def test_each_code_is_its_tissue_in_integers_and_floats():
    codes = [0, 200, 500, 600, 1220, 2221]
    expected = [0, Tissue.MYO, Tissue.LV, Tissue.RV, Tissue.EDEMA, Tissue.SCAR]
    assert list(CODES) == codes
    for dtype in (np.int16, np.uint16, np.float32, np.float64):
        assert tissues_of_codes(np.array(codes, dtype), "a").tolist() == expected
    near = np.array(codes) + np.array([1, -1, 1, -1, 1, -1]) * 0.004
    assert tissues_of_codes(near, "a").tolist() == expected


@pytest.mark.parametrize(
    ("values", "shown"),
    [
        ([0, 1, 2, 3, 4, 5], "1, 2, 3, 4, 5, exp"),
        ([0, 200, 420, 500], "420, exp"),
        ([0.0, 200.5], "200.5, exp"),
        ([-1, 500], "-1, exp"),
        ([3000, 2221], "3000, exp"),
        (list(range(1, 13)), "1, 2, 3, 4, 5, 6, 7, 8 and 4 more, exp"),
    ],
)
def test_values_of_another_convention_are_refused_by_name(values, shown):
    with pytest.raises(ValueError, match=rf"101_gd.nii: label values {shown}.*1220 \(oedema\)"):
        tissues_of_codes(np.array(values), "101_gd.nii")


def test_a_file_with_other_codes_is_named_with_its_subject(carry, tmp_path):
    one_case(tmp_path / "raw", heart().astype(np.int16))
    with pytest.raises(ValueError, match=r"subject 101.*101_gd.nii.gz: label values 1, 2, 3, 8, 9"):
        carry(101)


# -- refusals ---------------------------------------------------------------------------------


def refused(carry, tmp_path, message):
    with pytest.raises(ValueError, match=message):
        carry(101)


def test_two_label_files_are_not_chosen_between(carry, tmp_path):
    one_case(tmp_path / "raw", as_codes(heart()))
    save(tmp_path / "raw/labels/101_gd.nii.gz", as_codes(heart()))
    refused(carry, tmp_path, r"101_gd.nii.gz and labels/101_gd.nii.gz both exist")


def test_labels_of_several_frames_are_refused(carry, tmp_path):
    one_case(tmp_path / "raw", np.stack([as_codes(heart())] * 2, axis=-1))
    refused(carry, tmp_path, "2 frames, expected 1")


def test_empty_labels_are_refused(carry, tmp_path):
    one_case(tmp_path / "raw", np.zeros(SHAPE, np.int16))
    refused(carry, tmp_path, "no voxel is labelled")


def test_labels_of_another_place_are_refused(carry, tmp_path):
    elsewhere = LSP.copy()
    elsewhere[:3, 3] += 300
    one_case(tmp_path / "raw", as_codes(heart()), elsewhere)
    refused(carry, tmp_path, "labels do not overlap the image")


def test_labelled_tissue_beside_the_image_is_refused(carry, tmp_path):
    # 20 of 24 columns further on: only columns of background are left.
    beside = LSP.copy()
    beside[:3, 3] += 20 * LSP[:3, 0]
    one_case(tmp_path / "raw", as_codes(heart()), beside)
    refused(carry, tmp_path, "no labelled tissue within the image")
