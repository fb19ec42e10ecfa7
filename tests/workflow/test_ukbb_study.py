"""The study of the published subjects and networks, with stand-ins for all that is downloaded.

Digital patients take the place of the two subjects, and checkpoints of random weights, with the
published names and shapes, that of the networks: everything from there on is the study itself.
"""

import numpy as np
import pandas as pd
import pytest
import yaml

from bundle_writer import write_bundle
from cmrseg.cine import Cine
from cmrseg.files import read_table
from cmrseg.nets.published import model_variables
from cmrseg.phantom import patient_files
from cmrseg.phantom.patients import with_build
from cmrseg.phantom.population import draw_subjects
from tiny_study import ROOT, Project, copy_project

pytestmark = pytest.mark.long
CONFIG = "config/ukbb.yaml"
STUDY = yaml.safe_load((ROOT / CONFIG).read_text("utf-8"))
SUBJECTS = ["1", "2"]
SEQUENCES = STUDY["cohorts"]["demo"]["sequences"]
SMALL = {"rows": 48, "columns": 56, "spacing_mm": 5.0}
SCAN = {
    # Wider than high, as the short axis of the first published subject.
    "scanner": "1.5T", "rows": 44, "columns": 48, "spacing_mm": 5.0, "slice_distance_mm": 12.0,
    "thickness_mm": 8.0, "frames": 10, "sequences": SEQUENCES,
    "views": dict.fromkeys(SEQUENCES[1:], SMALL),
}  # fmt: skip
HERE = "cohorts/demo"
# Norms that change nothing, and the kernels of the last layers.
NORMS = {"gamma": 1, "beta": 0, "moving_mean": 0, "moving_variance": 1, "bias": 0, "biases": 0}
LAST = ("conv2d_20/kernel", "LSTM/output/conv2d/kernel")


def write_weights(folder):
    """Checkpoints of all published networks, without the state of their optimiser."""
    folder.mkdir(parents=True)
    catalogue = yaml.safe_load((ROOT / "resources/weights.yaml").read_text("utf-8"))
    for entry in catalogue.values():
        if entry["source"] != "ukbb_weights":
            continue
        rng, values = np.random.default_rng(1), {}
        for name, shape in model_variables(entry).items():
            constant = NORMS.get(name.rsplit("/", 1)[1])
            drawn = rng.normal(0, np.sqrt(2 / max(np.prod(shape[:-1]), 1)), shape)
            if name in LAST:
                # No class that is the best of all, whatever a picture shows.
                drawn -= drawn.mean(axis=2, keepdims=True)
            values[name] = (drawn if constant is None else np.full(shape, constant)).astype("f4")
        write_bundle(folder / entry["file"], values)


def write_images(folder):
    table = with_build(draw_subjects(2, 3, SUBJECTS, ["test", "test"]))
    patient_files.write_shard(table, SCAN, folder / "demo_image")


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    folder = copy_project(tmp_path_factory.mktemp("ukbb")).folder
    write_images(folder / "resources/raw/ukbb_demo")
    write_weights(folder / "resources/raw/ukbb_weights")
    found = Project(folder, "ukbb")
    result = found.snakemake("--cores", "2", config=CONFIG)
    assert result.returncode == 0, result.stdout[-5000:]
    return found


def test_pictures_reach_the_networks_as_they_are_stored(project):
    for subject in SUBJECTS:
        for sequence in SEQUENCES:
            raw = project.folder / f"resources/raw/ukbb_demo/demo_image/{subject}"
            stored = Cine.load(raw / f"{sequence}.nii.gz")
            images = project.results / HERE / f"images/0000/{subject}"
            found = Cine.load(images / f"{sequence}.nii.gz")
            np.testing.assert_array_equal(found.voxels, stored.voxels)
            np.testing.assert_allclose(found.affine, stored.affine, atol=1e-4)
    assert read_table(project.results / HERE / "audit.tsv").empty


def test_each_network_labels_its_sequence_with_the_tissues_that_it_knows(project):
    known = {
        "short_axis": ("sa", {0, 1, 2, 3}),
        "two_chamber": ("la_2ch", {0, 4}),
        "atria": ("la_4ch", {0, 4, 5}),
        "four_chamber": ("la_4ch", {0, 1, 2, 3, 4, 5}),
        "aorta": ("ao", {0, 6, 7}),
    }
    assert set(STUDY["weights"]) == set(known)
    for labeller, (sequence, numbers) in known.items():
        path = project.results / HERE / f"labels/{labeller}/0000/1/{sequence}.nii.gz"
        labels = Cine.load(path).voxels
        assert set(np.unique(labels)) <= numbers
        assert len(np.unique(labels)) > 1


@pytest.mark.parametrize("panel", ["published", "corrected"])
def test_every_subject_has_a_row_with_a_value_or_a_reason(project, panel):
    table = read_table(project.results / HERE / f"phenotypes/{panel}.tsv").set_index("subject")
    assert list(table.index) == SUBJECTS
    assert table["pulse_pressure_mmhg"].tolist() == [45.5, 111]
    firsts = {
        "atria": "lav_max_ml",
        "aorta": "aao_max_mm2",
        "wall_thickness": "wt_global_mm",
        "strain": "ecc_global_percent",
    }
    for measure, value in firsts.items():
        doubt = table[f"{measure}_doubt"].fillna("")
        assert ((doubt != "") | table[value].notna()).all(), measure
        assert table.loc[doubt != "", value].isna().all(), measure
    # Random labels are no heart.
    assert (table["strain_doubt"] != "").all()
    assert table["edv_ml"].notna().all()


def test_the_table_with_the_published_names_has_both_subjects(project):
    path = project.results / HERE / "phenotypes/published.ukbb.csv"
    table = pd.read_csv(path, dtype={0: str}, index_col=0)
    assert list(table.index) == SUBJECTS
    assert {"LVEDV (mL)", "LAV max (mL)", "WT_Global (mm)", "Ecc_Global (%)"} <= set(table)
    assert table["LVEDV (mL)"].notna().all()


def test_converted_networks_have_their_cards_and_nothing_is_left_to_do(project):
    for folder in STUDY["weights"].values():
        assert "UK Biobank" in (project.folder / folder / "README.md").read_text("utf-8")
    assert project.planned(config=CONFIG) == []
