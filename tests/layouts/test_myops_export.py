"""Label maps in the values of the MyoPS challenge, on the grid of its files, and back again."""

import nibabel as nib
import numpy as np
import pandas as pd
import pytest

from cmrseg.annotations.carry import carry_shard
from cmrseg.cine import Cine
from cmrseg.labels import UNLABELLED, Tissue
from cmrseg.layouts.myops import import_cases
from cmrseg.layouts.myops_codes import as_codes
from cmrseg.layouts.myops_export import export_cohort
from cmrseg.layouts.nifti import read_whole
from cmrseg.layouts.ready_made import import_studies
from cmrseg.shards import subject_folders
from myops_cases import LSP, PSR, challenge, grey, save

SEQUENCES = ["c0", "de", "t2"]
FORM = {"form": "myops", "folder": ".", "layout": "myops", "sequence": "c0"}


@pytest.fixture
def folders(tmp_path):
    for name in ("raw", "images", "labels", "exported", "again"):
        (tmp_path / name).mkdir()
    return tmp_path


def rows_of(cases):
    rows = pd.DataFrame({"subject": [f"s{case}" for case in cases], "study": list(cases)})
    return rows.assign(set="train", annotation=rows["study"])


def export(folders, rows, layout="myops", sequences=SEQUENCES):
    labels, raw = subject_folders([folders / "labels"]), [folders / "raw"]
    records = rows.to_dict("records")
    export_cohort(records, labels, raw, layout, sequences, "c0", folders / "exported")
    return {path.name: nib.load(path) for path in sorted((folders / "exported").iterdir())}


def carried(folders, rows, labels, raw):
    audit = carry_shard(rows, "expert", FORM, folders / raw, folders / "images", folders / labels)
    assert audit.empty
    return {row: Cine.load(folders / labels / row / "c0.nii.gz") for row in rows["subject"]}


@pytest.mark.parametrize("as_stored", [True, False])
def test_what_is_exported_is_the_challenge_s_file_and_is_imported_as_the_same_labels(
    folders, as_stored
):
    # 24 columns and 20 rows; the axes of the files are two different orders.
    challenge(folders / "raw", (101, 102))
    rows = rows_of(["101", "102"])
    import_cases(rows, folders / "raw", folders / "images", SEQUENCES, as_stored)
    labels = carried(folders, rows, "labels", "raw")
    found = export(folders, rows)
    assert list(found) == ["myops_training_101_gd.nii.gz", "myops_training_102_gd.nii.gz"]
    for name, image in found.items():
        original = nib.load(folders / "raw/train25_myops_gd" / name)
        assert image.get_data_dtype() == np.int16
        np.testing.assert_array_equal(image.dataobj, original.dataobj)
        np.testing.assert_allclose(image.affine, original.affine, atol=1e-5)
        assert [int(image.header[f"{form}form_code"]) for form in "qs"] == [1, 0]
    for subject, again in carried(folders, rows, "again", "exported").items():
        np.testing.assert_array_equal(again.voxels, labels[subject].voxels)
        np.testing.assert_array_equal(again.affine, labels[subject].affine)


def test_labels_of_a_real_case_come_back_on_its_own_grid(data, folders):
    raw = data / "myops"
    if not raw.is_dir():
        pytest.skip(f"no sample case of MyoPS at {raw}")
    rows = rows_of(["119"])
    import_cases(rows, raw, folders / "images", SEQUENCES)
    image = Cine.load(folders / "images/s119/c0.nii.gz")
    # 485 columns and 480 rows, seen as scanners show them, and not turned by a quarter.
    assert image.voxels.shape == (1, 5, 480, 485)
    # The brightest blood is told by its grey values alone.
    labels = np.where(image.voxels > 1500, Tissue.LV, Tissue.BACKGROUND).astype(np.uint8)
    (folders / "labels/s119").mkdir()
    image.like(labels).save(folders / "labels/s119/c0.nii.gz")
    (folders / "raw").rmdir()
    (folders / "raw").symlink_to(raw)
    found = export(folders, rows)["myops_training_119_gd.nii.gz"]
    original = nib.load(raw / "myops_training_119_C0.nii.gz")
    np.testing.assert_array_equal(
        np.asanyarray(found.dataobj) == 500, np.asanyarray(original.dataobj) > 1500
    )
    np.testing.assert_allclose(found.affine, original.affine, atol=1e-4)
    assert "".join(nib.aff2axcodes(found.affine)) == "LSP"


def test_cases_of_folders_are_named_by_their_study(folders):
    for case, affine in (("7", LSP), ("set/8", PSR)):
        save(folders / f"raw/{case}/c0.nii.gz", grey(7, 0), affine)
    rows = rows_of(["7", "set/8"]).assign(subject=["a", "b"])
    import_studies(rows, folders / "raw", folders / "images", read_whole, ["c0"])
    for subject in "ab":
        image = Cine.load(folders / f"images/{subject}/c0.nii.gz")
        labels = np.where(image.voxels > 2000, Tissue.SCAR, Tissue.BACKGROUND).astype(np.uint8)
        (folders / "labels" / subject).mkdir()
        image.like(labels).save(folders / f"labels/{subject}/c0.nii.gz")
    found = export(folders, rows, "nifti", ["c0"])
    assert list(found) == ["7_gd.nii.gz", "8_gd.nii.gz"]
    for image in found.values():
        np.testing.assert_array_equal(np.asanyarray(image.dataobj) == 2221, grey(7, 0) > 2000)


@pytest.mark.parametrize(
    ("value", "words"), [(UNLABELLED, "unlabelled"), (Tissue.LA, "left atrium")]
)
def test_what_the_challenge_has_no_value_for_is_refused(value, words):
    labels = np.array([0, 1, 2, 3, 8, 9], np.uint8)
    assert as_codes(labels).tolist() == [0, 500, 200, 600, 1220, 2221]
    labels[0] = value
    with pytest.raises(ValueError, match=f"1 voxels are {words}, for which the challenge has no"):
        as_codes(labels)


def test_labels_of_another_image_a_lost_one_and_two_of_one_name_are_refused_by_subject(folders):
    challenge(folders / "raw", (101,))
    rows = rows_of(["101"])
    import_cases(rows, folders / "raw", folders / "images", SEQUENCES)
    labels = carried(folders, rows, "labels", "raw")["s101"]
    twice = pd.concat([rows, rows.assign(subject="s1")])
    (folders / "labels/s1").mkdir()
    labels.save(folders / "labels/s1/c0.nii.gz")
    with pytest.raises(ValueError, match="subjects s101 and s1 are both myops_training_101_gd"):
        export(folders, twice)
    with pytest.raises(
        ValueError, match=r"subject s101: no images: no file of case 7 ends with _C0\.nii"
    ):
        export(folders, rows.assign(study="7"))
    part = Cine(labels.voxels[..., :-1], labels.affine)
    part.save(folders / "labels/s101/c0.nii.gz")
    with pytest.raises(ValueError, match=r"subject s101: (its labels have|the affine)"):
        export(folders, rows)
