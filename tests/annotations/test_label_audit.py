"""What is wrong with an annotator's labels: told by subject and file, and in a table."""

import logging

import numpy as np
import pandas as pd
import pytest

from cmrseg.annotations.carry import carry_shard
from cmrseg.annotations.cohort import collect_audit, of_no_subject
from cmrseg.annotations.doubts import frames_without_muscle, other_numbers
from cmrseg.cine import Cine
from cmrseg.contours.qmass import Contours, ContourType, write_con
from cmrseg.dicom.audit import COLUMNS, check_losses
from cmrseg.dicom.study import import_shard
from cmrseg.files import write_table
from dicom_builder import write_series

SUBJECTS = ("p01", "p02", "p03")
SETTINGS = {"sequence": "sa", "form": "nifti", "folder": "annotations/reader", "layout": "nifti"}
SHAPE = (2, 3, 14, 12)


def table(*subjects):
    return pd.DataFrame({"subject": subjects, "set": "train", "annotation": subjects})


def heart():
    """Labels (t, z, y, x): a cavity in a wall, and a right ventricle beside it."""
    labels = np.zeros(SHAPE, np.uint8)
    labels[:, :, 3:10, 2:8] = 2
    labels[:, :, 5:8, 4:6] = 1
    labels[:, :, 3:10, 8:11] = 3
    return labels


@pytest.fixture
def shard(tmp_path):
    """Images of three subjects; carries label volumes, by name, of their annotator."""
    for subject in SUBJECTS:
        Cine(np.ones(SHAPE, np.float32), np.eye(4)).save(tmp_path / f"images/{subject}/sa.nii.gz")
        write_table(pd.DataFrame({"z": [0], "t": [0]}), tmp_path / f"images/{subject}/sources.tsv")
    (tmp_path / "labels").mkdir()

    def run(files, **settings):
        for name, labels in files.items():
            path = tmp_path / "raw/annotations/reader" / f"{name}.nii.gz"
            if isinstance(labels, bytes):
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(labels)
            else:
                Cine(labels, np.eye(4)).save(path)
        return carry_shard(
            table(*SUBJECTS),
            "reader",
            {**SETTINGS, **settings},
            *(tmp_path / name for name in ("raw", "images", "labels")),
        )

    return run


def carried(tmp_path):
    return {
        folder.name: Cine.load(folder / "sa.nii.gz").voxels
        for folder in sorted((tmp_path / "labels").iterdir())
    }


# -- one subject, and the others -------------------------------------------------------------


def test_a_file_that_cannot_be_read_costs_its_subject_alone(shard, tmp_path, caplog):
    files = {"p01": heart(), "p02": b"no NIfTI", "p03": heart() * 9}
    with caplog.at_level(logging.WARNING):
        audit = shard(files)
    assert list(carried(tmp_path)) == ["p01"]
    assert list(audit.columns) == COLUMNS
    assert audit[["subject", "problem", "resolution"]].to_numpy().tolist() == [
        ["p02", "unreadable labels", "subject excluded"],
        ["p03", "unreadable labels", "subject excluded"],
    ]
    assert "p03.nii.gz: label values [9, 18, 27]" in audit["detail"][1]
    assert str(tmp_path) not in "".join(audit["detail"])
    assert "subject p02: unreadable labels: p02.nii.gz" in caplog.text


def test_where_no_labels_can_be_read_the_first_reason_ends_the_run(shard):
    with pytest.raises(ValueError, match=r"subject p01: labels of reader: p01.nii.gz: label val"):
        shard({"p01": heart() * 9, "p02": b"no NIfTI"})


def test_subjects_without_labels_beside_others_are_a_warning(shard, caplog):
    with caplog.at_level(logging.WARNING):
        audit = shard({"p01": heart(), "P02": heart(), "p03": heart()})
    assert audit.empty
    assert "labelled by reader: 2 of 3 subjects; no labels of p02" in caplog.text


# -- numbers ---------------------------------------------------------------------------------


def acdc():
    """The heart with the numbers of ACDC: 1 right ventricle, 2 muscle, 3 cavity."""
    return np.array([0, 3, 2, 1], np.uint8)[heart()]


def test_labels_of_another_convention_are_asked_about(shard):
    audit = shard({"p01": heart(), "p02": acdc()})
    assert audit[["subject", "problem", "resolution"]].to_numpy().tolist() == [
        ["p02", "label numbers", "none"]
    ]
    assert "RV cavity (3) lies within LV myocardium (2)" in audit["detail"][0]
    assert "`numbers` of the annotator" in audit["detail"][0]


