"""The bull's eye of wall thickness on the page: what it shows, and why it may show nothing."""

from dataclasses import replace

import matplotlib as mpl
import numpy as np
import pytest

from annular_heart import AFFINE, annulus, turned
from app.eye import eye_of, eye_rows
from app.session import Labelled, Loaded
from cmrseg.labels import Tissue
from cmrseg.sequences import SEQUENCES

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
        *(2, "m", "", tissues, sequence, affine, spacing_mm, 0.04, "human", None, 0, 0, [])
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


def test_every_segment_is_a_row_of_the_table_of_measures():
    rows = eye_rows(eye(annulus(affine=OBLIQUE)))
    assert len(rows) == 17
    assert rows[0][0] == "wall thickness, all segments"
    assert rows[1][0] == "wall thickness, segment 1, basal anterior"
    assert {unit for *_, unit in rows} == {"mm"}
    assert eye_rows(None) == []
