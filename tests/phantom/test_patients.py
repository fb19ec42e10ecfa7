"""Who the digital patients are: atria and aorta of published ranges beside the same ventricles."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from cmrseg.phantom.patients import (
    draw_aorta,
    draw_atria,
    draw_patient,
    pulse_pressure_mmhg,
    true_curves,
    truth,
    with_build,
)
from cmrseg.phantom.population import draw_parameters, draw_subjects


def rows(count, **options):
    return draw_subjects(count, 9, **options).to_dict("records")


@pytest.fixture(scope="module")
def healthy():
    return [truth(row) for row in rows(150, diseases=["healthy"] * 150)]


def test_ventricles_and_torso_are_those_of_the_row():
    for row in rows(3):
        for frames in (None, 25):
            patient = draw_patient(row, frames)
            bare = replace(patient, atria=None, aorta=None, moving_textures=False)
            assert bare == draw_parameters(row, frames)
            assert patient == draw_patient(row, frames)


def test_healthy_atria_have_the_volumes_of_the_uk_biobank(healthy):
    table = pd.DataFrame(healthy)
    assert table["lav_max_ml"].mean() == pytest.approx(70, abs=6)
    assert 12 < table["lav_max_ml"].std() < 24
    assert table["laef"].mean() == pytest.approx(0.6, abs=0.03)
    assert table["lav_min_ml"].mean() == pytest.approx(28, abs=4)
    assert table["rav_max_ml"].mean() == pytest.approx(86, abs=8)
    assert (table["lav_max_ml"] - table["lav_min_ml"] < table["edv_ml"] - table["esv_ml"]).all()


def test_the_ill_have_larger_atria_that_eject_less(healthy):
    ill = [truth(row) for row in rows(60, diseases=["dilated", "infarct"] * 30)]
    for column, sign in (("lav_max_ml", 1), ("laef", -1), ("rav_max_ml", 1)):
        means = [np.mean([found[column] for found in group]) for group in (ill, healthy)]
        assert sign * (means[0] - means[1]) > 0


def test_the_aorta_stiffens_and_widens_with_age():
    row = rows(1)[0]
    found = {
        age: [draw_aorta({**row, "age_y": age, "seed": seed}, 0.37) for seed in range(60)]
        for age in (25, 70)
    }

    def mean(age, value):
        return np.mean([value(aorta) for aorta in found[age]])

    for vessel in ("aao", "dao"):
        relative = [
            mean(age, lambda a, v=vessel: getattr(a, f"{v}_max_mm2") / getattr(a, f"{v}_min_mm2"))
            for age in (25, 70)
        ]
        assert 1.05 < relative[1] < relative[0] < 1.35
    assert mean(70, lambda a: a.aao_min_mm2) > mean(25, lambda a: a.aao_min_mm2) + 100
    assert mean(70, lambda a: a.pulse_pressure_mmhg) > mean(25, lambda a: a.pulse_pressure_mmhg)


def test_distensibility_is_between_those_of_the_old_and_the_young(healthy):
    table = pd.DataFrame(healthy)
    for column in ("aao_distensibility_per_kmmhg", "dao_distensibility_per_kmmhg"):
        assert table[column].between(0.5, 8.5).all()
        assert 1.5 < table[column].mean() < 4.5
    first = table.iloc[0]
    change = (first["aao_max_mm2"] - first["aao_min_mm2"]) / first["aao_min_mm2"]
    assert first["aao_distensibility_per_kmmhg"] == pytest.approx(
        1000 * change / first["pulse_pressure_mmhg"]
    )


def test_the_row_s_pulse_pressure_is_the_patient_s():
    row = rows(1)[0]
    drawn = pulse_pressure_mmhg(row)
    assert 28 <= drawn <= 75
    assert pulse_pressure_mmhg({**row, "pulse_pressure_mmhg": None}) == drawn
    assert pulse_pressure_mmhg({**row, "pulse_pressure_mmhg": 61}) == 61
    assert draw_aorta({**row, "pulse_pressure_mmhg": 61}, 0.37).pulse_pressure_mmhg == 61


def test_a_table_gets_build_and_pressure_and_stays_what_it_is():
    table = draw_subjects(40, 3)
    built = with_build(table)
    pd.testing.assert_frame_equal(built[table.columns], table)
    assert list(built.columns[-3:]) == ["pulse_pressure_mmhg", "height_cm", "weight_kg"]
    assert built["height_cm"].between(140, 210).all()
    assert (built["weight_kg"] / (built["height_cm"] / 100) ** 2).between(16.5, 45.5).all()
    men = built["sex"] == "M"
    assert built["height_cm"][men].mean() > built["height_cm"][~men].mean() + 5
    assert truth(built.to_dict("records")[0]) == truth(table.to_dict("records")[0])


@pytest.mark.parametrize("frames", [8, 50])
def test_extremes_fall_on_frames_of_a_cine(frames):
    row = rows(1)[0]
    true, curves = truth(row, frames), true_curves(row, frames)
    for column, largest, least in (
        ("lv_ml", "edv_ml", "esv_ml"),
        ("la_ml", "lav_max_ml", "lav_min_ml"),
        ("ra_ml", "rav_max_ml", "rav_min_ml"),
        ("aao_mm2", "aao_max_mm2", "aao_min_mm2"),
        ("dao_mm2", "dao_max_mm2", "dao_min_mm2"),
    ):
        assert curves[column].max() == pytest.approx(true[largest])
        assert curves[column].min() == pytest.approx(true[least])


def test_a_patient_without_age_is_refused_by_name():
    row = rows(1)[0]
    for missing in ({**row, "age_y": None}, {k: v for k, v in row.items() if k != "age_y"}):
        with pytest.raises(ValueError, match="subject 1: no age_y, on which atria and aorta"):
            draw_atria(missing)
