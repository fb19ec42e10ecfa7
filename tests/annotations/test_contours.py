"""QMass contours: the text format, rasters, outlines and their place in the patient."""

import numpy as np
import pandas as pd
import pytest

from cmrseg.contours.qmass import (
    Contours,
    ContourType,
    contour_numbers,
    read_con,
    unused_contours,
    write_con,
)
from cmrseg.contours.raster import (
    contours_of,
    from_world,
    label_images,
    outline,
    to_world,
)
from cmrseg.dicom.placement import place_labels
from cmrseg.dicom.study import import_study
from cmrseg.labels import UNLABELLED
from contour_shapes import disc, ring, square
from dicom_builder import picture, write_series

ENDO, EPI = ContourType.ENDOCARDIUM, ContourType.EPICARDIUM
FOLDER = {"mode": "corrected", "layout": "folder", "max_size_px": 256}

HAND_MADE = """QMassContour
Patient_id=26
Image_resolution=472x512
Comment=made by hand
[XYCONTOUR]
3 7 0 1.0
4
10.5 20
14.5 20
14.5 24.25
10.5 24.25
[XYCONTOUR]
3 7 1 1.0
3
8 18
18 18
12 28
[XYCONTOUR]
3 7 4 1.0
2
1 1
2 2
[POINTS]
5 6
"""


@pytest.fixture
def con(tmp_path):
    path = tmp_path / "26.con"
    path.write_text(HAND_MADE, newline="\r\n")
    return path


# Text


def test_reading_takes_patient_matrix_and_the_two_used_contour_types(con):
    contours = read_con(con)
    assert contours.patient == "26"
    assert contours.shape == (512, 472)
    assert list(contours.points) == [(3, 7, ENDO), (3, 7, EPI)]
    assert contours.points[3, 7, ENDO].tolist() == [
        [10.5, 20],
        [14.5, 20],
        [14.5, 24.25],
        [10.5, 24.25],
    ]


def test_line_ends_do_not_matter(con):
    crlf = read_con(con)
    con.write_text(HAND_MADE, newline="\n")
    for key, points in read_con(con).points.items():
        assert (points == crlf.points[key]).all()


def test_writing_and_reading_gives_the_same_contours(tmp_path):
    rng = np.random.default_rng(1)
    points = {
        (z, t, kind): (rng.random((5 + z, 2)) * 400).round(3)
        for z in range(3)
        for t in (0, 11)
        for kind in ContourType
    }
    write_con(Contours("x 1", (512, 472), points), tmp_path / "a.con")
    read = read_con(tmp_path / "a.con")
    assert (read.patient, read.shape) == ("x 1", (512, 472))
    assert read.points.keys() == points.keys()
    assert all((read.points[key] == points[key]).all() for key in points)


def test_a_contour_without_points_is_read_as_empty(tmp_path, con):
    con.write_text("Patient_id=1\nImage_resolution=4x5\n[XYCONTOUR]\n0 0 0 1.0\n0\n[END]\n")
    assert read_con(con).points[0, 0, ENDO].shape == (0, 2)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("Patient_id=26", "Patient=26", "26.con: no line Patient_id=; expected a QMass"),
        ("=472x512", "=472", "Image_resolution is not <columns>x<rows>"),
        ("3 7 0 1.0", "3 seven 0", "26.con: line 5: not a contour"),
        ("10.5 20", "10.5 left", "26.con: line 5: not a contour"),
        ("10.5 20", "10.5 nan", r"26.con: line 8: 10.5 nan.* is not a point within an image"),
        ("10.5 20", "10.5 inf", r"26.con: line 8: 10.5 inf.* is not a point within an image"),
        ("10.5 20", "10.5 4e9", r"26.con: line 8: 10.5 4e?.* is not a point within an image"),
        ("\n4\n", "\n5\n", "line 5: a contour of 5 points has 4; is the file complete"),
        ("\n4\n", "\n3\n", "line 5: a contour of 3 points has 4; is the file complete"),
        ("\n4\n", "\n", "26.con: line 5: not a contour"),
        ("3 7 1 1.0", "3 7 0 1.0", "line 12: a second ENDOCARDIUM contour of slice 3, frame 7"),
    ],
)
def test_what_is_no_contour_file_is_refused_with_its_line(con, old, new, message):
    con.write_text(HAND_MADE.replace(old, new))
    with pytest.raises(ValueError, match=message):
        read_con(con)


