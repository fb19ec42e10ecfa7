"""Scar of a digital patient by segment, from its files in the challenge's layout to its truth."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from cmrseg.annotations.carry import carry_shard
from cmrseg.cine import Cine
from cmrseg.files import read_table
from cmrseg.labels import tissues_of
from cmrseg.layouts.myops import import_cases
from cmrseg.measure.aha_segments import SHORT_AXIS_ROWS
from cmrseg.phantom.myops import write_shard
from cmrseg.phantom.population import draw_subjects
from cmrseg.phenotypes.examination import Examination
from cmrseg.phenotypes.scar import measured

SCAN = {"scanner": "1.5T", "rows": 128, "columns": 112, "spacing_mm": 2.2}
SLICES = {"slice_distance_mm": 10.0, "thickness_mm": 8.0}
# A slice is of one level, and the heart's thirds end within slices.
SEGMENT_POINTS, ALL_POINTS = 12, 2.5


@pytest.fixture(scope="module")
def examined(tmp_path_factory):
    """The true labels of a patient with an infarct of the LAD, and what is true."""
    folder = tmp_path_factory.mktemp("patient")
    rows = draw_subjects(3, 7).tail(1).assign(disease="infarct", infarct="chronic", age_y=60)
    rows = rows.assign(subject="3", study="3", annotation="3", set="train")
    for name in ("raw", "images", "labels"):
        (folder / name).mkdir()
    raw, images, labels = (folder / name for name in ("raw", "images", "labels"))
    write_shard(rows, {**SCAN, **SLICES}, raw)
    audit, _ = import_cases(rows, raw, images, ["c0", "de", "t2"])
    assert "subject excluded" not in set(audit["resolution"])
    settings = {"form": "myops", "folder": ".", "layout": "myops", "sequence": "c0"}
    assert carry_shard(rows, "truth", settings, raw, images, labels).empty
    found = Examination("3", {}, {"c0": Cine.load(labels / "3/c0.nii.gz")}, {})
    return found, read_table(raw / "truth.tsv").iloc[0]


@pytest.fixture(scope="module")
def patient(examined):
    found, truth = examined
    return pd.Series(measured(found, "corrected").values), truth


def test_the_part_of_the_wall_that_is_scar_is_true(patient):
    # Of volumes the slices at the ends of the stack miss a part.
    found, truth = patient
    assert truth["territory"] == "LAD"
    assert found["scar_percent"] == pytest.approx(truth["scar_percent"], abs=ALL_POINTS)


@pytest.mark.parametrize("quantity", ["transmurality", "scar"])
def test_scar_is_in_its_segments_and_as_deep_as_it_is(patient, quantity):
    found, truth = (
        side[[f"{quantity}_{name}_percent" for name in SHORT_AXIS_ROWS]].to_numpy(float)
        for side in patient
    )
    assert found[-1] == pytest.approx(truth[-1], abs=ALL_POINTS)
    assert found[:-1] == pytest.approx(truth[:-1], abs=SEGMENT_POINTS)
    assert np.corrcoef(found, truth)[0, 1] > 0.97


def test_a_model_without_oedema_has_none_of_its_columns(examined):
    model = replace(examined[0], known={"c0": tissues_of("lv,rv,wall,scar")})
    found, every = measured(model, "corrected"), measured(examined[0], "corrected")
    of_edema = [name for name in every.values if name.startswith("edema")]
    assert len(of_edema) == 2 + len(SHORT_AXIS_ROWS)
    assert all(np.isnan(found.values[name]) for name in of_edema)
    others = [name for name in every.values if name not in of_edema and name != "wall_ml"]
    assert [found.values[name] for name in others] == [every.values[name] for name in others]
    assert found.details["edema_percent"].isna().all()
