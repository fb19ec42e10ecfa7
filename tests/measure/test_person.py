"""Size, sex and age of a person: values per body surface area, reference ranges."""

import math

import pytest

from cmrseg.measure.body import body_surface_m2
from cmrseg.measure.person import NOBODY, Person, by_person, person_of
from cmrseg.measure.reference_ranges import REFERENCES, Sex, outside, reference_of

MAN = Person(180, 80, 60, Sex.MALE)


def test_the_surface_of_a_body_is_that_of_mosteller():
    assert body_surface_m2(180.0, 80.0) == 2.0
    assert MAN.bsa_m2 == 2.0
    assert Person(height_cm=180).bsa_m2 is None


def test_reference_values_are_those_of_the_paper_s_table():
    # Table 12 of Petersen et al. 2017: men, women
    found = {sex: {key: tuple(v) for key, v in REFERENCES[sex].items()} for sex in Sex}
    assert found[Sex.MALE] == {
        **{"edv_ml": (166, 32), "esv_ml": (69, 16), "sv_ml": (96, 20), "ef": (0.58, 0.05)},
        **{"sv_ml_per_m2": (49, 10), "mass_g_per_m2": (53, 9)},
    }
    assert found[Sex.FEMALE] == {
        **{"edv_ml": (124, 21), "esv_ml": (49, 11), "sv_ml": (75, 14), "ef": (0.61, 0.05)},
        **{"sv_ml_per_m2": (45, 8), "mass_g_per_m2": (42, 7)},
    }


# Beyond these limits (below, above) the paper's Tables 2 and 3 call a value abnormal at any age.
ABNORMAL = {
    Sex.MALE: {"edv_ml": (93, 232), "esv_ml": (34, 103), "sv_ml": (49, 140)},
    Sex.FEMALE: {"edv_ml": (80, 175), "esv_ml": (25, 73), "sv_ml": (47, 110)},
}


@pytest.mark.parametrize("sex", Sex)
def test_ranges_agree_with_what_the_paper_calls_abnormal_and_with_each_other(sex):
    own = REFERENCES[sex]
    for measure, (low, high) in ABNORMAL[sex].items():
        assert low <= own[measure].low < own[measure].high <= high, measure
    assert own["sv_ml"].mean == pytest.approx(own["edv_ml"].mean - own["esv_ml"].mean, abs=1)
    assert own["ef"].mean == pytest.approx(own["sv_ml"].mean / own["edv_ml"].mean, abs=0.01)


@pytest.mark.parametrize(("age", "known"), [(None, True), (45, True), (74.5, True), (44, False)])
def test_there_are_reference_values_of_some_ages_alone(age, known):
    assert (reference_of("edv_ml", Sex.MALE, age) is not None) == known
    assert bool(Person(age_years=age, sex=Sex.MALE).doubt()) != known
    assert not Person(age_years=age).doubt()


def test_of_the_right_ventricle_and_without_sex_there_are_none():
    assert reference_of("rv_edv_ml", Sex.MALE, 60) is None
    assert reference_of("edv_ml", None, 60) is None


def test_a_value_outside_its_range_is_said_to_be():
    reference = REFERENCES[Sex.MALE]["edv_ml"]
    # 166 ± 1.96 x 32
    assert (reference.low, reference.high) == pytest.approx((103.28, 228.72))
    assert [outside(v, reference) for v in (103, 104, 228, 229)] == ["below", "", "", "above"]


def test_a_measure_gets_what_is_known_of_the_person():
    assert by_person("mass_g", 150, "g", MAN) == {
        "indexed": {
            **{"value": 75, "unit": "g/m²", "outside": "above"},
            "reference": pytest.approx((53 - 1.96 * 9, 53 + 1.96 * 9)),
        }
    }
    ef = by_person("ef", 40, "%", MAN)
    assert ef == {"reference": pytest.approx((48.2, 67.8)), "outside": "below"}
    assert by_person("rv_edv_ml", 150, "ml", MAN) == {"indexed": {"value": 75, "unit": "ml/m²"}}
    for untouched in (("heart_rate_bpm", "bpm"), ("edv_ml", "µL"), ("co_l_min", "l/min")):
        assert by_person(untouched[0], 60, untouched[1], MAN) == {}
    assert by_person("edv_ml", 150, "ml", NOBODY) == {}


def test_a_person_is_made_of_what_is_said():
    said = {"height_cm": 170, "weight_kg": 65.5, "age_years": None, "sex": "F"}
    person = person_of(said)
    assert person == Person(170, 65.5, None, Sex.FEMALE)
    assert person.said() == "female, 170 cm, 65.5 kg, body surface area 1.76 m²"
    assert person_of({"sex": "", "height_cm": math.nan}) == NOBODY
    assert NOBODY.said() == ""


@pytest.mark.parametrize(
    ("said", "message"),
    [
        ({"height_cm": 1.7}, r"height 1\.7: expected 40 to 230 cm"),
        ({"weight_kg": "65"}, r"weight '65': expected 2 to 300 kg"),
        ({"age_years": True}, r"age True: expected 0 to 120 years"),
        ({"sex": "x"}, r"sex 'x': expected female or male, or F or M"),
    ],
)
def test_what_cannot_be_is_refused(said, message):
    with pytest.raises(ValueError, match=message):
        person_of(said)
