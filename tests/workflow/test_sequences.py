"""Several images of a subject, channels, overlapping regions and points: one study, all rules."""

import re

import numpy as np
import pandas as pd
import pytest

from cmrseg.cine import Cine
from cmrseg.files import read_table
from cmrseg.labels import UNLABELLED, Tissue
from sequences_study import (
    CONFIG,
    FRAMES,
    SOME,
    SPACING_MM,
    SUBJECTS,
    WITHOUT_DE,
    atrium_radius_px,
    centre_px,
    make_project,
    short_axis,
)

pytestmark = pytest.mark.long
HERE = "cohorts/hearts"


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    found = make_project(tmp_path_factory.mktemp("sequences"))
    result = found.snakemake("--cores", "2", config=CONFIG)
    assert result.returncode == 0, result.stdout[-5000:]
    return found


def test_each_sequence_is_imported_and_the_audit_names_what_is_missing(project):
    images = project.results / HERE / "images/0000"
    for subject in SUBJECTS:
        found = {path.name for path in (images / subject).glob("*.nii.gz")}
        missing = {"de.nii.gz"} if subject == WITHOUT_DE else set()
        assert found == {"c0.nii.gz", "de.nii.gz", "la_4ch.nii.gz"} - missing
    audit = read_table(project.results / HERE / "audit.tsv")
    rows = audit[audit["image"] == "de"]
    assert rows["subject"].tolist() == [WITHOUT_DE]
    assert rows["resolution"].tolist() == ["sequence excluded"]


def test_two_channels_show_a_scar_that_one_does_not(project):
    subjects = read_table(project.results / "evaluation/scar/hearts/subjects.tsv")
    assert subjects["subject"].tolist() == [s for s in SUBJECTS if s != WITHOUT_DE]
    unseen = subjects[subjects["split"] == "test"].iloc[0]
    assert unseen["dice_scar"] > 0.9
    assert unseen["dice_lv"] > 0.9
    assert unseen["dice_my"] > 0.8
    volume_ml = (short_axis("6") == Tissue.SCAR).sum() * SPACING_MM**2 * 10 / 1000
    assert unseen["reference_scar_ml"] == pytest.approx(volume_ml)
    assert unseen["predicted_scar_ml"] == pytest.approx(volume_ml, rel=0.1)


def test_overlapping_regions_are_painted_as_tissues(project):
    labels = Cine.load(project.results / HERE / "labels/scar/0000/6/c0.nii.gz").voxels
    assert set(np.unique(labels)) == {0, Tissue.LV, Tissue.MYO, Tissue.SCAR}
    record = (project.results / "models/scar/record.json").read_text()
    told = dict(re.findall(r'"(channels|window|sequence|task|tissues)": "?([\w,]+)', record))
    assert told == {
        **{"channels": "2,", "window": "1", "sequence": "c0,de"},
        **{"task": "segment", "tissues": "lv,wall,scar"},
    }


def test_a_view_has_the_areas_of_its_discs(project):
    areas = read_table(project.results / HERE / "volumes/atrium.tsv").set_index("subject")
    for subject in SUBJECTS:
        radii = [atrium_radius_px(subject, frame) * SPACING_MM / 10 for frame in range(FRAMES)]
        expected = [np.pi * max(radii) ** 2, np.pi * min(radii) ** 2]
        found = areas.loc[subject, ["la_max_cm2", "la_min_cm2"]].to_numpy(float)
        np.testing.assert_allclose(found, expected, rtol=0.1)
    assert not [name for name in areas if name.endswith("_ml")]
    summary = read_table(project.results / "evaluation/atrium/hearts/summary.tsv")
    rows = summary[(summary["measure"] == "area_max_difference_cm2") & (summary["split"] == "all")]
    assert rows["tissue"].tolist() == ["la"]
    assert abs(rows["mean"].item()) < 0.5


def test_labels_of_two_frames_are_carried_to_all(project):
    folder = project.results / HERE / "labels"
    for subject in SUBJECTS:
        some, carried, every = (
            Cine.load(folder / name / "0000" / subject / "la_4ch.nii.gz").voxels
            for name in ("some", "carried", "views")
        )
        assert (some[[1, 3]] == UNLABELLED).all()
        assert (carried[list(SOME)] == every[list(SOME)]).all()
        # A fifth of the disc would be wrong if nothing moved.
        assert (carried != every).sum() < 0.1 * (every[[1, 3]] == Tissue.LA).sum()
    subjects = read_table(project.results / "evaluation/carried/hearts/subjects.tsv")
    assert subjects["dice_la"].min() > 0.95


def test_points_lie_where_the_cavity_is(project):
    for subject in SUBJECTS:
        folder = project.results / HERE / "labels/centre/0000" / subject
        points = pd.read_csv(folder / "c0.points.tsv.gz", sep="\t")
        assert len(points) == 3
        assert points["valid"].eq(1).all()
        expected = np.array([centre_px(subject, z) for z in points["slice"]])
        far_px = np.hypot(*(points[["y_px", "x_px"]].to_numpy() - expected).T)
        assert far_px.max() < 2
        np.testing.assert_allclose(points["x_mm"], points["x_px"] * SPACING_MM)
        np.testing.assert_allclose(points["z_mm"], points["slice"] * 10.0)
    assert not (project.results / HERE / "volumes/centre.tsv").exists()
    card = (project.results / "models/centre/README.md").read_text()
    assert "A network that predicts points in end-diastolic cine images." in card


def test_an_edit_of_a_task_is_seen(project):
    assert project.planned(config=CONFIG) == []
    module = project.folder / "workflow/cmrseg/tasks/centre.py"
    text = module.read_text()
    module.write_text(text.replace("square().sum(2)", "abs().sum(2)", 1))
    try:
        jobs = project.planned(config=CONFIG)
        assert {job.rule for job in jobs if job.own} == {"train_model"}
        assert "label_shard" in {job.rule for job in jobs}
    finally:
        module.write_text(text)


def test_a_label_of_one_subject_re_runs_what_depends_on_its_sequence(project):
    path = project.folder / "raw/annotations/views/6/la_4ch.nii.gz"
    before = path.read_bytes()
    cine = Cine.load(path)
    cine.like(np.roll(cine.voxels, 1, axis=3)).save(path)
    try:
        jobs = project.planned(config=CONFIG)
        touched = {dict(job.wildcards).get("labeller") for job in jobs} - {None}
        assert "views" in touched
        assert "expert" not in touched
        models = {dict(job.wildcards).get("model") for job in jobs} - {None}
        assert models == {"atrium"}
    finally:
        path.write_bytes(before)
