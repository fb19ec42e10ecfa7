"""The bull's eye of wall thickness on the page: what it shows, and why it may show nothing."""

from dataclasses import replace
from pathlib import Path

import matplotlib as mpl
import numpy as np
import pytest

from annular_heart import AFFINE, CENTRE, annulus, turned
from app.contents import Labelled, Loaded
from app.eye import eye_of, eye_rows, scar_eye
from cmrseg.labels import Tissue
from cmrseg.sequences import SEQUENCES, WALL

# Slices across a patient's heart: an axial grid may be a mere scaling.
OBLIQUE = turned(AFFINE, 0, 30)
VENTRICLES = (Tissue.LV, Tissue.MYO, Tissue.RV)


def eye(heart, placed=True, tissues=VENTRICLES, spacing_mm=(8.0, 1.0, 1.0)):
    shape = heart.voxels.shape
    loaded = Loaded(
        1, "a.nii.gz", shape, heart.affine, heart.affine, (8, 1, 1), "", 0.04, [], False
    )
    sequence, affine = SEQUENCES["sa"], heart.affine
    labelled = Labelled(
        *(2, "m", "", tissues, sequence, affine, spacing_mm, 0.04, "human", None, 0, 0, [], Path())
    )
    return eye_of(replace(loaded, placed=placed), labelled, heart.voxels, 0)


def means(found):
    return {segment["number"]: segment["value"] for segment in found["segments"]}


def test_the_wall_of_a_ring_is_equally_thick_in_all_segments():
    found = eye(annulus(affine=OBLIQUE))
    assert found["doubt"] == ""
    assert list(means(found)) == list(range(1, 17))
    assert list(means(found).values()) == pytest.approx([6] * 16, abs=0.4)
    assert found["global"] == pytest.approx(6, abs=0.2)
    # other pixels were given than the file has
    wider = eye(annulus(affine=OBLIQUE), spacing_mm=(8.0, 2.0, 2.0))
    assert wider["global"] == pytest.approx(2 * found["global"])


def test_a_wall_that_is_thicker_at_the_septum_is_bright_on_the_left_in_the_figures_colours():
    found = eye(annulus(affine=OBLIQUE, epi_offset_px=(-2, 0)))
    values = means(found)
    # septal segments are those beside the RV, opposite are the lateral ones
    assert values[14] == pytest.approx(8, abs=0.5)
    assert values[16] == pytest.approx(4, abs=0.5)
    by_number = {segment["number"]: segment for segment in found["segments"]}
    middle = (by_number[14]["start_deg"] + by_number[14]["end_deg"]) / 2
    assert middle + 90 == pytest.approx(180)
    low, high = found["bar"]["low"], found["bar"]["high"]
    for segment in found["segments"]:
        place = (segment["value"] - low) / (high - low)
        expected = mpl.colors.to_hex(mpl.colormaps["viridis"](place))
        assert segment["colour"] == expected
    assert [n for n, s in by_number.items() if s["insertion"]] == [2, 4]


def test_what_cannot_be_measured_is_said_and_is_in_the_table():
    heart = annulus(affine=OBLIQUE)
    few = eye(annulus(affine=OBLIQUE, slices=4))
    assert few["doubt"] == ("4 slices have 10 pixels of cavity and of wall, expected at least 6")
    assert eye_rows(few) == [("wall thickness", "", f"not measured: {few['doubt']}")]
    without_rv = replace(heart, voxels=np.where(heart.voxels == 3, 0, heart.voxels))
    assert eye(without_rv)["doubt"] == "RV cavity has 0 pixels, expected at least 10"
    assert eye(heart, tissues=VENTRICLES[:2])["doubt"] == "the model does not label the RV cavity"
    for found in (eye(heart, placed=False), eye(annulus())):
        assert found["doubt"].startswith("the file does not say how the heart lies in the patient")


def lesion_eye(labels, tissues=WALL, placed=True):
    shape, affine, where = labels.voxels.shape, labels.affine, SEQUENCES["c0"]
    about = (1, "a.nii.gz", shape, affine, affine, (8, 1, 1), "", 0.04, [], False)
    loaded = replace(Loaded(*about), placed=placed)
    labelled = Labelled(
        *(
            2,
            "m",
            "",
            tissues,
            where,
            affine,
            (8.0, 1.0, 1.0),
            0.04,
            "human",
            None,
            0,
            0,
            [],
            Path(),
        )
    )
    return scar_eye(loaded, labelled, labels.voxels)


def scarred():
    """A ring whose wall is scar on the side of the septum, in its inner half."""
    heart = annulus(affine=OBLIQUE)
    y, x = np.indices(heart.voxels.shape[2:]) - CENTRE
    # the cavity ends at 12 pixels, the wall at 18
    inner = (heart.voxels == Tissue.MYO) & (np.hypot(y, x) < 15) & (x < 0)
    return replace(heart, voxels=np.where(inner, Tissue.SCAR, heart.voxels))


def test_scar_of_a_still_stack_has_an_eye_of_its_depth():
    found = lesion_eye(scarred())
    assert (found["doubt"], found["unit"], found["digits"]) == ("", "%", 0)
    assert found["title"] == "Transmurality of scar"
    values = means(found)
    # half of the wall, and only on the left
    assert values[14] == pytest.approx(50, abs=8)
    assert values[16] == 0
    rows = eye_rows(found)
    assert rows[1][0] == "transmurality of scar, segment 1, basal anterior"
    assert {unit for *_, unit in rows} == {"%"}


def test_an_eye_of_scar_that_cannot_be_measured_says_why_and_without_scar_there_is_none():
    heart = scarred()
    assert lesion_eye(heart, VENTRICLES) is None
    found = lesion_eye(heart, (Tissue.LV, Tissue.MYO, Tissue.SCAR))
    assert found["doubt"] == "the model does not label the RV cavity"
    assert eye_rows(found) == [
        ("transmurality of scar", "", "not measured: the model does not label the RV cavity")
    ]
    assert lesion_eye(heart, placed=False)["doubt"].startswith("the file does not say how the")
    two = replace(heart, voxels=heart.voxels[:, :2])
    assert "slice" in lesion_eye(two)["doubt"]
    # oedema need not be known
    assert lesion_eye(heart, (*VENTRICLES, Tissue.SCAR))["doubt"] == ""


def test_every_segment_is_a_row_of_the_table_of_measures():
    rows = eye_rows(eye(annulus(affine=OBLIQUE)))
    assert len(rows) == 17
    assert rows[0][0] == "wall thickness, all segments"
    assert rows[1][0] == "wall thickness, segment 1, basal anterior"
    assert {unit for *_, unit in rows} == {"mm"}
    assert eye_rows(None) == []
