"""The layout of the MyoPS challenge: names of files, a case's sequences on one grid, refusals."""

import nibabel as nib
import numpy as np
import pandas as pd
import pytest

from cmrseg.cine import Cine
from cmrseg.layouts.myops import import_cases
from cmrseg.layouts.myops_files import files_of_case, nifti_files
from myops_cases import LSP, PSR, SHAPE, TESTING, TRAINING, challenge, grey, save
from study.raw_state import image_state, label_state

SEQUENCES = ["c0", "de", "t2"]


@pytest.fixture
def run(tmp_path):
    """Import cases of `tmp_path/raw`: the audit, and the images by sequence."""

    def imported(*cases, sequences=SEQUENCES, as_stored=True):
        images = tmp_path / "images"
        images.mkdir(exist_ok=True)
        rows = pd.DataFrame({"subject": list(cases), "study": list(cases)}, dtype=str)
        audit, headers = import_cases(rows, tmp_path / "raw", images, sequences, as_stored)
        assert headers.empty
        found = {p.name: p for p in images.iterdir()}
        return audit, {
            name: {s: Cine.load(path / f"{s}.nii.gz") for s in sequences}
            for name, path in found.items()
        }

    return imported


def case(raw, name="101", shapes=None, affines=None, sequences=SEQUENCES):
    for i, key in enumerate(sequences):
        shape, affine = (shapes or {}).get(key, SHAPE), (affines or {}).get(key, LSP)
        save(raw / f"{name}_{key.upper()}.nii.gz", grey(101, i, shape), affine)


# -- the challenge's folder -------------------------------------------------------------------


def test_all_45_cases_of_the_challenge_come_through_with_their_voxels(run, tmp_path):
    challenge(tmp_path / "raw")
    names = [str(number) for number in (*TRAINING, *TESTING)]
    audit, images = run(*names)
    assert audit.empty
    assert sorted(images) == sorted(names)
    for number in (101, 102, 201, 204):
        for i, key in enumerate(SEQUENCES):
            image = images[str(number)][key]
            assert image.voxels.dtype == np.float32
            np.testing.assert_array_equal(image.voxels[0].T, grey(number, i))
            np.testing.assert_allclose(image.affine, PSR if number % 3 == 0 else LSP, atol=1e-4)


def test_cleaning_turns_the_sequences_of_a_case_alike_whatever_its_axes(run, tmp_path):
    challenge(tmp_path / "raw", (101, 102))
    audit, images = run("101", "102", as_stored=False)
    # Seen as scanners show them, columns to the left or backwards and rows to the feet, and not
    # turned by a quarter, though 24 columns and 20 rows are wide.
    for number, axes in (("101", "LIP"), ("102", "PIR")):
        first = images[number]["c0"]
        assert "".join(nib.aff2axcodes(first.affine)) == axes
        assert [images[number][key].voxels.shape for key in SEQUENCES] == [(1, 4, 20, 24)] * 3
        for i, key in enumerate(SEQUENCES):
            np.testing.assert_array_equal(images[number][key].affine, first.affine)
            np.testing.assert_array_equal(
                np.sort(images[number][key].voxels, axis=None),
                np.sort(grey(int(number), i), axis=None),
            )
    assert "sequences on different grids" not in set(audit["problem"])


def test_the_sample_case_comes_through_untouched(data, tmp_path):
    raw = data / "myops"
    if not raw.is_dir():
        pytest.skip(f"no sample case of MyoPS at {raw}")
    rows = pd.DataFrame([{"subject": "119", "study": "119"}])
    audit, _ = import_cases(rows, raw, tmp_path, SEQUENCES, as_stored=True)
    assert audit.empty
    for key in SEQUENCES:
        image = nib.load(tmp_path / f"119/{key}.nii.gz")
        stored = nib.load(raw / f"myops_training_119_{key.upper()}.nii.gz")
        np.testing.assert_array_equal(
            np.asanyarray(image.dataobj)[..., 0], np.asanyarray(stored.dataobj)
        )
        np.testing.assert_allclose(image.affine, stored.affine, atol=1e-4)
    sources = pd.read_csv(tmp_path / "119/de.sources.tsv", sep="\t")
    assert sources["file"].unique().tolist() == ["myops_training_119_DE.nii.gz"]


# -- names ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "study"),
    [
        ("myops_training_101_DE.nii.gz", "101"),
        ("training_101_de.nii", "101"),
        ("training_101_LGE.nii.gz", "training_101"),
        ("Case3001_LGE.nii.gz", "Case3001"),
        ("case3001_DE.NII.GZ", "3001"),
        ("101/DE.nii.gz", "101"),
        ("101/lge.nii", "101"),
        ("train25/101/myops_training_101_DE.nii.gz", "101"),
        ("train25/myops_training_101_DE.nii.gz", "train25/101"),
    ],
)
def test_names_of_copies_are_known(tmp_path, name, study):
    save(tmp_path / "raw/x.nii", grey(1, 1))
    (tmp_path / "raw" / name).parent.mkdir(parents=True, exist_ok=True)
    (tmp_path / "raw/x.nii").rename(tmp_path / "raw" / name)
    assert files_of_case(nifti_files(tmp_path / "raw"), study, ("de", "lge")) == [name]


