"""Atria and aorta as the published program measured them, of synthetic subjects."""

import json

import numpy as np
import pandas as pd
import pytest

from cmrseg.cine import Cine
from cmrseg.labels import Tissue
from cmrseg.measure.aorta import AORTIC, aortic_curve, aortic_measures, read_blood_pressure
from cmrseg.measure.atria import ATRIA, atrial_curves, atrial_measures
from cmrseg.measure.atrial_axis import atrial_axis
from cmrseg.measure.cavity_quality import aortic_doubts, atrial_doubts
from cmrseg.measure.pieces import largest_piece
from cmrseg.vectors import unit

# The published files number their tissues from 1.
NUMBERS = {"la": (Tissue.BACKGROUND, *ATRIA), "ao": (Tissue.BACKGROUND, Tissue.AAO, Tissue.DAO)}
# Spacings of the published program are those of the header, in single precision.
SINGLE = 1e-6
TABLE = ("lav_max_ml", "lav_min_ml", "la_sv_ml", "la_ef")
TABLE += ("rav_max_ml", "rav_min_ml", "ra_sv_ml", "ra_ef")


@pytest.fixture(scope="module")
def folder(data):
    if not (data / "ukbb_eval").is_dir():
        pytest.skip(f"no {data / 'ukbb_eval'}")
    return data / "ukbb_eval"


@pytest.fixture(scope="module")
def expected(folder):
    return json.loads((folder / "expected.json").read_text("utf-8"))["qc"]


def labels(folder, subject, view):
    cine = Cine.load(folder / "subjects" / subject / f"seg_{view}.nii.gz")
    return cine.like(np.array(NUMBERS[view[:2]], np.uint8)[cine.voxels])


def views(folder, subject):
    sa_affine = Cine.load(folder / "subjects" / subject / "sa.nii.gz").affine
    return labels(folder, subject, "la_2ch"), labels(folder, subject, "la_4ch"), sa_affine


@pytest.mark.parametrize("subject", ["1", "2"])
def test_areas_and_lengths_of_atria_are_the_published_ones(folder, subject):
    reference = np.load(folder / "expected.npz")
    found = atrial_curves(*views(folder, subject), "compat")
    for view, columns in (("la_2ch", ("la_2ch",)), ("la_4ch", ("la_4ch", "ra"))):
        for place, column in enumerate(columns):
            area = reference[f"atrium_{subject}_{view}_area_cm2"][:, place]
            length = reference[f"atrium_{subject}_{view}_length_cm"][:, place]
            assert found[f"{column}_area_cm2"].to_numpy() == pytest.approx(area, rel=SINGLE)
            assert found[f"{column}_length_cm"].to_numpy() == pytest.approx(length, rel=1e-12)


@pytest.mark.parametrize("subject", ["1", "2"])
def test_ends_of_the_atrial_axis_are_the_published_ones(folder, subject):
    reference = np.load(folder / "expected.npz")[f"atrium_{subject}_la_4ch_landmarks"]
    _, four, sa_affine = views(folder, subject)
    up = unit(sa_affine[:3, 2])
    up = -up if up[2] < 0 else up
    for plane, points_mm in zip(four.voxels[:, 0], reference, strict=True):
        ends = [atrial_axis(largest_piece(plane == a), four.affine, up, "compat") for a in ATRIA]
        assert np.concatenate(ends) == pytest.approx(points_mm, abs=1e-9)


def test_the_table_of_atria_is_the_published_one(folder):
    table = pd.read_csv(folder / "atrial_volume.csv", index_col=0)
    assert len(table) == 2
    for subject, row in table.iterrows():
        found = atrial_measures(atrial_curves(*views(folder, str(subject)), "compat"))
        percent = [100 if name.endswith("_ef") else 1 for name in TABLE]
        assert [found[name] for name in TABLE] * np.array(percent) == pytest.approx(
            row.to_numpy(), rel=SINGLE
        )


@pytest.mark.parametrize("subject", ["1", "2"])
def test_corrected_atria_are_longer_and_smaller_than_the_published_ones(folder, subject):
    published, found = (
        atrial_curves(*views(folder, subject), mode) for mode in ("compat", "corrected")
    )
    for column in ("la_2ch_length_cm", "la_4ch_length_cm", "ra_length_cm"):
        longer = (found[column] - published[column]).mean()
        assert 0.1 < longer < 0.4  # one to two pixels of 1.8 mm
    assert (found["la_2ch_area_cm2"] == published["la_2ch_area_cm2"]).all()
    assert (found["la_ml"] < published["la_ml"]).all()


def test_the_table_of_aortas_is_the_published_one(folder):
    table = pd.read_csv(folder / "aortic_area.csv", index_col=0)
    pressure = read_blood_pressure(folder / "blood_pressure_info.csv")
    assert pressure["2"] == 112
    assert len(table) == 3
    for subject, row in table.iterrows():
        curve = aortic_curve(labels(folder, str(subject), "ao"))
        found = aortic_measures(curve, pressure[str(subject)], "compat")
        values = [found[measure.name] for measure in AORTIC]
        assert values == pytest.approx(row.to_numpy(), rel=SINGLE, nan_ok=True)


@pytest.mark.parametrize("view", ["2ch", "4ch"])
def test_atria_pass_and_fail_as_published(folder, expected, view):
    shown = ATRIA[:1] if view == "2ch" else ATRIA
    judged = {s: qc[f"atrium_{view}"][0] for s, qc in expected.items() if f"atrium_{view}" in qc}
    found = {s: not atrial_doubts(labels(folder, s, f"la_{view}"), shown) for s in judged}
    assert len(judged) == 4
    assert found == judged


def test_aortas_pass_and_fail_as_published(folder, expected):
    judged = {subject: qc["aorta"][0] for subject, qc in expected.items()}
    assert len(judged) == 6
    for mode in ("compat", "corrected"):
        found = {}
        for subject in judged:
            image = Cine.load(folder / "subjects" / subject / "ao.nii.gz")
            found[subject] = not aortic_doubts(image, labels(folder, subject, "ao"), mode)
        assert found == judged


def test_what_fails_is_what_the_published_program_says(folder):
    assert "frame 4 (from 1) has a second piece" in atrial_doubts(
        labels(folder, "3", "la_2ch"), ATRIA[:1]
    )
    assert "frame 6 (from 1) has 191 pixels of right atrium after 492" in atrial_doubts(
        labels(folder, "4", "la_4ch"), ATRIA
    )
    said = {
        "3": "frame 5 (from 1) has 0 pixels of ascending aorta",
        "4": "frame 7 (from 1) has a pixel of 700 in the descending aorta",
        "5": "frame 5 (from 1) has 261 pixels of descending aorta and frame 1 has 109",
    }
    for subject, start in said.items():
        image = Cine.load(folder / "subjects" / subject / "ao.nii.gz")
        assert aortic_doubts(image, labels(folder, subject, "ao"), "compat").startswith(start)
