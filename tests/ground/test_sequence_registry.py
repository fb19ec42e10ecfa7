"""The registry of sequences, and what follows from a model's images."""

import math

import numpy as np
import pandas as pd
import pytest

from cmrseg.apply import unfit
from cmrseg.cine import Cine
from cmrseg.files import read_table
from cmrseg.points import COLUMNS, points_table, save_points
from cmrseg.results.labelling import check_facts, facts_of
from cmrseg.sequences import (
    SEQUENCES,
    channels_of,
    image_path,
    labelled_sequence,
    points_path,
    sources_path,
)


def test_a_model_names_its_channels_in_order():
    assert [sequence.key for sequence in channels_of("c0,de,t2")] == ["c0", "de", "t2"]
    assert labelled_sequence("de,c0").key == "de"
    assert channels_of("sa") == (SEQUENCES["sa"],)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("sax", "sequence 'sax': 'sax' is unknown; there are sa, la_2ch"),
        ("c0,,de", "'' is unknown"),
        ("c0,c0", "c0 is named twice"),
        ("sa,de", "sequence 'sa,de': cines and still images"),
        (4, "sequence is 4, expected text such as sa or c0,de,t2"),
    ],
)
def test_channels_that_cannot_be_are_refused(text, sentence):
    with pytest.raises(ValueError, match=sentence):
        channels_of(text)


def test_what_a_sequence_shows_is_what_its_annotators_draw_and_more():
    for key, sequence in SEQUENCES.items():
        assert sequence.key == key
        assert set(sequence.drawn) <= set(sequence.tissues)
        assert sequence.phase_tissue in (None, *sequence.tissues)


def test_files_of_a_subject_are_named_by_their_sequence(tmp_path):
    assert image_path(tmp_path, "de").name == "de.nii.gz"
    assert points_path(tmp_path, "tag").name == "tag.points.tsv.gz"
    # The short axis keeps the name that it had alone.
    assert sources_path(tmp_path, "sa").name == "sources.tsv"
    assert sources_path(tmp_path, "de").name == "de.sources.tsv"


SETTINGS = {"network": "fcn", "sequence": "c0,de", "task": "segment"}


def test_a_record_says_how_many_images_its_network_sees():
    assert facts_of(SETTINGS) == {"channels": 2, "window": 1}
    check_facts(SETTINGS | {"channels": 2, "window": 1}, "record.json")
    check_facts(SETTINGS, "record.json")
    with pytest.raises(ValueError, match=r"record.json: channels 1, but network fcn of images c0"):
        check_facts(SETTINGS | {"channels": 1}, "record.json")
    with pytest.raises(ValueError, match=r"record.json: window 9, but network fcn"):
        check_facts(SETTINGS | {"window": 9}, "record.json")


def test_label_maps_of_a_model_are_measured_unless_nothing_is_known_of_their_sequence():
    assert {unfit({"sequence": key}) for key in ("sa", "la_4ch", "ao", "c0,de,t2", "t2")} == {""}
    assert unfit({"sequence": "tag"}) == (
        "it labels tagged short-axis cines (tag), of which nothing is measured"
    )
    with pytest.raises(ValueError, match="task 'guess' is unknown"):
        unfit({"sequence": "sa", "task": "guess"})


# -- points ------------------------------------------------------------------------------------


@pytest.fixture
def cine():
    affine = np.array([[0, 2, 0, 5], [3, 0, 0, 6], [0, 0, 8, 7], [0, 0, 0, 1]], float)
    return Cine(np.zeros((2, 3, 10, 12), np.float32), affine)


def test_points_have_their_place_in_the_image_and_in_the_patient(cine, tmp_path):
    points = np.full((2, 3, 2, 2), np.nan)
    points[1, 2, 0] = 4, 9
    points[0, 0, 1] = -0.6, 3
    table = points_table(points, cine)
    assert table.columns.tolist() == list(COLUMNS)
    assert len(table) == 12
    found = table.query("frame == 1 and slice == 2 and point == 0").iloc[0]
    assert found[["x_px", "y_px", "valid"]].tolist() == [9, 4, 1]
    # x along the second axis of the patient, y along the first.
    assert found[["x_mm", "y_mm", "z_mm"]].tolist() == [5 + 2 * 4, 6 + 3 * 9, 7 + 8 * 2]
    outside = table.query("frame == 0 and slice == 0 and point == 1").iloc[0]
    assert outside["valid"] == 0
    absent = table.query("frame == 0 and slice == 1 and point == 0").iloc[0]
    assert absent["valid"] == 0
    assert math.isnan(absent["x_mm"])
    save_points(points, cine, tmp_path / "sa.points.tsv.gz")
    pd.testing.assert_frame_equal(read_table(tmp_path / "sa.points.tsv.gz"), table)


@pytest.mark.parametrize("shape", [(2, 3, 2), (3, 3, 2, 2), (2, 3, 2, 3)])
def test_points_of_another_cine_are_refused(cine, shape):
    with pytest.raises(ValueError, match=r"expected \(t, z, point, 2\) of a cine with 2 frames"):
        points_table(np.zeros(shape), cine)
