"""A study without any short axis: tagged cines and their points, by the real rules."""

import json
from collections import Counter

import numpy as np
import pytest

import tagging_builder as built
from cmrseg.cine import Cine
from cmrseg.points import read_points
from networks import network_of
from tag_study import CONFIG, make_project
from tagged_dicom import write_tagged


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    return make_project(tmp_path_factory.mktemp("tags"))


def test_images_and_points_are_planned_and_no_volumes(project):
    jobs = Counter(job.rule for job in project.planned(config=CONFIG))
    of_cohorts = ("import_nifti", "collect_audit", "check_losses", "carry_annotations")
    of_labels = ("collect_label_audit", "check_label_losses")
    assert {rule: jobs[rule] for rule in (*of_cohorts, *of_labels)} == dict.fromkeys(
        (*of_cohorts, *of_labels), 2
    )
    assert set(jobs) <= {*of_cohorts, *of_labels, "write_models"}


@pytest.mark.long
def test_points_lie_on_the_images_of_both_layouts(project):
    result = project.snakemake("--cores", "2", "label_all", config=CONFIG)
    assert result.returncode == 0, result.stdout[-3000:]
    for cohort in ("published", "volumes"):
        here = project.results / "cohorts" / cohort
        cine = Cine.load(here / "images/0000/2/tag.nii.gz")
        assert cine.voxels.shape == (4, 2, 64, 64)
        points = read_points(here / "labels/truth/0000/2/tag.points.tsv.gz", cine)
        assert points[:, 0] == pytest.approx(built.beat())
        assert np.isfinite(points[:, 1]).all()
    assert project.planned("label_all", config=CONFIG) == []


def test_a_ring_network_and_a_file_plan_images_and_labels(project):
    for name, network, preparation, more in (
        ("box", "tag_box", "tag_frame", {}),
        ("ring", "tag_ring", "tag_window", {"coarse": "box"}),
    ):
        folder = project.folder / "given" / name
        folder.mkdir(parents=True)
        settings = network_of(network, 2, "lv,my") | more
        settings |= {"preparation": preparation, "intensity": "linear"}
        (folder / "record.json").write_text(json.dumps({"settings": settings}))
        (folder / "weights.safetensors").touch()
    write_tagged(project.folder / "raw/scan")
    for words, rule in (
        (["input=raw/published/trial.h5", "series=0,1"], "import_nifti"),
        (["input=raw/volumes/1"], "import_nifti"),
        (["input=raw/scan"], "import_dicom"),
    ):
        arguments = ("predict_all", "--config", *words, "model=given/ring")
        jobs = Counter(job.rule for job in project.planned(*arguments, config=""))
        assert (jobs[rule], jobs["label_shard"]) == (1, 2)
        strain = ("measure_panel", "tabulate_strain", "draw_figure", "make_movie")
        assert {name: jobs[name] for name in strain} == dict.fromkeys(strain, 1)
        assert "measure_volumes" not in jobs
