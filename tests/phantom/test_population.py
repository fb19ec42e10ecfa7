"""Digital subjects: the same rows always, hearts that can be built, volumes like published ones."""

import numpy as np
import pytest

from cmrseg.labels import Tissue
from cmrseg.phantom.heart import Heart
from cmrseg.phantom.population import DISEASES, draw_parameters, draw_subjects

COLUMNS = [
    *("subject", "study", "series", "split", "set", "edv_ml", "esv_ml"),
    *("disease", "sex", "age_y", "heart_rate_bpm", "seed", "faults"),
]


@pytest.fixture(scope="module")
def many():
    return draw_subjects(1500, seed=1)


def test_subject_table_has_the_columns_of_a_cohort(many):
    assert list(many.columns) == COLUMNS
    assert many.subject.is_unique
    assert (many.subject == many.study).all()


def test_the_same_seed_draws_the_same_subjects():
    assert draw_subjects(5, seed=2).equals(draw_subjects(5, seed=2))
    assert not draw_subjects(5, seed=2).equals(draw_subjects(5, seed=3))


def test_the_same_row_is_always_the_same_subject(many):
    row = many.iloc[3]
    assert draw_parameters(row) == draw_parameters(dict(row))
    assert draw_parameters(row) != draw_parameters({**row, "seed": row["seed"] + 1})


def test_volumes_are_spread_like_those_of_the_kaggle_data(many):
    ef = 1 - many.esv_ml / many.edv_ml
    assert many.edv_ml.mean() == pytest.approx(160, abs=10)
    assert many.edv_ml.std() == pytest.approx(55, abs=12)
    assert ef.mean() == pytest.approx(0.59, abs=0.02)
    assert ef.std() == pytest.approx(0.11, abs=0.02)


def test_diseases_differ_as_they_should(many):
    ef = (1 - many.esv_ml / many.edv_ml).groupby(many.disease).mean()
    assert ef["dilated"] < ef["infarct"] < ef["healthy"] < ef["hypertrophic"]
    walls = {
        disease: np.mean([draw_parameters(row).wall_mm for _, row in rows.head(20).iterrows()])
        for disease, rows in many.groupby("disease")
    }
    assert walls["hypertrophic"] > walls["healthy"] + 3


def test_every_drawn_subject_has_a_heart_with_the_volumes_of_its_row(many):
    for _, row in many.head(300).iterrows():
        parameters = draw_parameters(row)
        heart = Heart(parameters)
        assert heart.volume_ml(Tissue.LV, 0.0) == pytest.approx(row.edv_ml)
        assert heart.volume_ml(Tissue.LV, parameters.es_phase) == pytest.approx(row.esv_ml)


def test_ids_splits_and_diseases_can_be_given():
    table = draw_subjects(
        2, 0, ids=["041", "042"], splits=["train", "test"], diseases=["dilated", "healthy"]
    )
    assert table.subject.tolist() == ["041", "042"]
    assert table.split.tolist() == ["train", "test"]
    assert table.disease.tolist() == ["dilated", "healthy"]


def test_lists_of_another_length_are_refused():
    with pytest.raises(ValueError, match="3 subjects need as many splits, got 1"):
        draw_subjects(3, 0, splits=["train"])


def test_unknown_diseases_are_refused():
    with pytest.raises(ValueError, match="unknown disease 'flu'; known are healthy"):
        draw_subjects(1, 0, diseases=["flu"])


def test_shares_of_the_diseases_sum_to_one():
    assert sum(disease.share for disease in DISEASES.values()) == pytest.approx(1)
