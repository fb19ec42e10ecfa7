"""Areas and distensibility of the aorta, and pulse pressures."""

import math

import numpy as np
import pandas as pd
import pytest

from cmrseg.cine import Cine
from cmrseg.labels import UNLABELLED, Tissue
from cmrseg.measure.aorta import AORTIC, aortic_curve, aortic_measures, read_blood_pressure

AFFINE = np.diag([1.5, 1.0, 6.0, 1.0])
BOTH = ["corrected", "compat"]


def labels(aao_pixels, dao_pixels, apart=0):
    """Frames with so many pixels of each vessel, in rows; some of the ascending one lie apart."""
    voxels = np.zeros((len(aao_pixels), 1, 60, 40), np.uint8)
    for plane, aao, dao in zip(voxels[:, 0], aao_pixels, dao_pixels, strict=True):
        plane[:20].flat[:aao] = Tissue.AAO
        plane[30:50].flat[:dao] = Tissue.DAO
        plane[55, :apart] = Tissue.AAO
    return Cine(voxels, AFFINE)


def discs(radii_mm, pixel_mm=0.5):
    y, x = np.mgrid[:120, :120] * pixel_mm - 30.2
    planes = [np.where(x**2 + y**2 < r**2, Tissue.AAO, 0) for r in radii_mm]
    return Cine(np.array(planes, np.uint8)[:, None], np.diag([pixel_mm, pixel_mm, 6, 1]))


# -- areas and distensibility ----------------------------------------------------------------


def test_a_pulsating_disc_has_the_distensibility_of_its_radii():
    radii_mm = 15 + 1.5 * np.sin(2 * np.pi * np.arange(40) / 40)
    found = aortic_measures(aortic_curve(discs(radii_mm)), 50, "corrected")
    assert found["aao_max_mm2"] == pytest.approx(math.pi * 16.5**2, rel=0.003)
    assert found["aao_min_mm2"] == pytest.approx(math.pi * 13.5**2, rel=0.003)
    # (16.5^2 - 13.5^2) / 13.5^2 / 50 mmHg = 0.4938 / 50 = 9.88 in 1000 mmHg.
    assert found["aao_distensibility_per_1000_mmhg"] == pytest.approx(9.877, rel=0.02)


@pytest.mark.parametrize("mode", BOTH)
def test_measures_worked_out_by_hand(mode):
    found = aortic_measures(aortic_curve(labels([200, 250, 220], [100, 100, 140])), 40, mode)
    assert found == pytest.approx(
        {
            "aao_max_mm2": 375,  # 250 pixels of 1.5 mm2
            "aao_min_mm2": 300,
            "aao_distensibility_per_1000_mmhg": 6.25,  # 0.25 / 40 mmHg
            "dao_max_mm2": 210,
            "dao_min_mm2": 150,
            "dao_distensibility_per_1000_mmhg": 10,
        }
    )
    assert list(found) == [measure.name for measure in AORTIC]


def test_a_piece_apart_counts_in_compat_alone_and_is_not_hidden():
    cine = labels([200, 250], [100, 100])
    cine.voxels[1, 0, 55, :10] = Tissue.AAO
    curve = aortic_curve(cine)
    assert curve["aao_mm2"].tolist() == [300, 375]
    assert curve["aao_apart_mm2"].tolist() == [0, 15]
    found, compat = (aortic_measures(curve, 40, mode)["aao_max_mm2"] for mode in BOTH)
    assert (found, compat) == (375, 390)


def test_a_missed_frame_does_not_count_and_is_published_as_zero():
    curve = aortic_curve(labels([200, 0, 250], [100, 100, 100]))
    assert curve["aao_mm2"].tolist() == [300, 0, 375]
    found, compat = (aortic_measures(curve, 40, mode) for mode in BOTH)
    assert (found["aao_min_mm2"], compat["aao_min_mm2"]) == (300, 0)
    assert found["aao_distensibility_per_1000_mmhg"] == pytest.approx(6.25)
    assert np.isnan(compat["aao_distensibility_per_1000_mmhg"])


def test_a_frame_that_nobody_labelled_is_unknown():
    cine = labels([200, 210, 250], [100, 100, 100])
    cine.voxels[0] = UNLABELLED
    curve = aortic_curve(cine)
    assert np.isnan(curve.loc[0, ["aao_mm2", "dao_mm2", "aao_apart_mm2", "dao_apart_mm2"]]).all()
    for mode in BOTH:
        assert aortic_measures(curve, 40, mode)["aao_min_mm2"] == 315


