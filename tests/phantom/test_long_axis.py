"""Long-axis views: the planes of the UK Biobank, labels that are the patient, pictures of them."""

import math
from dataclasses import replace

import nibabel as nib
import numpy as np
import pytest

from cmrseg.labels import Tissue
from cmrseg.phantom import scanner
from cmrseg.phantom.atria import upper_of
from cmrseg.phantom.curves import Aorta, Atria
from cmrseg.phantom.heart import Heart, HeartParameters
from cmrseg.phantom.kaggle import Protocol
from cmrseg.phantom.long_axis import LONG_AXES, ViewSettings, labels_of
from cmrseg.phantom.patients import draw_patient
from cmrseg.phantom.population import draw_subjects
from cmrseg.phantom.scanner import SCANNERS, acquire, short_axis_planes
from cmrseg.phantom.ukbb import affine_of_plane
from cmrseg.phantom.view_series import acquire_view, acquired, planned_view, views_of

PARAMETERS = HeartParameters(atria=Atria(), aorta=Aorta())
ES = PARAMETERS.es_phase
QUIET = replace(SCANNERS["1.5T"], noise=0.0)
CODES = {"la_2ch": "AIL", "la_4ch": "LPS", "ao": "LPS"}


def square(pixels: int, spacing_mm: float) -> dict[str, ViewSettings]:
    return dict.fromkeys((*LONG_AXES, "ao"), ViewSettings(pixels, pixels, spacing_mm))


COARSE = square(72, 3.0)


def view(name, phases=(0.0, ES), **options):
    plane = views_of(PARAMETERS, COARSE)[name]
    rng = np.random.default_rng(0)
    return acquire_view(PARAMETERS, name, plane, phases, QUIET, rng, **options)


@pytest.mark.parametrize("name", LONG_AXES)
def test_ventricles_of_a_view_are_those_of_the_heart(name):
    plane = views_of(PARAMETERS, COARSE)[name]
    points = plane.points_mm(slice(0, 72), slice(0, 72))[0]
    heart = Heart(PARAMETERS)
    for label, phase in zip(view(name)[1], (0.0, ES), strict=True):
        exact = heart.tissue(points, phase)
        for tissue in (Tissue.LV, Tissue.MYO):
            np.testing.assert_array_equal(label == tissue, exact == tissue)
            assert (label == tissue).sum() > 50


def test_each_view_shows_its_chambers():
    shown = {name: set(np.unique(view(name)[1])) - {0} for name in LONG_AXES}
    assert shown == {
        "la_2ch": {Tissue.LV, Tissue.MYO, Tissue.LA},
        "la_3ch": {Tissue.LV, Tissue.MYO, Tissue.LA, Tissue.AAO},
        "la_4ch": {Tissue.LV, Tissue.MYO, Tissue.RV, Tissue.LA, Tissue.RA},
    }


def test_no_right_heart_lies_in_a_two_chamber_view():
    for row in draw_subjects(8, 4).to_dict("records"):
        parameters = draw_patient(row)
        heart = Heart(parameters)
        plane = views_of(parameters, COARSE)["la_2ch"]
        at = heart.coordinates(plane.points_mm(slice(0, 72), slice(0, 72))[0])
        for phase in (0.0, parameters.es_phase):
            assert not np.isin(labels_of("la_4ch")(heart, at, phase), (3, 5)).any()


def test_pictures_lie_as_those_of_the_uk_biobank():
    planes = views_of(PARAMETERS)
    for name, code in CODES.items():
        assert "".join(nib.aff2axcodes(affine_of_plane(planes[name]))) == code
    assert (planes["la_2ch"].columns, planes["la_2ch"].rows) == (180, 208)
    assert (planes["la_4ch"].columns, planes["la_4ch"].rows) == (208, 180)
    assert (planes["ao"].columns, planes["ao"].rows) == (240, 196)
    # In the 4-chamber view the apex is up and to the right, the right heart to the left.
    label = view("la_4ch")[1][0]
    lv, rv, la = (np.argwhere(label == t).mean(axis=0) for t in (1, 3, 4))
    assert la[0] > lv[0]
    assert la[1] < lv[1]
    assert rv[1] < lv[1]


def test_the_left_atrium_is_larger_and_the_ventricle_smaller_at_end_systole():
    for name in LONG_AXES:
        _, (diastole, systole) = view(name)
        assert (systole == Tissue.LA).sum() > 1.3 * (diastole == Tissue.LA).sum()
        assert (systole == Tissue.LV).sum() < 0.7 * (diastole == Tissue.LV).sum()


def test_pictures_show_blood_in_walls():
    images, labels = view("la_4ch")
    for image, label in zip(images, labels, strict=True):
        means = {tissue: image[label == tissue].mean() for tissue in (1, 2, 3, 4, 5)}
        for cavity in (Tissue.LV, Tissue.RV, Tissue.LA, Tissue.RA):
            assert means[cavity] > 1.7 * means[Tissue.MYO]
    # Valves are thin: they darken few of the pixels.
    atrium = images[1][labels[1] == Tissue.LA]
    assert np.percentile(atrium, 20) > 0.75 * np.median(atrium)


