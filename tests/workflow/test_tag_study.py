"""A study without any short axis: tagged cines and their points, by the real rules."""

from collections import Counter

import numpy as np
import pytest

import tagging_builder as built
from cmrseg.cine import Cine
from cmrseg.points import read_points
from tag_study import CONFIG, make_project


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
