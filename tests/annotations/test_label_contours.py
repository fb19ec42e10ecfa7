"""Contours given with the raw data: what is carried, and what is refused by name."""

import logging
import shutil

import numpy as np
import pytest

from carried import ROWS, SETTINGS, carrier
from cmrseg.annotations.carry import carry_shard
from cmrseg.contours.qmass import Contours, ContourType, write_con
from cmrseg.dicom.study import import_shard
from dicom_builder import write_series


@pytest.fixture
def carry(tmp_path):
    return carrier(tmp_path)


@pytest.fixture
def contours(tmp_path, carry):
    """Carry contours of these slices; the study has slices 0 to 3, of which 1 is removed."""
    for k, location_mm in enumerate((0, 8, 8, 16)):
        write_series(tmp_path / "raw/7" / str(k), k, location_mm=location_mm, name="{frame}.dcm")

    def run(*slices, first_pixel=0):
        triangle = np.array([[2.0, 2], [6, 2], [6, 6]]) + first_pixel
        points = {(z, 0, ContourType.ENDOCARDIUM): triangle for z in slices}
        write_con(Contours("7", (12, 10), points), tmp_path / "raw/annotations/truth/7.con")
        settings, annotator = {**SETTINGS, "layout": "folder"}, {"first_pixel": first_pixel}
        return carry("qmass", import_shard, "folder", annotator, settings=settings)

    return run


@pytest.mark.parametrize("first_pixel", [0.5, 1])
def test_contours_are_the_same_wherever_their_coordinates_begin(contours, tmp_path, first_pixel):
    expected = contours(0)
    for name in ("images", "labels"):
        shutil.rmtree(tmp_path / name)
        (tmp_path / name).mkdir()
    assert (expected == 1).any()
    assert (contours(0, first_pixel=first_pixel) == expected).all()


def test_contours_of_a_removed_slice_are_logged(contours, caplog):
    with caplog.at_level(logging.WARNING):
        placed = contours(1, 2)
    assert (placed[0] == 1).any(axis=(1, 2)).tolist() == [False, True, False]
    told = "7.con: image removed by cleaning: slice 1, frame 0 (from 0, as in the file)"
    assert told in caplog.text


def test_contours_of_another_study_are_refused_by_subject_and_file(contours):
    message = "subject 7: labels of truth: 7.con: contours of slice 9, frame 0 match no image"
    with pytest.raises(ValueError, match=message):
        contours(9)


# -- contours as text ------------------------------------------------------------------------


SQUARE = {
    "i": "3.5 3.5\n6.5 3.5\n6.5 6.5\n3.5 6.5\n",
    "o": "2.5 2.5\n7.5 2.5\n7.5 7.5\n2.5 7.5\n",
}


@pytest.fixture
def text(tmp_path, carry):
    """Carry contours, by InstanceNumber and kind; slice z, frame t is image 3 z + t + 1."""
    for z in range(3):
        write_series(
            tmp_path / "raw/7" / str(z),
            location_mm=8.0 * z,
            frames=range(3 * z + 1, 3 * z + 4),
            name="{frame}.dcm",
        )

    def run(*contours, first_pixel=0):
        folder = tmp_path / "raw/annotations/truth/7/contours"
        folder.mkdir(parents=True, exist_ok=True)
        for number, kind in contours:
            name = f"IM-0001-{number:04d}-{kind}contour-manual.txt"
            (folder / name).write_text(SQUARE.get(kind, "5 5\n"))
        settings, annotator = {**SETTINGS, "layout": "folder"}, {"first_pixel": first_pixel}
        return carry("text", import_shard, "folder", annotator, settings=settings)

    return run


def test_text_contours_are_filled_and_their_frame_is_background_elsewhere(text):
    placed = text((4, "i"), (4, "o"))
    assert (placed[0, 1] == 1).sum() == 9
    assert (placed[0, 1] == 2).sum() == 25 - 9
    assert not placed[0, [0, 2]].any()
    assert (placed[1:] == 255).all()


def test_text_contours_that_count_from_1_lie_a_pixel_to_the_left_and_up(text):
    counted_from_1 = text((4, "i"), (4, "o"), first_pixel=1)
    assert np.argwhere(counted_from_1[0, 1] == 1).min(axis=0).tolist() == [3, 3]


def test_the_muscle_of_an_endocardium_alone_is_not_labelled(text, tmp_path):
    placed = text((4, "i"), (4, "o"), (6, "i"))
    assert (placed[2, 1] == 1).sum() == 9
    assert (placed[2, 1] == 255).sum() == placed[2, 1].size - 9
    assert not placed[2, [0, 2]].any()


def test_contours_of_papillary_muscles_are_logged_and_ignored(text, caplog):
    with caplog.at_level(logging.WARNING):
        placed = text((4, "i"), (4, "p1"), (9, "p2"))
    assert (
        "subject 7: 7/contours/IM-0001-0004-p1contour-manual.txt: other file: "
        "neither endocardium nor epicardium; file ignored"
    ) in caplog.text
    assert (placed[1:] == 255).all()


def test_text_contours_of_another_study_are_refused(text):
    with pytest.raises(
        ValueError, match="subject 7: labels of truth: 7: contours of InstanceNumber 10"
    ):
        text((10, "i"))


def test_a_subject_without_a_folder_of_contours_is_not_labelled(text, tmp_path):
    import_shard(ROWS, tmp_path / "raw", tmp_path / "images", {**SETTINGS, "layout": "folder"})
    settings = {
        "sequence": "sa",
        "form": "text",
        "folder": "annotations/nobody",
        "layout": "folder",
    }
    carry_shard(ROWS, "nobody", settings, *(tmp_path / n for n in ("raw", "images", "labels")))
    assert not any((tmp_path / "labels").iterdir())
