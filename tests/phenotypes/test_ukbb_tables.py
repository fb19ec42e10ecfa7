"""The tables of the published program, made by the measures of a panel from its label maps."""

from functools import partial

import numpy as np
import pandas as pd
import pytest

from cmrseg.cine import Cine
from cmrseg.labels import Tissue
from cmrseg.measure.aorta import read_blood_pressure
from cmrseg.measure.volumes import volume_curves, volumes_table
from cmrseg.phenotypes import aorta, atria, wall_thickness
from cmrseg.phenotypes.examination import measure_shard, views_of
from cmrseg.phenotypes.panels import PANEL_MEASURES
from cmrseg.phenotypes.table import phenotypes, ukbb_phenotypes

# The published files number the atria and aortae from 1.
NUMBERS = {
    "sa": (Tissue.BACKGROUND, Tissue.LV, Tissue.MYO, Tissue.RV),
    "la_2ch": (Tissue.BACKGROUND, Tissue.LA),
    "la_4ch": (Tissue.BACKGROUND, Tissue.LA, Tissue.RA),
    "ao": (Tissue.BACKGROUND, Tissue.AAO, Tissue.DAO),
}
MODULES = {"atria": atria, "aorta": aorta, "wall_thickness": wall_thickness}
# Spacings of the published program are those of the header, in single precision.
SINGLE = 1e-6


@pytest.fixture(scope="module")
def shard(data, tmp_path_factory):
    """Images and label maps of the subjects as this workflow writes them; their rows."""
    source, folder = data / "ukbb_eval", tmp_path_factory.mktemp("shard")
    if not source.is_dir():
        pytest.skip(f"no {source}")
    pressures = read_blood_pressure(source / "blood_pressure_info.csv")
    rows = []
    for place in sorted((source / "subjects").iterdir()):
        rows.append(
            {
                "subject": place.name,
                "split": "test",
                "height_cm": 180.0,
                "weight_kg": 80.0,
                "pulse_pressure_mmhg": pressures[place.name],
            }
        )
        for key, numbers in NUMBERS.items():
            for name, what in ((key, "images"), (f"seg_{key}", "labels")):
                if (place / f"{name}.nii.gz").exists():
                    cine = Cine.load(place / f"{name}.nii.gz")
                    if what == "labels":
                        cine = cine.like(np.array(numbers, np.uint8)[cine.voxels])
                    (folder / what / place.name).mkdir(parents=True, exist_ok=True)
                    cine.save(folder / what / place.name / f"{key}.nii.gz")
    return folder, rows


@pytest.fixture(scope="module")
def measured(shard):
    """Tables and details of each measure in compat."""
    folder, rows = shard
    found = {}
    for key, module in MODULES.items():
        settings = [
            {"sequence": n.sequence, "labels": 0 if n.tissues else None, "image": n.image}
            for n in PANEL_MEASURES[key].needs
        ]
        inputs = {"labels": [folder / "labels"], "images": [folder / "images"]}
        views = views_of(settings, inputs)
        measure = partial(module.measured, mode="compat")
        found[key] = measure_shard(rows, views, module.COLUMNS, measure)
    return found


@pytest.fixture(scope="module")
def ventricles(shard):
    folder, _ = shard
    curves, intervals = [], {}
    for path in sorted((folder / "labels").glob("*/sa.nii.gz")):
        cine = Cine.load(path)
        curves.append(volume_curves(cine.voxels, cine.spacing_mm, path.parent.name))
        intervals[path.parent.name] = cine.frame_interval_s
    return volumes_table(pd.concat(curves), intervals, "first")


@pytest.fixture(scope="module")
def table(shard, measured, ventricles):
    tables = {key: table for key, (table, _) in measured.items()}
    return phenotypes(shard[1], ventricles, tables)


@pytest.mark.parametrize(
    "name",
    ["ventricular_volume", "atrial_volume", "aortic_area", "wall_thickness", "wall_thickness_max"],
)
def test_every_published_table_comes_out_of_the_table_of_phenotypes(data, table, name):
    published = pd.read_csv(data / f"ukbb_eval/{name}.csv", index_col=0)
    published.index = published.index.astype(str)
    ours = ukbb_phenotypes(table).set_index("")[list(published.columns)]
    assert set(ours.dropna(how="all").index) == set(published.index)
    for subject, row in published.iterrows():
        assert ours.loc[subject].to_numpy(float) == pytest.approx(
            row.to_numpy(float), rel=SINGLE, nan_ok=True
        )


def test_who_fails_quality_control_has_a_row_with_the_reason_and_no_value(table):
    by_subject = table.set_index("subject")
    assert by_subject.loc["1", "atria_doubt"] == ""
    assert by_subject.loc["3", "atria_doubt"].startswith("2-chamber view: ")
    assert np.isnan(by_subject.loc["3", "lav_max_ml"])
    assert "descending aorta" in by_subject.loc["5", "aorta_doubt"]


def test_volumes_and_masses_are_given_per_body_surface(table):
    first = table.iloc[0]
    assert first["bsa_m2"] == pytest.approx(2.0)
    for column in ("edv_ml", "mass_g", "lav_max_ml", "rav_min_ml"):
        assert first[f"{column}_per_m2"] == pytest.approx(first[column] / 2)
    assert not [column for column in table if column.endswith("mm2_per_m2")]


def test_details_of_a_doubtful_subject_stay(measured):
    for key in ("atria", "aorta"):
        table, details = measured[key]
        doubtful = table.loc[table["doubt"] != "", "subject"]
        assert len(doubtful)
        assert set(doubtful) & set(details["subject"])
