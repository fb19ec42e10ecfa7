"""One folder of tagged DICOM and one model: landmarks, strain, figure and films, by real rules."""

import numpy as np
import pytest
from PIL import Image

from cmrseg.apply_tags import track_model
from cmrseg.cine import Cine
from cmrseg.files import read_table
from cmrseg.phantom import patient_zips
from cmrseg.points import read_points
from digital_patients import SCAN, patients
from tag_networks import write_networks
from tagged_dicom import FRAMES, SIZE, heart
from tiny_study import Project, copy_project

GRID = {"rows": 64, "columns": 60, "spacing_mm": 3.5, "thickness_mm": 8.0}
TAGS = {**SCAN, "frames": 20, "sequences": ["tag"], "views": {"tag": GRID}, "packed": False}


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    folder = tmp_path_factory.mktemp("prediction")
    copy_project(folder)
    write_networks(folder / "given")
    return Project(folder, "predict_patient")


def predicted(project, path):
    words = ("predict_all", "--config", f"input={path}", "model=given/ring", "subject=patient")
    return project.snakemake("--cores", "2", *words, config="")


@pytest.mark.long
def test_a_folder_of_tagged_dicom_becomes_strain_and_films(project):
    patient_zips.write_shard(patients(["1000007"]), TAGS, project.folder / "raw")
    (folder,) = (project.folder / "raw").glob("1000007_*")
    result = predicted(project, folder)
    assert result.returncode == 0, result.stdout[-3000:]
    here = project.results / "cohorts/input"
    cine = Cine.load(here / "images/0000/patient/tag.nii.gz")
    assert cine.voxels.shape[:2] == (20, 3)
    points = read_points(here / "labels/ring/0000/patient/tag.points.tsv.gz", cine)
    assert np.isfinite(points).all()
    strain = read_table(here / "phenotypes/ring.strain.tsv")
    assert set(strain["place"]) == {"basal", "mid", "apical", "global"}
    # Without labels of a short axis nobody knows where segments are.
    values = read_table(here / "phenotypes/ring.tsv").iloc[0]
    assert np.isnan(values["tag_ecc_green_midwall_es_16_percent"])
    ours = strain[(strain["layer"] == "midwall") & (strain["place"] == "mid")].iloc[0]
    assert values["tag_ecc_green_midwall_es_mid_percent"] == pytest.approx(ours["es_percent"])
    assert "midwall" in result.stdout
    assert (project.results / "figures/strain.png").stat().st_size > 10_000
    for z in (1, 2, 3):
        with Image.open(project.results / f"figures/film/patient_slice{z}.gif") as film:
            assert film.n_frames == 20
    # In Python the same comes out.
    tracked = track_model(folder, project.folder / "given/ring", "patient")
    np.testing.assert_allclose(tracked.points, points, atol=1e-3)
    assert tracked.measures["tag_ecc_green_midwall_es_mid_percent"] == pytest.approx(
        ours["es_percent"], abs=1e-4
    )


@pytest.mark.long
def test_a_cine_without_tags_is_refused_in_a_sentence(project):
    frames = [[heart(SIZE, SIZE, z, t) for z in range(3)] for t in range(FRAMES)]
    untagged = Cine(np.array(frames, np.float32), np.diag([1.4, 1.4, 15.0, 1.0]), 0.04)
    path = project.folder / "raw/untagged.nii.gz"
    untagged.save(path)
    words = ("predict_all", "--config", f"input={path}", "model=given/ring")
    result = project.snakemake("--cores", "2", *words, config="")
    assert result.returncode != 0
    assert (
        "untagged: no tagged cine (no slice shows the lines of tags; give the tagged"
        in result.stdout
    )
    assert not (project.folder / "results/predict_untagged/figures").exists()
