"""Strain by tagging of digital patients: that of their motion, in the segments of their hearts."""

from dataclasses import replace

import numpy as np
import pytest

from cmrseg.cine import Cine
from cmrseg.measure.aha import aha_axes
from cmrseg.measure.ring_segments import levels_by_labels, link_segments
from cmrseg.phantom.infarct import Infarct
from cmrseg.phantom.kaggle import Protocol
from cmrseg.phantom.landmarks import in_plane_px
from cmrseg.phantom.long_axis import ViewSettings
from cmrseg.phantom.patients import draw_patient
from cmrseg.phantom.tag_series import Tagged, planned_tags, true_landmarks_mm
from cmrseg.phantom.tag_truth import strain_curves
from cmrseg.phantom.tagging_hdf5 import regions_of
from cmrseg.phantom.ukbb import affine_of_planes
from cmrseg.phantom.view_series import UK_BIOBANK, acquired
from cmrseg.phenotypes.examination import Examination
from cmrseg.phenotypes.tagging import measured
from cmrseg.ring import MIDWALL, WALLS
from digital_patients import patients, scan

FRAMES = 10
GRID = ViewSettings(rows=256, columns=256, spacing_mm=1.3671875, thickness_mm=8.0)
LAD = Infarct("LAD", angle_deg=-60.0, height=0.5, half_angle_deg=50.0, half_height=0.5)


class Patient:
    """A patient's true landmarks and short-axis labels, on grids that a scanner would have."""

    def __init__(self, subject: str, infarct: Infarct | None = None):
        row = patients([subject]).iloc[0].to_dict()
        settings = {k: v for k, v in scan(["sa"]).items() if k in Protocol.__dataclass_fields__}
        protocol = Protocol(**{**settings, "frames": FRAMES})
        parameters = draw_patient(row, FRAMES)
        if infarct:
            parameters = replace(parameters, infarct=infarct)
        phases = np.arange(FRAMES) / FRAMES
        planes, shifts = planned_tags(row, parameters, protocol, GRID)
        places = true_landmarks_mm(parameters, planes, shifts, phases)
        points = np.stack([in_plane_px(places[:, z], p) for z, p in enumerate(planes)], axis=1)
        affine = affine_of_planes(planes)
        image = Cine(np.zeros((FRAMES, 3, 256, 256), np.uint8), affine, 0.08)
        labels = acquired(row, parameters, protocol, "sa", phases, UK_BIOBANK)
        self.labels = Cine(labels.labels, labels.affine, 0.08)
        tagged = Tagged(image.voxels, points, affine, tuple(planes), shifts)
        self.regions, self.points = regions_of(parameters, tagged), points
        self.truth = strain_curves(row, parameters, protocol, GRID, FRAMES)
        self.examination = Examination(
            subject, row, {"sa": self.labels}, {"tag": image}, points={"tag": points}
        )
        self.affine, self.es_frame = affine, round(parameters.es_phase * FRAMES)


@pytest.fixture(scope="module", params=[None, LAD], ids=["healthy", "infarct"])
def patient(request):
    return Patient("1", request.param)


def test_strain_at_end_systole_is_that_of_the_motion(patient):
    found = measured(patient.examination, "corrected")
    assert found.values["tag_es_frame"] == patient.es_frame
    truth = patient.truth[patient.truth["frame"] == patient.es_frame].set_index("slice")
    for z, level in enumerate(("basal", "mid", "apical")):
        for name, layer in (("ecc", "midwall"), ("err", "wall")):
            ours = found.values[f"tag_{name}_green_{layer}_es_{level}_percent"]
            assert ours == pytest.approx(truth[f"{name}_green_percent"][z], abs=1e-4)


def test_segments_by_labels_are_those_of_the_heart(patient):
    labels = patient.labels
    diastole = Cine(labels.voxels[:1], labels.affine)
    levels = levels_by_labels(range(3), patient.affine, diastole)
    assert levels.of_slice == {0: "basal", 1: "mid", 2: "apical"}
    found = link_segments(patient.points[0], patient.affine, aha_axes(diastole), levels.of_slice)
    # The heart's segments begin at a spoke, so that links lie in that of one of their ends.
    here = patient.regions[:, MIDWALL::WALLS]
    link = found["circumferential"]
    assert ((link == here) | (link == np.roll(here, -1, axis=1))).all()
    for z, each in ((0, 4), (1, 4), (2, 6)):
        assert set(np.unique(link[z], return_counts=True)[1]) == {each}


def test_an_infarct_of_the_left_anterior_descending_artery_contracts_least():
    healthy, ill = (measured(Patient("1", each).examination, "corrected") for each in (None, LAD))
    change = {
        n: ill.values[f"tag_ecc_green_midwall_es_{n}_percent"]
        - healthy.values[f"tag_ecc_green_midwall_es_{n}_percent"]
        for n in range(1, 17)
    }
    # Between the anterior and the anteroseptal wall.
    assert set(sorted(change, key=change.get)[-4:]) <= {1, 2, 7, 8, 13, 14}
    assert max(change.values()) > 5
    # The opposite wall makes up for it.
    assert change[11] < 0
