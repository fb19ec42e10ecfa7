"""Contours of cvi42 given with the raw data: what is carried, and what is refused by name."""

import logging
import shutil

import numpy as np
import pytest

from carried import ROWS, SETTINGS, carrier
from cmrseg.annotations.carry import carry_shard
from cmrseg.cine import Cine
from cmrseg.contours.cvi42 import write_cvi42
from cmrseg.dicom.study import import_shard
from cmrseg.files import read_table, write_table
from contour_shapes import square
from dicom_builder import write_series

ENDO, EPI, RIGHT = "saendocardialContour", "saepicardialContour", "sarvendocardialContour"
WALL = {ENDO: square(3.5, 3.5, 5.5, 5.5), EPI: square(2.5, 2.5, 6.5, 6.5)}
BOTH = {**WALL, RIGHT: square(0.5, 3.5, 3.5, 5.5)}
FOLDER = {**SETTINGS, "layout": "folder"}


@pytest.fixture
def carry(tmp_path):
    """Carry contours by image; slice z, frame t (from 1) is the image 1.2.3.<z>.<t>."""
    carry = carrier(tmp_path)
    for z in range(3):
        place = tmp_path / "raw/7" / str(z)
        write_series(place, z, location_mm=8.0 * z, name="1.2.3.{series}.{frame}.dcm")

    def run(contours, name="7_cvi42.zip", mode="corrected", **annotator):
        write_cvi42(contours, tmp_path / "raw/annotations/truth" / name)
        settings = {**FOLDER, "mode": mode}
        return carry("cvi42", import_shard, "folder", annotator, settings=settings)

    return run


@pytest.mark.parametrize("name", ["7_cvi42.zip", "7_cvi42.cvi42wsx", "7.cvi42wsx"])
def test_contours_label_their_image_and_its_frame_is_background_elsewhere(carry, name):
    placed = carry({"1.2.3.1.1": BOTH, "1.2.3.0.3": WALL}, name)
    assert [(placed[0, 1] == tissue).sum() for tissue in (1, 2, 3)] == [4, 12, 4]
    assert not placed[0, [0, 2]].any()
    assert (placed[1] == 255).all()
    assert [(placed[2, 0] == tissue).sum() for tissue in (1, 2, 3)] == [4, 12, 0]
    # x is the column: the RV lies to the left.
    assert np.argwhere(placed[0, 1] == 3).tolist() == [[4, 1], [4, 2], [5, 1], [5, 2]]


def test_images_cleaned_as_published_have_the_published_filling(carry):
    points = {ENDO: square(4, 4, 5, 5), EPI: square(3, 3, 6, 6)}
    placed = carry({"1.2.3.1.1": points}, mode="compat")
    assert [(placed[0, 1] == tissue).sum() for tissue in (1, 2)] == [4, 12]


@pytest.mark.parametrize("first_pixel", [0.5, 1])
def test_coordinates_may_begin_elsewhere(carry, first_pixel):
    shifted = {name: xy + first_pixel for name, xy in BOTH.items()}
    placed = carry({"1.2.3.1.1": shifted}, first_pixel=first_pixel)
    assert np.argwhere(placed[0, 1] == 1).min(axis=0).tolist() == [4, 4]


def told(caplog, contours, carry, **options):
    with caplog.at_level(logging.WARNING):
        placed = carry(contours, **options)
    return placed, caplog.text


def test_other_contours_are_counted_in_the_audit(carry, caplog):
    other = {"sapapilMuscContour": WALL[ENDO], "sapapilMuscContour0001": WALL[ENDO]}
    named = {"Doe Jane": WALL[ENDO], "lalaContour": WALL[ENDO]}
    contours = {"1.2.3.1.1": {**WALL, **other}, "1.2.3.2.1": {**named, **other}}
    _, text = told(caplog, contours, carry)
    kinds = "1 lalaContour, 4 sapapilMuscContour, 1 with another name"
    assert f"subject 7: 7_cvi42.zip: other contours: {kinds}; contours ignored" in text
    assert "Doe" not in text


def test_images_that_are_in_no_cine_are_counted_and_not_named(carry, caplog):
    contours = {
        "1.2.3.1.1": WALL,
        "9.9.1": WALL,
        "9.9.2": WALL,
        "9.9.3": {"lalaContour": BOTH[EPI]},
    }
    _, text = told(caplog, contours, carry)
    assert "7_cvi42.zip: image not in the cine: 2 images; contours not used" in text
    assert "9.9" not in text


def test_an_endocardium_alone_is_told_as_of_other_forms(carry, caplog):
    placed, text = told(caplog, {"1.2.3.1.1": {ENDO: WALL[ENDO]}, "1.2.3.0.1": WALL}, carry)
    assert (placed[0, 1] == 255).sum() == placed[0, 1].size - 4
    assert "1/1.2.3.1.1.dcm: no epicardium: 1 image of frame 1 (from 1)" in text


