"""The aorta of a digital patient: areas of the formulas, in a plane across both vessels."""

from dataclasses import replace

import nibabel as nib
import numpy as np
import pytest

from cmrseg.labels import Tissue
from cmrseg.phantom.aorta import AorticArch
from cmrseg.phantom.aortic_view import acquire_aorta, aortic_plane
from cmrseg.phantom.curves import Aorta, Atria, distensibility
from cmrseg.phantom.heart import Heart, HeartParameters
from cmrseg.phantom.long_axis import ViewSettings
from cmrseg.phantom.scanner import SCANNERS
from cmrseg.phantom.ukbb import affine_of_plane
from cmrseg.vectors import dot

PARAMETERS = HeartParameters(atria=Atria(), aorta=Aorta())
QUIET = replace(SCANNERS["1.5T"], noise=0.0)
SETTINGS = ViewSettings(98, 120, 3.1666)


@pytest.mark.parametrize("phase", [0.0, PARAMETERS.aorta.peak_phase, 0.6])
def test_counted_pixels_have_the_areas_of_the_formulas(phase):
    aorta = replace(PARAMETERS.aorta, ellipticity=1.12)
    parameters = replace(PARAMETERS, aorta=aorta)
    fine = aortic_plane(parameters, ViewSettings(1400, 900, 0.1))
    arch = AorticArch(Heart(parameters))
    # Both vessels lie in the picture's right half, one above the other.
    points = fine.points_mm(slice(0, 1400), slice(0, 900))[0]
    labels = arch.labels(points, phase)
    for tissue, area_mm2 in (
        (Tissue.AAO, aorta.ascending_mm2(phase)),
        (Tissue.DAO, aorta.descending_mm2(phase)),
    ):
        assert (labels == tissue).sum() * 0.01 == pytest.approx(area_mm2, rel=1e-3)


def test_areas_rise_fast_to_the_largest_and_fall_until_the_next_beat():
    aorta = PARAMETERS.aorta
    phases = np.linspace(0, 1, 1001)
    areas = np.array([aorta.ascending_mm2(phase) for phase in phases])
    assert areas.max() == pytest.approx(820.0)
    assert areas.min() == pytest.approx(760.0)
    assert phases[areas.argmax()] == pytest.approx(aorta.peak_phase, abs=1e-3)
    assert phases[areas.argmin()] == pytest.approx(aorta.rise_phase, abs=1e-3)
    assert areas[0] == pytest.approx(areas[-1])
    assert abs(np.diff(areas)).max() < 0.6
    # Half of the rise is in its middle; an exponential has fallen by more than half halfway.
    assert aorta.filled(0.14) == pytest.approx(0.5)
    assert aorta.filled(0.24 + 0.8 / 2) == pytest.approx(
        (np.exp(-1.1) - np.exp(-2.2)) / (1 - np.exp(-2.2))
    )


def test_distensibility_is_the_relative_change_of_area_per_pressure():
    # Subject 1 of the UK Biobank's demonstration: 46 and 45 mmHg.
    assert distensibility(1135.646, 1067.958, 45.5) == pytest.approx(1.39297, abs=5e-5)
    assert distensibility(634.257, 589.132, 45.5) == pytest.approx(1.68342, abs=5e-5)


def test_the_plane_is_transverse_and_across_both_vessels():
    plane = aortic_plane(PARAMETERS, SETTINGS)
    assert "".join(nib.aff2axcodes(affine_of_plane(plane))) == "LPS"
    assert plane.normal[2] == pytest.approx(np.cos(np.radians(8.0)))
    # A cylinder along the normal has the same section in all planes of a slice.
    arch, labels = AorticArch(Heart(PARAMETERS)), []
    for offset in (-3.0, 0.0, 3.0):
        points = plane.points_mm(slice(0, 98), slice(0, 120), (offset,))[0]
        labels.append(arch.labels(points, 0.0))
    np.testing.assert_array_equal(labels[0], labels[1])
    np.testing.assert_array_equal(labels[2], labels[1])
    ascending, descending = (
        points[labels[1] == tissue].mean(axis=0) for tissue in (Tissue.AAO, Tissue.DAO)
    )
    assert descending[1] > ascending[1] + 40
    assert descending[0] > ascending[0]
    assert dot(arch.origin_mm, (0, 0, 1)) > Heart(PARAMETERS).base_apex_mm(0.0)[0][2] + 30


def test_pictures_show_bright_vessels_in_dark_walls():
    plane = aortic_plane(PARAMETERS, SETTINGS)
    phases = (0.0, PARAMETERS.aorta.peak_phase)
    images, labels = acquire_aorta(
        PARAMETERS, plane, phases, QUIET, np.random.default_rng(0), (0.0, -0.5, 2.0)
    )
    assert images.shape == labels.shape == (2, 98, 120)
    assert set(np.unique(labels)) == {0, Tissue.AAO, Tissue.DAO}
    blood = images[0][labels[0] == Tissue.AAO].mean()
    lung = np.percentile(images[0][20:80, 30:90], 20)
    assert blood > 8 * lung
    pixel_mm2 = SETTINGS.spacing_mm**2
    for t, phase in enumerate(phases):
        counted = (labels[t] == Tissue.AAO).sum() * pixel_mm2
        assert counted == pytest.approx(PARAMETERS.aorta.ascending_mm2(phase), rel=0.06)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"aao_min_mm2": 900.0},
            r"ascending aorta must be 0 < min < max mm2, got 900",
        ),
        ({"dao_max_mm2": 400.0}, r"areas of the descending aorta .* got 425\.0 and 400\.0"),
        ({"rise_phase": 0.3}, r"must rise before they are largest .* rise_phase 0\.3 and peak"),
        ({"pulse_pressure_mmhg": 0.0}, r"pulse_pressure_mmhg must be above 0, got 0\.0"),
    ],
)
def test_an_impossible_aorta_is_refused(changes, message):
    with pytest.raises(ValueError, match=message):
        replace(Aorta(), **changes)


def test_a_heart_without_aorta_has_no_plane_across_it():
    with pytest.raises(ValueError, match="has no aorta of known area; give HeartParameters"):
        aortic_plane(HeartParameters(atria=Atria()), SETTINGS)
