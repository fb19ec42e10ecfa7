"""What raw files look like: any edit of a subject's changes it, and nothing else."""

import os
import shutil
from pathlib import Path

import pytest

from study import raw_state
from study.raw_state import image_state, label_state, on_disk, table_state

ROW = {"study": "71", "set": "train", "annotation": "71"}
# Files of subject 71 by layout, and others that are none of its images.
IMAGES = {
    "kaggle": (
        ["train/train/71/study/sax_1/IM-1-0001.dcm", "train/train/71/study/sax_2/IM-2-0001.dcm"],
        ["train/train/72/study/sax_1/IM-1-0001.dcm", "test/test/71/study/sax_1/IM-1-0001.dcm"],
    ),
    "folder": (
        ["71/a/b/1.dcm", "71/2"],
        ["72/1.dcm", "annotations/reader/71.con"],
    ),
    "ukbb": (
        ["71/sa_ED.nii.gz", "71/sa_ES.nii.gz"],
        ["71/label_sa_ED.nii.gz", "72/sa_ED.nii.gz"],
    ),
    "ukbb_dicom": (
        ["71/71_20209_2_0.zip", "71_20208_3_0.zip", "71_20210_2_0/a/1.dcm"],
        ["72/72_20209_2_0.zip", "72_20209_2_0.zip", "171_20209_2_0.zip", "71.zip"],
    ),
    "nifti": (
        ["71.nii.gz"],
        ["72.nii.gz", "71/other.nii.gz", "annotations/reader/71.nii.gz"],
    ),
    "png": (
        ["images/71/71-frame000-slice000.png"],
        ["images/72/72-frame000-slice000.png", "masks/71/71-frame000-slice000.png"],
    ),
    "hdf5": (["71.h5"], ["72.h5"]),
    "tagging": (["71.h5"], ["72.h5", "annotations/a/71/tag.points.tsv.gz"]),
}
LABELS = {
    ("kaggle", "masks"): (
        ["a/train/train/71/study/sax_1/IM-1-0001.png"],
        ["a/train/train/72/study/sax_1/IM-1-0001.png"],
    ),
    ("folder", "qmass"): (["a/71.con"], ["a/72.con", "71/1.dcm"]),
    ("folder", "text"): (["a/71/deep/x-0001-icontour.txt"], ["a/72/x-0001-icontour.txt"]),
    ("folder", "cvi42"): (
        ["a/71_cvi42.zip", "a/71.cvi42wsx", "a/71_cvi42.cvi42wsx"],
        ["a/72_cvi42.zip", "a/71.zip", "a/71/71_cvi42.zip"],
    ),
    ("kaggle", "frames"): (["a/71/71-frame000-slice000.png"], ["a/72/72-frame000-slice000.png"]),
    ("ukbb", "nifti"): (["a/71/label_sa_ED.nii.gz"], ["a/71/sa_ED.nii.gz"]),
    ("nifti", "nifti"): (
        ["a/71.nii.gz", "a/71_frame000.nii.gz", "a/71_frame012.nii"],
        ["a/72.nii.gz", "a/72_frame000.nii.gz", "a/171_frame000.nii.gz"],
    ),
    ("hdf5", "hdf5"): (["a/71.hdf5"], ["a/72.hdf5"]),
    ("tagging", "tagging"): (["a/71.hdf5"], ["a/72.hdf5", "a/71/tag.points.tsv.gz"]),
}
EDITS = {
    "other content of another size": lambda path: path.write_text("longer than before"),
    "another time": lambda path: os.utime(path, ns=(1, 1)),
    "another name": lambda path: path.rename(path.with_name("other")),
    "removed": lambda path: path.unlink(),
}


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    """An empty folder; what was read of others is forgotten."""
    monkeypatch.chdir(tmp_path)
    forget()


def forget() -> None:
    """What a new run knows: nothing."""
    raw_state._frames.cache_clear()
    raw_state._rows.cache_clear()