@pytest.mark.parametrize("lines", range(6, 11))
def test_a_file_that_ends_within_a_contour_is_refused(con, lines):
    con.write_text("\n".join(HAND_MADE.splitlines()[: lines - 1]))
    with pytest.raises(ValueError, match=r"26.con: line 5: (not a contour|a contour of 4 points)"):
        read_con(con)


def test_tabs_between_coordinates_are_read_like_blanks(con):
    expected = read_con(con).points
    head, blocks = HAND_MADE.split("[XYCONTOUR]", 1)
    con.write_text(head + "[XYCONTOUR]" + blocks.replace(" ", "\t"))
    read = read_con(con).points
    assert read.keys() == expected.keys()
    assert all((read[key] == expected[key]).all() for key in expected)


# Numbers


def test_contours_count_slices_from_the_smallest_series_or_back_from_the_largest():
    sources = pd.DataFrame(
        {
            "file": ["12/1.dcm", "12/2.dcm", "15/1.dcm", "15/1.dcm"],
            "series_number": [12, 12, 15, 15],
            "instance_number": [1, 2, 1, 1],
            "phase_encoding": "ROW",
            "first_series": 10,
            "last_series": 20,
            "rows": 8,
            "columns": 6,
        }
    )
    numbers = contour_numbers(sources)
    assert numbers[["slice", "frame"]].to_numpy().tolist() == [[2, 0], [2, 1], [5, 0]]
    numbers = contour_numbers(sources.assign(phase_encoding="COL"))
    assert numbers["slice"].tolist() == [8, 8, 5]


# World


def test_contours_go_to_the_patient_and_back_within_half_a_pixel():
    affine = np.array([[0.5, 0.2, 3, 10], [-0.3, 0.6, 1, -40], [0.1, 0.4, 6, 7], [0, 0, 0, 1]])
    contour = contours_of(ring())[EPI]
    world = to_world(contour, 4, affine)
    # By hand: x 27, y 7, z 4 -> 13.5 + 1.4 + 12 + 10.
    assert to_world(np.array([[27.0, 7.0]]), 4, affine)[0, 0] == pytest.approx(36.9)
    back = from_world(world, affine)
    np.testing.assert_allclose(back[:, 2], 4, atol=1e-9)
    assert np.abs(back[:, :2] - contour).max() < 1e-9


@pytest.mark.parametrize(
    ("rows", "columns", "settings"),
    [(40, 36, FOLDER), (36, 40, FOLDER), (40, 36, {**FOLDER, "max_size_px": 20})],
    ids=["upright", "wide", "scaled"],
)
def test_a_place_in_the_patient_is_the_same_in_image_label_and_contour(
    tmp_path, rows, columns, settings
):
    spot = (22, 13)
    for k in range(3):

        def image(rows, columns, series_number, frame):
            y, x = np.mgrid[:rows, :columns]
            return 1000 * np.exp(-((y - spot[0]) ** 2 + (x - spot[1]) ** 2) / 40)

        write_series(
            tmp_path / str(5 + k),
            5 + k,
            location_mm=6 * k,
            rows=rows,
            columns=columns,
            name="{frame}.dcm",
            image=image,
            PixelSpacing=[1.5, 1.5],
        )
    imported = import_study(tmp_path, "7", settings)
    points = {}
    for kind, radius in ((ENDO, 5), (EPI, 8)):
        points[1, 0, kind] = outline(disc((rows, columns), spot, radius))
    labels, outside, _ = label_images(Contours("7", (rows, columns), points), imported.sources)
    assert not outside
    assert labels["5/2.dcm"] is None
    placed = place_labels(labels.get, imported.sources, imported.cine.voxels.shape)
    assert (placed[1:] == UNLABELLED).all()
    assert (placed[0, [0, 2]] == 0).all()

    def centre_mm(weights):
        y, x = np.mgrid[: weights.shape[0], : weights.shape[1]]
        middle = [(x * weights).sum() / weights.sum(), (y * weights).sum() / weights.sum()]
        return to_world(np.array([middle]), 1, imported.cine.affine)[0]

    # The spot by the DICOM standard: position + column * row direction + row * column direction.
    expected = np.array([0.6, 0.8, 0]) * 1.5 * spot[1] + np.array([0, 0, -1]) * 1.5 * spot[0]
    expected += np.array([-0.8, 0.6, 0]) * 6
    expected *= [-1, -1, 1]
    half_pixel_mm = imported.cine.spacing_mm[1] / 2
    assert np.linalg.norm(centre_mm(imported.cine.voxels[0, 1]) - expected) < half_pixel_mm
    assert np.linalg.norm(centre_mm(placed[0, 1] == 1) - expected) <= half_pixel_mm
    again = contours_of(placed[0, 1])[ENDO]
    world = to_world(again, 1, imported.cine.affine).mean(axis=0)
    assert np.linalg.norm(world - expected) <= 1.5 * half_pixel_mm