def test_contours_of_another_study_are_refused_by_subject_and_file(carry):
    message = (
        r"subject 7: labels of truth: 7_cvi42.zip: contours of 2 images, none of which is in the "
        "cine; the DICOM files need their SOPInstanceUID as name; are they of another study"
    )
    with pytest.raises(ValueError, match=message):
        carry({"9.9.1": WALL, "9.9.2": WALL})


def test_a_contour_beside_its_image_is_refused_by_subject_and_file(carry):
    far = {EPI: WALL[EPI] + 100}
    with pytest.raises(ValueError, match=r"7_cvi42.zip: 1/1.2.3.1.1.dcm: its saepicardialContour"):
        carry({"1.2.3.1.1": far})


def test_a_damaged_workspace_costs_its_subject_and_not_the_job_that_has_no_other(carry, tmp_path):
    path = tmp_path / "raw/annotations/truth/7.cvi42wsx"
    path.parent.mkdir(parents=True)
    path.write_text("no XML")
    with pytest.raises(ValueError, match=r"7_cvi42.zip and 7.cvi42wsx both exist; keep one"):
        carry({"1.2.3.1.1": WALL})
    (tmp_path / "raw/annotations/truth/7_cvi42.zip").unlink()
    settings = {"sequence": "sa", "form": "cvi42", "folder": "annotations/truth", **FOLDER}
    for content, sentence in (
        (b"no XML", "7.cvi42wsx: line 1: no XML, or a part of it; export the workspace"),
        (b"PK no zip", "7_cvi42.zip: zip file is damaged; copy it again"),
    ):
        ending = sentence.partition(":")[0].removeprefix("7")
        path.unlink(missing_ok=True)
        (path.parent / f"7{ending}").write_bytes(content)
        places = (tmp_path / name for name in ("raw", "images", "labels"))
        audit = carry_shard(ROWS, "truth", settings, *places)
        assert audit[["subject", "problem", "resolution"]].to_numpy().tolist() == [
            ["7", "unreadable labels", "subject excluded"]
        ]
        assert audit["detail"].item().startswith(sentence)
        assert not any((tmp_path / "labels").iterdir())


def test_a_subject_without_contours_of_the_sequence_is_not_labelled(carry, tmp_path):
    with pytest.raises(ValueError, match=r"labels/7/sa.nii.gz: not a readable NIfTI"):
        carry({"1.2.3.1.1": {"lalaContour": WALL[ENDO]}})
    assert not any((tmp_path / "labels").iterdir())
    shutil.rmtree(tmp_path / "raw/annotations")
    settings = {"sequence": "sa", "form": "cvi42", "folder": "annotations/truth", **FOLDER}
    carry_shard(ROWS, "truth", settings, *(tmp_path / n for n in ("raw", "images", "labels")))
    assert not any((tmp_path / "labels").iterdir())


# -- long axes -------------------------------------------------------------------------------


@pytest.fixture
def views(carry, tmp_path):
    """Carry the atria of a four-chamber view of three frames that was imported beside others."""
    carry({"1.2.3.1.1": WALL})
    image = tmp_path / "images/7"
    table = read_table(image / "sources.tsv")
    view = table[table["z"] == 0].assign(file=[f"la/5.5.{t}.dcm" for t in range(3)])
    write_table(view, image / "la_4ch.sources.tsv")
    other = view.assign(file=[f"la/6.6.{t}.dcm" for t in range(3)])
    write_table(other, image / "la_2ch.sources.tsv")
    cine = Cine.load(image / "sa.nii.gz")
    cine.like(cine.voxels[:, :1]).save(image / "la_4ch.nii.gz")

    def run(contours):
        write_cvi42(contours, tmp_path / "raw/annotations/truth/7_cvi42.zip")
        settings = {"sequence": "la_4ch", "form": "cvi42", "folder": "annotations/truth", **FOLDER}
        carry_shard(ROWS, "truth", settings, *(tmp_path / n for n in ("raw", "images", "labels")))
        return Cine.load(tmp_path / "labels/7/la_4ch.nii.gz").voxels

    shutil.rmtree(tmp_path / "labels")
    (tmp_path / "labels").mkdir()
    return run


ATRIA = {"lalaContour": square(5.5, 2.5, 8.5, 5.5), "laraContour": square(0.5, 2.5, 4.5, 5.5)}


def test_atria_of_a_view_are_labelled_and_contours_of_other_cines_are_theirs(views, caplog):
    contours = {"5.5.0": ATRIA, "5.5.2": ATRIA, "6.6.0": ATRIA, "1.2.3.1.1": WALL}
    placed, text = told(caplog, contours, views)
    assert [(placed[0] == tissue).sum() for tissue in (4, 5)] == [9, 12]
    assert (placed[2] == placed[0]).all()
    assert (placed[1] == 255).all()
    assert "not in the cine" not in text
    assert "other contours" not in text


def test_one_atrium_alone_leaves_the_other_unknown(views, caplog):
    placed, text = told(caplog, {"5.5.1": {"lalaContour": ATRIA["lalaContour"]}}, views)
    assert np.unique(placed[1]).tolist() == [4, 255]
    assert (
        "la/5.5.1.dcm: one atrium alone: 1 image of frame 2 (from 1); area outside it unlabelled"
    ) in text