def make(names: list[str]) -> None:
    for name in names:
        path = Path("raw", name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("file")


def images_of(layout: str) -> str:
    forget()
    return image_state(layout, "raw", ROW)


def labels_of(kind: tuple[str, str]) -> str:
    forget()
    return label_state(*kind, "raw/a", ROW)


CASES = [(images_of, layout, *files) for layout, files in IMAGES.items()]
CASES += [(labels_of, kind, *files) for kind, files in LABELS.items()]


NAMES = [f"{state.__name__} {kind}" for state, kind, *_ in CASES]


@pytest.mark.parametrize("edit", EDITS.values(), ids=EDITS)
@pytest.mark.parametrize(("state", "kind", "own", "others"), CASES, ids=NAMES)
def test_an_edit_of_a_subject_s_file_is_noticed_and_of_another_is_not(
    state, kind, own, others, edit
):
    for name in own:
        make([*own, *others])
        before = state(kind)
        assert len(before) == 16
        edit(Path("raw", name))
        assert state(kind) != before
        shutil.rmtree("raw")
    for name in others:
        make([*own, *others])
        before = state(kind)
        edit(Path("raw", name))
        assert state(kind) == before
        shutil.rmtree("raw")


@pytest.mark.parametrize(("state", "kind", "own", "others"), CASES, ids=NAMES)
def test_a_new_subject_changes_no_other(state, kind, own, others):
    make(own)
    before = state(kind)
    make(others)
    assert state(kind) == before


@pytest.mark.parametrize(("state", "kind", "own", "others"), CASES, ids=NAMES)
def test_what_is_absent_has_no_state(state, kind, own, others):
    make(others)
    assert state(kind) == ""


def test_the_time_stamps_of_folders_say_nothing():
    make(IMAGES["folder"][0])
    before = images_of("folder")
    Path("raw/71/a/.snakemake_timestamp").touch()
    os.utime("raw/71/a", ns=(1, 1))
    assert images_of("folder") == before


def test_a_study_s_row_of_the_table_of_sizes_belongs_to_its_images():
    make(IMAGES["png"][0])
    table = Path("raw/patient_dimensions.tsv")
    table.write_text("pid\tX\tY\n71\t20\t30\n")
    before = images_of("png")
    table.write_text("pid\tX\tY\n71\t20\t30\n72\t5\t5\n")
    os.utime(table, ns=(1, 1))
    assert images_of("png") == before
    table.write_text("pid\tX\tY\n71\t20\t31\n72\t5\t5\n")
    assert images_of("png") != before


def test_points_of_a_sequence_are_those_of_its_name():
    make(["a/71/tag.points.tsv.gz", "a/71/tag.points.tsv", "a/71/sa.points.tsv.gz"])
    of_tags = label_state("nifti", "points", "raw/a", ROW, "tag")
    assert len(of_tags) == 16
    Path("raw/a/71/sa.points.tsv.gz").unlink()
    assert label_state("nifti", "points", "raw/a", ROW, "tag") == of_tags
    Path("raw/a/71/tag.points.tsv").unlink()
    assert label_state("nifti", "points", "raw/a", ROW, "tag") != of_tags


def test_links_are_followed_and_circles_end():
    make(["elsewhere/1.dcm", "71/2.dcm"])
    Path("raw/71/linked").symlink_to(Path("raw/elsewhere").absolute())
    Path("raw/71/circle").symlink_to(Path("raw/71").absolute())
    Path("raw/71/nowhere").symlink_to("absent")
    before = images_of("folder")
    Path("raw/elsewhere/1.dcm").write_text("longer than before")
    assert images_of("folder") != before


def test_an_unknown_layout_or_form_is_refused_by_name():
    with pytest.raises(ValueError, match="layout mine: where its images lie is not known"):
        image_state("mine", "raw", ROW)
    with pytest.raises(ValueError, match="form mine: where its labels lie is not known"):
        label_state("folder", "mine", "raw/a", ROW)


def test_tables_of_known_volumes_are_looked_at_and_folders_beside_them_are_not():
    make(["train.csv", "train/train/71/study/sax_1/IM-1-0001.dcm"])
    before = table_state("raw")
    make(["train/train/72/study/sax_1/IM-1-0001.dcm"])
    forget()
    assert table_state("raw") == before != ""
    Path("raw/train.csv").write_text("longer than before")
    assert table_state("raw") != before


def test_people_edit_what_lies_on_disk_and_not_what_is_fetched():
    assert on_disk("/data/clinic", ["kaggle"]) == "/data/clinic"
    assert on_disk("resources/raw/mine", ["kaggle"]) == "resources/raw/mine"
    assert on_disk("resources/raw/kaggle", ["kaggle"]) == ""
    by_hand = Path("resources/downloads/kaggle/by_hand")
    by_hand.mkdir(parents=True)
    assert on_disk("resources/raw/kaggle", ["kaggle"]) == str(by_hand)
    Path("resources/raw").mkdir()
    Path("resources/raw/kaggle").symlink_to(by_hand.absolute())
    assert on_disk("resources/raw/kaggle", ["kaggle"]) == str(by_hand)
    # It was fetched before somebody put other files there.
    Path("resources/raw/kaggle").unlink()
    Path("resources/raw/kaggle").mkdir()
    assert on_disk("resources/raw/kaggle", ["kaggle"]) == ""
