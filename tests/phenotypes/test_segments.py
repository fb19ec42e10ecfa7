"""Thickness and strain of a digital patient: every column by segment, also of views that differ."""

import math

import numpy as np
import pytest

from cmrseg.cine import Cine
from cmrseg.phantom.kaggle import Protocol
from cmrseg.phantom.patients import draw_patient
from cmrseg.phantom.view_series import UK_BIOBANK, acquired
from cmrseg.phenotypes import strain, wall_thickness
from cmrseg.phenotypes.columns import SEGMENT_COLUMNS, SEGMENTAL
from cmrseg.phenotypes.examination import Examination
from digital_patients import patients, scan

FRAMES = {"sa": 8, "la_4ch": 12}


@pytest.fixture(scope="module")
def examination():
    """Short axis and 4-chamber view, which have other numbers of frames."""
    row = patients(["1"]).iloc[0].to_dict()
    settings = {k: v for k, v in scan(["sa"]).items() if k in Protocol.__dataclass_fields__}
    labels, images = {}, {}
    for key, count in FRAMES.items():
        parameters = draw_patient(row, count)
        protocol = Protocol(**{**settings, "frames": count})
        found = acquired(row, parameters, protocol, key, np.arange(count) / count, UK_BIOBANK)
        labels[key], images[key] = (
            Cine(found.labels, found.affine),
            Cine(found.images, found.affine),
        )
    return Examination("1", row, labels, images)


def without(examination, sequence):
    """The same patient, whose view nobody labelled."""
    labels = {key: cine for key, cine in examination.labels.items() if key != sequence}
    return Examination("1", examination.about, labels, examination.images)


def test_every_column_by_segment_has_a_value(examination):
    for module, key in ((wall_thickness, "wall_thickness"), (strain, "strain")):
        found = module.measured(examination, "corrected")
        assert set(found.values) == set(SEGMENT_COLUMNS[key])
        assert found.doubt == ""
        assert not math.isnan(found.values[next(c for c in module.COLUMNS if "global" in c)])


def test_the_view_is_tracked_from_its_own_end_diastole(examination):
    found = strain.measured(examination, "corrected")
    frames = found.details.groupby("direction")["frame"].max() + 1
    assert frames["longitudinal"] == FRAMES["la_4ch"]
    assert frames["circumferential"] == FRAMES["sa"]
    assert -30 < found.values["ell_global_percent"] < -5


def test_an_unlabelled_view_costs_no_strain_of_the_short_axis(examination):
    found = strain.measured(without(examination, "la_4ch"), "corrected")
    assert found.values["ecc_global_percent"] < -5
    assert "ell_global_percent" not in found.values


def test_labels_of_a_view_that_are_no_heart_are_said_and_cost_nothing_else(examination, caplog):
    empty = examination.labels["la_4ch"]
    empty = empty.like(np.zeros_like(empty.voxels))
    broken = Examination("1", {}, {**examination.labels, "la_4ch": empty}, examination.images)
    found = strain.measured(broken, "corrected")
    assert found.values["ecc_global_percent"] < -5
    assert "subject 1: no longitudinal strain: " in caplog.text


def test_strain_without_labels_of_the_short_axis_is_refused(examination):
    with pytest.raises(ValueError, match="no labels of sa, which say where the septum is"):
        strain.measured(without(examination, "sa"), "corrected")


def test_a_quantity_has_a_column_for_each_of_the_16_segments_and_one_of_all():
    thickening = SEGMENTAL["thickening"]
    assert list(thickening.columns) == list(range(1, 17))
    assert thickening.columns[7] == "thickening_7_percent"
    assert thickening.column("global") == "thickening_global_percent"