@pytest.mark.parametrize("mode", BOTH)
@pytest.mark.parametrize("pressure_mmhg", [9.9, 0.0, math.nan])
def test_without_a_pulse_pressure_distensibility_alone_is_unknown(mode, pressure_mmhg):
    curve = aortic_curve(labels([200, 250], [100, 140]))
    found = aortic_measures(curve, pressure_mmhg, mode)
    unknown = {name for name, value in found.items() if np.isnan(value)}
    assert unknown == {f"{vessel}_distensibility_per_1000_mmhg" for vessel in ("aao", "dao")}
    assert not np.isnan(list(aortic_measures(curve, 10, mode).values())).any()


def test_a_vessel_that_is_nowhere_has_no_measures():
    found = aortic_measures(aortic_curve(labels([200, 250], [0, 0])), 40, "corrected")
    assert np.isnan([found["dao_max_mm2"], found["dao_distensibility_per_1000_mmhg"]]).all()
    assert found["aao_max_mm2"] == 375


def test_an_aortic_cine_of_several_slices_is_refused():
    cine = labels([200], [100])
    with pytest.raises(ValueError, match="the aortic cine has 2 slices, expected 1; choose one"):
        aortic_curve(cine.like(np.repeat(cine.voxels, 2, axis=1)))


# -- pulse pressures -------------------------------------------------------------------------

HEAD = "eid,Central pulse pressure,Central pulse pressure,Other\nx,12678-2.0,12678-2.1,1-2.0\n"


def written(folder, text, encoding="utf-8"):
    path = folder / "pressure.csv"
    path.write_text(text, encoding)
    return path


def test_pulse_pressure_is_the_mean_of_what_was_read(tmp_path):
    rows = "7,,,3\n0012,46,45,3\n2,,112,\n3,NA,40.5,\n\n4,8,9\n5\n"
    found = read_blood_pressure(written(tmp_path, HEAD + rows))
    assert list(found) == ["7", "0012", "2", "3", "4", "5"]
    assert pd.Series(found).dropna().to_dict() == {"0012": 45.5, "2": 112, "3": 40.5, "4": 8.5}


def test_columns_are_found_by_their_fields_whatever_their_order(tmp_path):
    text = 'a,"b, c",d,e\n"eid","1-2.0","12678-2.1","12678-2.0"\r\n"1","99","40","50"\r\n'
    assert read_blood_pressure(written(tmp_path, text, "utf-8-sig")) == {"1": 45}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "eid,a,b\nx,12678-2.0,12678-3.0\n1,40,50\n",
            r"pressure.csv: the second row names column 12678-2.1 0 times, expected once; it has "
            r"12678-2.0, 12678-3.0; export both header rows and the columns of central pulse",
        ),
        ("eid,a,b\nx,12678-2.0,12678-2.0\n", "names column 12678-2.0 2 times, expected once"),
        ("", "names column 12678-2.0 0 times, expected once; it has no columns; export both"),
        (
            HEAD + "1,46,45,3\n2,46,high,3\n",
            "pressure.csv: row 4, subject 2, column 12678-2.1: pulse pressure is 'high', expected "
            "mmHg, or an empty cell; repair it",
        ),
        (HEAD + "1,-3,45,3\n", "row 3, subject 1, column 12678-2.0: pulse pressure is '-3'"),
        (HEAD + "1,inf,45,3\n", "pulse pressure is 'inf', expected mmHg"),
        (
            HEAD + "1,46,45,3\n\n1,40,41,3\n",
            "pressure.csv: row 5 has subject 1 for the second time, expected each once; repair it",
        ),
        (HEAD + ",46,45,3\n", "row 3 has no subject, expected each once"),
    ],
)
def test_what_is_wrong_with_a_table_of_pressures_is_said(tmp_path, text, message):
    with pytest.raises(ValueError, match=message):
        read_blood_pressure(written(tmp_path, text))


def test_what_is_no_table_of_pressures_is_refused(tmp_path):
    with pytest.raises(ValueError, match=r"absent.csv: not a readable CSV \(.*No such file"):
        read_blood_pressure(tmp_path / "absent.csv")
    (tmp_path / "binary.csv").write_bytes(b"\xff\xfe\x00\xd8")
    with pytest.raises(ValueError, match=r"binary.csv: not a readable CSV \(.*utf-8"):
        read_blood_pressure(tmp_path / "binary.csv")
    with pytest.raises(ValueError, match="is a folder, a pipe or a device, expected a file"):
        read_blood_pressure(tmp_path)
