"""The app: what is typed about a person, the report, and the model for a sample."""

import io

import pandas as pd
import pytest

from app import samples
from app.models import TOY, Model, find_models
from app_server import (
    model_folder,
    nifti,
)

SAID = {"height_cm": 180, "weight_kg": 80, "age_years": 60, "sex": "female", "title": "Case 1"}


def rows_by_key(visitor) -> dict:
    return {row["key"]: row for row in visitor.talk("GET", "/measures")[1]["rows"]}


def tell(visitor, **said):
    return visitor.talk("POST", "/person", said)


@pytest.fixture
def labelled(visitor, network, tmp_path):
    visitor.upload(nifti(tmp_path), "Mustermann Max.nii.gz")
    assert visitor.label(visitor.model)["fault"] == ""
    return visitor


def test_size_sex_and_age_are_beside_the_measures_and_in_the_table(labelled):
    plain = rows_by_key(labelled)
    assert not any({"reference", "indexed"} & set(row) for row in plain.values())
    assert tell(labelled, **SAID) == (200, {"bsa_m2": 2, "doubt": ""})
    rows = rows_by_key(labelled)
    edv = rows["edv_ml"]
    assert edv["indexed"] == {"value": edv["value"] / 2, "unit": "ml/m²"}
    # 124 ± 1.96 x 21 ml
    assert edv["reference"] == pytest.approx([82.84, 165.16])
    assert edv["outside"] == "below"
    assert "reference" not in rows["rv_edv_ml"]
    content = labelled.ask("GET", f"{labelled.base}/download/measures")[1].decode("utf-8-sig")
    table = pd.read_csv(io.StringIO(content), index_col="measure")
    per_m2 = table.loc["LV end-diastolic volume per m²"]
    assert (float(per_m2["value"]), per_m2["unit"]) == (
        pytest.approx(edv["value"] / 2, rel=1e-5),
        "ml/m²",
    )
    reference = table.loc["reference range of LV end-diastolic volume"]
    assert reference["value"] == "82.8 to 165"
    assert reference["unit"] == "ml, mean ± 1.96 SD, the value is below"
    assert "doi:10.1186/s12968-017-0327-9" in table["value"]["source of the reference ranges"]
    assert table["value"]["body surface area"] == "2"
    assert table["value"]["sex"] == "female"


@pytest.mark.parametrize(
    ("said", "fault"),
    [
        ({"height_cm": 1.8}, "Height 1.8: expected 40 to 230 cm."),
        ({"sex": "f"}, "Sex 'f': expected female or male, or F or M."),
        ({"title": "x" * 81}, "A title has at most 80 characters, in one line."),
        ({"title": "a\nb"}, "A title has at most 80 characters, in one line."),
    ],
)
def test_what_cannot_be_is_refused_and_nothing_is_lost(labelled, said, fault):
    tell(labelled, **SAID)
    assert tell(labelled, **said) == (400, {"fault": fault})
    assert labelled.talk("GET", "/state")[1]["image"]["person"]["height_cm"] == 180


def test_other_images_are_of_nobody(labelled, tmp_path):
    tell(labelled, **SAID)
    person = labelled.upload(nifti(tmp_path))["image"]["person"]
    assert person == {
        **{"height_cm": None, "weight_kg": None, "age_years": None, "sex": None},
        **{"title": "", "bsa_m2": None, "doubt": ""},
    }


def test_of_another_age_there_is_no_reference_value(labelled):
    _, answer = tell(labelled, **{**SAID, "age_years": 30})
    assert answer["doubt"] == "Reference values are of 45 to 74 years; there are none of this age."
    assert not any("reference" in row for row in rows_by_key(labelled).values())


def test_the_report_is_a_page_without_the_name_of_the_file(labelled):
    status, page = labelled.ask("GET", f"{labelled.base}/download/report?ed=2&es=4")
    assert status == 200
    assert page.startswith(b"%PDF")
    assert b"Mustermann" not in page
    assert labelled.ask("GET", f"{labelled.base}/download/report?ed=2&es=4")[1] == page
    assert 'filename="Mustermann_Max_report.pdf"' in labelled.headers["content-disposition"]
    tell(labelled, title="心")
    status, answer = labelled.talk("GET", "/download/report")
    assert status == 400
    assert "The report's font has no '心'" in answer["fault"]


def suiting(name: str, **changes) -> Model:
    given = {"trained_mm": (10.0, 2.0, 2.0), "tissues": "lv,my,rv", **changes}
    return Model(folder=None, name=name, **given)


def test_a_sample_gets_the_model_that_suits_it():
    toy = {"cohort": "biobank, a digital heart"}
    models = [
        suiting("for people"),
        suiting("small pixels", facts=toy, trained_mm=(10.0, 0.9, 0.9)),
        suiting("left alone", facts=toy, tissues="lv,my"),
        suiting("broken", facts=toy, fault="it is"),
        suiting("best", facts=toy),
        suiting("view", facts=toy, sequence="la_4ch"),
        suiting("mice", facts=toy, trained_mm=(1.0, 0.1, 0.1)),
        suiting("unknown", facts=toy, trained_mm=None),
    ]
    chosen = {name: samples.model_for(name, models).name for name in samples.SAMPLES}
    assert chosen == {"healthy": "best", "dilated": "best", "mouse": "mice"}
    assert samples.model_for("mouse", models[:6]) is None


def test_networks_of_digital_hearts_are_toys_and_come_last(tmp_path):
    for name in ("a", "b"):
        model_folder(tmp_path / f"results/demo/models/{name}")
    card = tmp_path / "results/demo/models/a/README.md"
    card.write_text("| cohort | kaggle, a digital heart |\n")
    found = find_models(tmp_path)
    assert [(model.name, model.is_toy) for model in found] == [
        ("b (demo)", False),
        ("a (demo)", True),
    ]


def test_the_page_is_told_of_toys_and_of_the_command_for_a_sample(visitor):
    visitor.talk("POST", "/close", {})
    setup = visitor.open()
    assert setup["models"][0]["toy"] == ""
    mouse = next(sample for sample in setup["samples"] if sample["id"] == "mouse")
    assert mouse["model"] == ""
    assert "config/preclinical-demo.yaml" in mouse["advice"]
    assert TOY == "trained on digital hearts; not for patients"