def biplane_over_truth(parameters: HeartParameters, phase: float) -> float:
    """LA volume of the area-length formula from exact sections, over the true volume.

    Lengths are those of the sections along the long axis.
    """
    heart, pixels, spacing_mm = Heart(parameters), 260, 0.7
    planes = views_of(parameters, square(pixels, spacing_mm))
    areas_mm2, lengths_mm = [], []
    for name in ("la_2ch", "la_4ch"):
        points = planes[name].points_mm(slice(0, pixels), slice(0, pixels))[0]
        at = heart.coordinates(points)
        mask = labels_of(name)(heart, at, phase) == Tissue.LA
        areas_mm2.append(mask.sum() * spacing_mm**2)
        lengths_mm.append(np.ptp(at.height_mm[mask]))
    volume_mm3 = 8 / (3 * math.pi) * math.prod(areas_mm2) / np.mean(lengths_mm)
    return volume_mm3 / 1000 / heart.volume_ml(Tissue.LA, phase)


def test_biplane_area_length_is_a_little_below_the_true_volume():
    # The formula is exact for an ellipsoid. Septum and aortic root flatten this atrium, so that
    # both planes through its middle miss more of it than its volume does; the base cuts it.
    rows = draw_subjects(6, 5, diseases=["healthy"] * 6).to_dict("records")
    patients = [draw_patient(row) for row in rows]
    largest = [biplane_over_truth(p, p.es_phase) for p in patients]
    least = [biplane_over_truth(p, 0.0) for p in patients]
    assert 0.78 < np.mean(largest) < 0.92
    assert 0.78 < np.mean(least) < 0.98
    assert np.std(largest) < 0.1


def test_a_breath_hold_moves_the_whole_heart():
    plane = views_of(PARAMETERS, COARSE)["la_4ch"]
    _, still = view("la_4ch")
    shift = tuple(4 * 3.0 * np.array(plane.row_direction))
    _, moved = view("la_4ch", shift_mm=shift)
    np.testing.assert_array_equal(moved[..., 4:], still[..., :-4])


def test_views_of_a_patient_are_other_breath_holds_off_the_middle():
    row = draw_subjects(1, 6).to_dict("records")[0]
    parameters = draw_patient(row)
    planned = {
        name: planned_view(row, parameters, name, COARSE, 2.0) for name in ("la_2ch", "la_4ch")
    }
    assert planned["la_2ch"][1] != planned["la_4ch"][1]
    for name, (plane, shift) in planned.items():
        intended = views_of(parameters, COARSE)[name]
        moved = np.subtract(plane.position_mm, intended.position_mm)
        assert 0 < np.linalg.norm(moved) < 40
        assert moved @ plane.normal == pytest.approx(0, abs=1e-9)
        assert plane.row_direction == intended.row_direction
        assert 0 < np.linalg.norm(shift) < 8


def test_the_short_axis_of_a_patient_keeps_its_labels():
    plane = short_axis_planes(PARAMETERS, 64, 64, 4.0, 10.0, 8.0)[0]
    without = replace(PARAMETERS, atria=None, aorta=None)
    found = [
        acquire(p, plane, (0.0, ES), QUIET, np.random.default_rng(0)) for p in (PARAMETERS, without)
    ]
    np.testing.assert_array_equal(found[0][1], found[1][1])
    assert not found[0][1].any()
    assert abs(found[0][0] - found[1][0]).max() > 50


def test_a_sequence_that_is_no_view_is_refused():
    plane = views_of(PARAMETERS, COARSE)["ao"]
    with pytest.raises(ValueError, match="tag is no view, expected la_2ch, la_3ch, la_4ch, ao"):
        acquire_view(PARAMETERS, "tag", plane, (0.0,), QUIET, np.random.default_rng(0))
    with pytest.raises(ValueError, match="has no atria of known volume"):
        views_of(HeartParameters(), COARSE)


def test_a_patient_s_sequences_lie_in_one_coordinate_system():
    row = draw_subjects(1, 6, diseases=["healthy"]).to_dict("records")[0]
    parameters = draw_patient(row)
    protocol = Protocol("1.5T", 2, 48, 44, 4.0, 10.0, 8.0)
    places = {}
    for sequence in ("sa", "la_2ch", "la_4ch"):
        found = acquired(row, parameters, protocol, sequence, (0.0,), COARSE)
        index = np.argwhere(found.labels[0] == Tissue.LV)[:, ::-1]
        places[sequence] = (index @ found.affine[:3, :3].T + found.affine[:3, 3]).mean(axis=0)
    # The cavity's middle is the same place (RAS mm), whichever picture it is seen in.
    for sequence in ("la_2ch", "la_4ch"):
        assert np.linalg.norm(places[sequence] - places["sa"]) < 8
    assert upper_of(Heart(parameters), 0.0).base_mm == pytest.approx(Heart(parameters).length_mm)


@pytest.mark.parametrize("name", LONG_AXES)
def test_beating_parts_of_a_view_lie_in_the_box_that_is_drawn_again(name, monkeypatch):
    images, labels = view(name, (ES,))
    monkeypatch.setattr(scanner, "heart_box", lambda *_: (slice(0, 72), slice(0, 72)))
    whole_images, whole_labels = view(name, (ES,))
    np.testing.assert_array_equal(labels, whole_labels)
    np.testing.assert_allclose(images, whole_images, atol=1.0)