def test_numbers_of_the_annotator_become_ours(shard, tmp_path):
    audit = shard({"p01": acdc()}, numbers={1: 3, 2: 2, 3: 1})
    assert audit.empty
    assert (carried(tmp_path)["p01"] == heart()).all()


def test_a_number_that_the_annotator_does_not_name_is_refused(shard):
    with pytest.raises(
        ValueError, match=r"p01.nii.gz: label values \[3\], not declared in `numbers`"
    ):
        shard({"p01": acdc()}, numbers={1: 3, 2: 2})


def test_unlabelled_stays_whatever_the_numbers(shard, tmp_path):
    labels = acdc()
    labels[0, 0] = 255
    shard({"p01": labels}, numbers={1: 3, 2: 2, 3: 1, 7: 0})
    assert (carried(tmp_path)["p01"][0, 0] == 255).all()


@pytest.mark.parametrize(
    ("numbers", "told"),
    [
        ([0, 1, 2, 3], ""),
        ([0, 1, 2, 0], ""),
        ([0, 2, 1, 3], "LV myocardium (2) lies within LV cavity (1)"),
        ([0, 3, 2, 1], "RV cavity (3) lies within LV myocardium (2)"),
        ([0, 1, 3, 2], "LV cavity (1) lies within RV cavity (3)"),
        ([0, 2, 3, 1], "LV myocardium (2) lies within RV cavity (3)"),
        ([0, 3, 1, 2], "RV cavity (3) lies within LV cavity (1)"),
        ([0, 1, 0, 0], ""),
    ],
)
def test_which_tissue_lies_within_which_tells_the_convention(numbers, told):
    labels = np.array(numbers, np.uint8)[heart()]
    assert other_numbers(labels).startswith(told)
    assert bool(other_numbers(labels)) == bool(told)


def test_one_stray_pixel_within_the_muscle_is_no_convention():
    labels = heart()
    labels[0, 0, 5, 4] = 3
    assert other_numbers(labels) == ""


def test_a_cavity_whose_muscle_is_background_is_told(shard):
    labels = heart()
    labels[1][labels[1] == 2] = 0
    audit = shard({"p01": labels})
    assert audit["problem"].tolist() == ["cavity without myocardium"]
    assert audit["detail"][0].startswith("frame 2 (from 1): a network would learn that there is")


def test_a_cavity_with_unlabelled_pixels_around_it_says_so_itself():
    labels = heart()
    labels[1][labels[1] != 1] = 255
    assert frames_without_muscle(labels) == []


# -- contours --------------------------------------------------------------------------------


def circle(x, y, radius):
    angles = np.linspace(0, 2 * np.pi, 60, endpoint=False)
    return np.stack([x + radius * np.cos(angles), y + radius * np.sin(angles)], axis=1)


def test_an_epicardium_beside_its_cavity_leaves_its_image_unlabelled(tmp_path, caplog):
    for z in range(3):
        options = {"rows": 60, "columns": 60, "PixelSpacing": [1.5, 1.5]}
        write_series(
            tmp_path / f"raw/p01/{z}", z, location_mm=8.0 * z, name="{frame}.dcm", **options
        )
    rows = table("p01").assign(study="p01", series="")
    cleaning = {"mode": "corrected", "max_size_px": 256, "layout": "folder"}
    for name in ("images", "labels"):
        (tmp_path / name).mkdir()
    import_shard(rows, tmp_path / "raw", tmp_path / "images", cleaning)
    endo, epi = ContourType
    points = {(z, 0, endo): circle(22, 30, 10) for z in range(3)}
    points |= {(z, 0, epi): circle(22, 30, 14) for z in (0, 2)}
    points[1, 0, epi] = circle(38, 30, 14)
    contours = Contours("p01", (60, 60), points)
    write_con(contours, tmp_path / "raw/annotations/reader/p01.con")
    settings = {
        "sequence": "sa",
        "form": "qmass",
        "folder": "annotations/reader",
        "layout": "folder",
    }
    with caplog.at_level(logging.WARNING):
        audit = carry_shard(
            rows, "reader", settings, *(tmp_path / n for n in ("raw", "images", "labels"))
        )
    placed = carried(tmp_path)["p01"]
    assert (placed[0, 1] == 255).all()
    assert all((placed[0, z] == 2).any() for z in (0, 2))
    row = audit.iloc[0]
    assert row[:4].tolist() == [
        "p01",
        "epicardium does not enclose cavity",
        "image unlabelled",
        "1/1.dcm",
    ]
    # Pixels of the epicardium begin at 38 - 14 + 1 = 25, those of the cavity at 12 + 1.
    assert row["detail"].endswith("lie outside, up to 11.5 px (17.2 mm) away")
    assert "subject p01: 1/1.dcm: epicardium does not enclose cavity" in caplog.text


