"""Contours as text files: reading them, and which image each belongs to."""

import numpy as np
import pandas as pd
import pytest

from cmrseg.contours.points import label_images, read_folder, read_points
from cmrseg.contours.qmass import ContourType
from cmrseg.labels import UNLABELLED

ENDO, EPI = ContourType
SQUARE = np.array([[3.5, 3.5], [6.5, 3.5], [6.5, 6.5], [3.5, 6.5]])
WIDE = np.array([[2.5, 2.5], [7.5, 2.5], [7.5, 7.5], [2.5, 7.5]])


def sources(**changed):
    """Two slices of two frames, numbered slice by slice as GE numbers them."""
    table = {
        "z": [0, 0, 1, 1],
        "t": [0, 1, 0, 1],
        "file": ["1.dcm", "2.dcm", "3.dcm", "4.dcm"],
        "instance_number": [1, 2, 3, 4],
        "rows": 12,
        "columns": 10,
        "copied": False,
        "last_instance": 6,
    }
    return pd.DataFrame({**table, **changed})


def write(path, text):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def test_a_line_is_column_and_row(tmp_path):
    write(tmp_path / "a.txt", "120.50 137.00\r\n\n1e1\t-2\n")
    assert read_points(tmp_path / "a.txt").tolist() == [[120.5, 137], [10, -2]]


@pytest.mark.parametrize(
    "line", ["5", "5 6 7", "5;6", "x y", "nan 1", "1 inf", "1 40000", "-1e300 1"]
)
def test_what_is_no_point_is_refused_by_line(tmp_path, line):
    write(tmp_path / "a.txt", f"1 2\n{line}\n")
    with pytest.raises(ValueError, match=r"a.txt: line 2: expected a point 'x y' within an image"):
        read_points(tmp_path / "a.txt")


def test_a_file_without_points_is_refused(tmp_path):
    write(tmp_path / "a.txt", "\n")
    with pytest.raises(ValueError, match=r"a.txt: has no points; export the contour again"):
        read_points(tmp_path / "a.txt")


def test_the_number_before_the_kind_is_that_of_the_image(tmp_path):
    write(tmp_path / "i-contours/IM-0001-0059-icontour-manual.txt", "1 2")
    write(tmp_path / "o-contours/IM-0001-0059-ocontour-manual.txt", "3 4")
    write(tmp_path / "IM-7-icontour.txt", "5 6")
    write(tmp_path / "IM-0001-0059-p1contour-manual.txt", "no contour that is read")
    write(tmp_path / "list.txt", "")
    points, others = read_folder(tmp_path)
    assert {key: xy.tolist() for key, xy in points.items()} == {
        (59, ENDO): [[1, 2]],
        (59, EPI): [[3, 4]],
        (7, ENDO): [[5, 6]],
    }
    assert [path.name for path in others] == ["IM-0001-0059-p1contour-manual.txt", "list.txt"]


def test_outlines_of_two_annotators_in_one_folder_are_refused(tmp_path):
    for name in ("auto", "manual"):
        write(tmp_path / name / f"IM-0001-0059-icontour-{name}.txt", "1 2")
    with pytest.raises(ValueError, match="are the same contour of one image; set `annotation`"):
        read_folder(tmp_path)


def test_a_folder_without_contours_is_refused(tmp_path):
    with pytest.raises(ValueError, match=r"no contour below .*; expected files \*-<Instance"):
        read_folder(tmp_path)


def test_images_of_a_labelled_frame_are_background_and_others_are_unlabelled():
    (labels, outside, alone), left_out = label_images(
        {(3, ENDO): SQUARE, (3, EPI): WIDE}, sources()
    )
    assert (labels["3.dcm"] == 1).sum() == 9
    assert (labels["3.dcm"] == 2).sum() == 25 - 9
    assert labels["1.dcm"].shape == (12, 10)
    assert not labels["1.dcm"].any()
    assert labels["2.dcm"] is None
    assert labels["4.dcm"] is None
    assert outside == alone == {}
    assert left_out == []


def test_x_is_the_column():
    square = np.array([[7.6, 1.6], [9.4, 1.6], [9.4, 3.4], [7.6, 3.4]])
    drawn, _ = label_images({(1, ENDO): square, (1, EPI): square}, sources())
    assert np.argwhere(drawn.labels["1.dcm"]).tolist() == [[2, 8], [2, 9], [3, 8], [3, 9]]


@pytest.mark.parametrize("published", [True, False])
def test_without_an_epicardium_there_is_cavity_and_the_rest_is_not_labelled(published):
    drawn, _ = label_images({(1, ENDO): SQUARE}, sources(), published)
    assert np.unique(drawn.labels["1.dcm"]).tolist() == [1, UNLABELLED]
    assert drawn.alone == {"1.dcm": ENDO}
    assert not drawn.outside


def test_pixels_of_the_endocardium_outside_the_epicardium_are_cavity_and_counted():
    shifted = SQUARE + np.array([2.0, 0])
    drawn, _ = label_images({(1, ENDO): shifted, (1, EPI): WIDE}, sources())
    assert (drawn.labels["1.dcm"] == 1).sum() == 9
    assert drawn.outside == {"1.dcm": (3, 3 / 9, 0.5)}


def test_an_image_whose_epicardium_does_not_surround_its_cavity_is_not_labelled():
    shifted = SQUARE + np.array([0, 4.0])
    drawn, _ = label_images({(1, ENDO): shifted, (1, EPI): WIDE, (3, ENDO): SQUARE}, sources())
    assert drawn.labels["1.dcm"] is None
    # Rows 8 to 10, below an epicardium that ends at 7.5.
    assert drawn.outside["1.dcm"] == (9, 1, 2.5)
    assert (drawn.labels["3.dcm"] == 1).sum() == 9


def test_a_copied_frame_belongs_to_the_frame_of_its_original():
    table = sources(file=["1.dcm", "1.dcm", "3.dcm", "4.dcm"], instance_number=[1, 1, 3, 4])
    table["copied"] = [False, True, False, False]
    labels = label_images({(1, ENDO): SQUARE}, table)[0].labels
    assert labels["1.dcm"].any()
    assert not labels["3.dcm"].any()
    assert labels["4.dcm"] is None


def test_contours_of_images_that_the_cleaning_left_out_are_told():
    assert label_images({(5, ENDO): SQUARE, (1, ENDO): SQUARE}, sources())[1] == [5]


def test_contours_of_no_image_of_the_study_are_refused():
    with pytest.raises(ValueError, match="InstanceNumber 7 match no image: the study has 1 to 6"):
        label_images({(7, ENDO): SQUARE}, sources())


def test_numbers_that_several_images_have_are_refused_where_a_contour_needs_them():
    table = sources(instance_number=[1, 2, 1, 3])
    assert label_images({(2, ENDO): SQUARE}, table)[0].labels["2.dcm"].any()
    with pytest.raises(ValueError, match="InstanceNumber 1 is used by several images"):
        label_images({(1, ENDO): SQUARE}, table)


def test_a_contour_beside_its_image_is_refused():
    with pytest.raises(
        ValueError, match=r"1.dcm: the contour lies outside the image .12 rows, 10 col"
    ):
        label_images({(1, ENDO): SQUARE + 100}, sources())