def test_contours_on_another_matrix_are_refused(tmp_path):
    write_series(tmp_path / "5", 5, rows=8, columns=6, name="{frame}.dcm", image=picture)
    sources = import_study(tmp_path, "7", FOLDER).sources
    contours = Contours("7", (16, 12), {(0, 0, ENDO): np.ones((3, 2))})
    with pytest.raises(ValueError, match=r"^contours are drawn on \(16, 12\)"):
        label_images(contours, sources)


def test_an_endocardium_alone_is_reported_by_file(tmp_path):
    write_series(tmp_path / "5", 5, rows=8, columns=6, name="{frame}.dcm", image=picture)
    sources = import_study(tmp_path, "7", FOLDER).sources
    contours = Contours("7", (8, 6), {(0, 0, ENDO): square(0.6, 0.6, 3.4, 2.4)})
    labels, outside, alone = label_images(contours, sources)
    assert outside == {}
    assert alone == {"5/1.dcm": ENDO}
    assert (labels["5/1.dcm"] == 1).sum() == 6


@pytest.mark.parametrize("mode", ["corrected", "compat"])
def test_contours_of_slices_that_share_a_series_are_refused(tmp_path, mode):
    """Slices are numbered by series: a contour of one would be drawn on all of them."""
    for k in range(3):
        options = {
            "location_mm": 8 * k,
            "name": "{frame}.dcm",
            "image": picture,
            "first_uid": 9 * k,
        }
        write_series(tmp_path / str(k), 5, rows=8, columns=6, **options)
    sources = import_study(tmp_path, "7", FOLDER | {"mode": mode}).sources
    message = r"slice 0, frame 1 \(from 0\) match 3 images, such as 0/2.dcm and 1/2.dcm"
    with pytest.raises(ValueError, match=message):
        label_images(Contours("7", (8, 6), {(0, 1, ENDO): TRIANGLE}), sources)


@pytest.fixture
def cleaned(tmp_path):
    """Sources of a study of slices 0 to 4, of which the cleaning removed slice 2 (a collision)."""
    for k, location_mm in enumerate((0, 8, 16, 16, 24)):
        options = {"location_mm": location_mm, "name": "{frame}.dcm", "image": picture}
        write_series(tmp_path / str(5 + k), 5 + k, rows=8, columns=6, **options)
    return import_study(tmp_path, "7", FOLDER).sources


TRIANGLE = np.array([[1.0, 1], [3, 1], [3, 3]])


@pytest.mark.parametrize("key", [(9, 0), (-1, 0), (1, 3)])
def test_contours_that_belong_to_no_image_are_refused(cleaned, key):
    contours = Contours("7", (8, 6), {(*key, ENDO): TRIANGLE})
    message = rf"slice {key[0]}, frame {key[1]} match no image: .* slices 0 to 4 and frames 0 to 2"
    with pytest.raises(ValueError, match=message):
        label_images(contours, cleaned)


def test_contours_of_a_slice_that_cleaning_removed_are_told_and_left_out(cleaned):
    contours = Contours("7", (8, 6), {(2, 0, ENDO): TRIANGLE, (3, 0, ENDO): TRIANGLE})
    assert unused_contours(contours, cleaned) == [(2, 0)]
    labels = label_images(contours, cleaned).labels
    assert {file for file, label in labels.items() if label is not None and label.any()} == {
        "8/1.dcm"
    }