# -- a cohort --------------------------------------------------------------------------------


def collected(tmp_path, audits, labelled):
    for subject in labelled:
        (tmp_path / "labels" / subject).mkdir()
    paths = []
    for number, audit in enumerate(audits):
        paths.append(tmp_path / f"{number}.audit.tsv")
        write_table(audit, paths[-1])
    return collect_audit(
        table(*SUBJECTS),
        "reader",
        SETTINGS,
        [tmp_path / "raw"],
        paths,
        [tmp_path / "images"],
        [tmp_path / "labels"],
    )


def test_a_misnamed_annotation_is_told_with_the_subject_that_has_none(shard, tmp_path, caplog):
    audits = [shard({"p01": heart(), "p-02": heart()})]
    (tmp_path / "raw/annotations/reader/notes.txt").touch()
    with caplog.at_level(logging.WARNING):
        audit = collected(tmp_path, audits, [])
    assert (
        "labelled by reader: 1 of 3 subjects; not labelled: p02, p03; without subject: p-02.nii.gz"
    ) in caplog.text
    assert audit.fillna("").to_numpy().tolist() == [
        [
            "",
            "labels without subject",
            "file ignored",
            "p-02.nii.gz",
            "no subject has an annotation of this name",
        ],
        ["", "subjects without labels", "none", "", "2 of 3: p02, p03"],
    ]


def test_many_unlabelled_subjects_are_one_row_and_one_line(shard, tmp_path, caplog):
    with caplog.at_level(logging.WARNING):
        audit = collected(tmp_path, [], ["p03"])
    assert len(audit) == 1
    assert len(caplog.records) == 1


def test_a_cohort_that_is_labelled_as_a_whole_is_no_warning(shard, tmp_path, caplog):
    with caplog.at_level(logging.INFO):
        audit = collected(tmp_path, [], SUBJECTS)
    assert audit.empty
    assert [(r.levelname, r.message) for r in caplog.records] == [
        ("INFO", "labelled by reader: 3 of 3 subjects")
    ]


@pytest.mark.parametrize(
    ("form", "present", "foreign"),
    [
        ("qmass", ["p01.con", "p1.con", "list.csv"], ["p1.con"]),
        ("text", ["p01/", "P02/", "link.csv"], ["P02"]),
        (
            "cvi42",
            ["p01_cvi42.zip", "p02.cvi42wsx", "p03_cvi42.cvi42wsx", "p3.cvi42wsx", "p1.zip"],
            ["p3.cvi42wsx"],
        ),
        ("frames", ["p01/", "p04/"], ["p04"]),
        ("masks", ["train/train/p01/", "train/train/p4/"], ["train/train/p4"]),
        ("nifti", ["p01_frame003.nii.gz", "p2_frame003.nii", "p03.nii"], ["p2_frame003.nii"]),
    ],
)
def test_what_has_the_name_of_no_annotation_is_found_in_every_form(
    tmp_path, form, present, foreign
):
    folder = tmp_path / "annotations/reader"
    for name in present:
        path = folder / name
        path.mkdir(parents=True) if name.endswith("/") else path.parent.mkdir(
            parents=True, exist_ok=True
        )
        if not name.endswith("/"):
            path.touch()
    settings = {**SETTINGS, "sequence": "sa", "form": form, "layout": "kaggle"}
    assert of_no_subject(table(*SUBJECTS), settings, tmp_path) == foreign


def test_annotations_in_folders_of_folders_are_looked_for_there(tmp_path):
    for name in ("heart/a", "heart/b", "other/c"):
        (tmp_path / "annotations/reader" / name).mkdir(parents=True)
    rows = table("p01").assign(annotation="heart/a")
    settings = {**SETTINGS, "form": "text"}
    assert of_no_subject(rows, settings, tmp_path) == ["heart/b"]


def test_labels_among_the_images_are_not_looked_through(tmp_path):
    (tmp_path / "p09").mkdir()
    settings = {"sequence": "sa", "form": "nifti", "folder": ".", "layout": "ukbb"}
    assert of_no_subject(table(*SUBJECTS), settings, tmp_path) == []


def test_too_many_unreadable_labels_end_the_run():
    lost = pd.DataFrame(
        [["p02", "unreadable labels", "subject excluded", "", "p02.nii.gz: no NIfTI"]] * 2,
        columns=COLUMNS,
    )
    lost.loc[1, "subject"] = "p02_rot90"
    what = "have labels that could not be read"
    check_losses(lost, [*SUBJECTS], 0.5, "cohort people", what)
    with pytest.raises(ValueError, match=f"cohort people: 1 of 3 subjects {what}"):
        check_losses(lost, [*SUBJECTS], 0.1, "cohort people", what)