@pytest.mark.parametrize(
    "name",
    [
        "1101_DE.nii.gz",
        "train101/102_DE.nii.gz",
        "101_DE.txt",
        "._101_DE.nii.gz",
        "101_C0.nii.gz",
        "a/b/c/101_DE.nii",
    ],
)
def test_other_files_are_of_no_case(tmp_path, name):
    (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
    (tmp_path / name).touch()
    assert files_of_case(nifti_files(tmp_path), "101", ("de", "lge")) == []


def test_the_state_of_a_case_changes_with_its_own_files_alone(tmp_path):
    raw = str(challenge(tmp_path / "raw", (101, 102)))
    row = {"study": "101", "set": "train", "annotation": "101"}
    other = {"study": "102", "set": "train", "annotation": "102"}
    before = image_state("myops", raw, row, SEQUENCES), label_state("myops", "myops", raw, row)
    assert all(before)
    unlike = image_state("myops", raw, other, SEQUENCES), label_state("myops", "myops", raw, other)
    save(tmp_path / "raw/train25/myops_training_102_T2.nii.gz", grey(7, 7))
    save(tmp_path / "raw/train25_myops_gd/myops_training_102_gd.nii.gz", grey(7, 7))
    assert (
        image_state("myops", raw, row, SEQUENCES),
        label_state("myops", "myops", raw, row),
    ) == before
    assert image_state("myops", raw, other, SEQUENCES) != unlike[0]
    assert label_state("myops", "myops", raw, other) != unlike[1]


@pytest.mark.parametrize("suffix", [".NII.GZ", ".Nii.gz", ".NII"])
def test_endings_in_capitals_are_read(run, tmp_path, suffix):
    case(tmp_path / "raw")
    for path in list((tmp_path / "raw").iterdir()):
        target = path.with_name(path.name.removesuffix(".nii.gz") + suffix)
        if suffix == ".NII":
            nib.save(nib.load(path), path.with_name("a.nii"))
            path.unlink()
            path = path.with_name("a.nii")
        path.rename(target)
    _, images = run("101")
    np.testing.assert_array_equal(images["101"]["de"].voxels[0].T, grey(101, 1))


def test_a_folder_in_the_case_is_that_folder_and_no_other(tmp_path):
    for folder in ("train2", "train25"):
        save(tmp_path / folder / "101_DE.nii.gz", grey(1, 1))
    assert files_of_case(nifti_files(tmp_path), "train2/101", ("de",)) == ["train2/101_DE.nii.gz"]


def test_a_set_of_cases_is_no_folder_of_the_case_with_its_number(run, tmp_path):
    for name in ("1", "2", "25"):
        case(tmp_path / "raw/train_25", f"training_{name}")
    audit, images = run("25", "1")
    assert audit.empty
    assert sorted(images) == ["1", "25"]


# -- refusals ---------------------------------------------------------------------------------


def refused(audit):
    assert audit["resolution"].tolist()[-1] == "subject excluded"
    return audit.iloc[-1]


def test_a_case_without_a_sequence_is_excluded_unless_the_cohort_asks_for_fewer(run, tmp_path):
    case(tmp_path / "raw", sequences=["c0", "de"])
    audit, images = run("101")
    row = refused(audit)
    assert not images
    assert (row["problem"], row["image"]) == ("sequence missing", "t2")
    assert "ends with _T2.nii.gz, there are c0, de" in row["detail"]
    audit, images = run("101", sequences=["c0", "de"])
    assert audit.empty
    assert set(images["101"]) == {"c0", "de"}


def test_a_case_without_any_file_says_where_to_look(run, tmp_path):
    case(tmp_path / "raw")
    row = refused(run("102")[0])
    assert row["problem"] == "no images"
    assert "no file of case 102 ends with _C0.nii.gz or _BSSFP.nii.gz" in row["detail"]


def test_two_files_of_one_sequence_are_not_chosen_between(run, tmp_path):
    case(tmp_path / "raw")
    save(tmp_path / "raw/101_LGE.nii.gz", grey(5, 5))
    assert "101_DE.nii.gz and 101_LGE.nii.gz are both there" in refused(run("101")[0])["detail"]


def test_a_file_of_another_case_in_the_folder_of_a_case_is_refused(run, tmp_path):
    case(tmp_path / "raw/101", "training_101", sequences=["c0", "de"])
    save(tmp_path / "raw/101/training_102_T2.nii.gz", grey(5, 5))
    row = refused(run("101")[0])
    assert row["problem"] == "two patients in one folder"
    assert "101/training_102_t2.nii.gz is named by another case" in row["detail"].lower()


def test_a_cine_is_no_still_image(run, tmp_path):
    case(tmp_path / "raw", shapes={"de": (*SHAPE, 3)})
    row = refused(run("101")[0])
    assert (row["problem"], row["image"]) == ("unreadable file", "101_DE.nii.gz")
    assert "de has 3 frames, expected a still image" in row["detail"]


def test_a_damaged_file_excludes_its_case_alone(run, tmp_path):
    challenge(tmp_path / "raw", (101, 102))
    (tmp_path / "raw/train25/myops_training_101_DE.nii.gz").write_bytes(b"damaged")
    audit, images = run("101", "102")
    assert "not a readable NIfTI" in refused(audit)["detail"]
    assert list(images) == ["102"]
