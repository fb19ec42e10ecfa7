"""Tagged cines from landmarks to strain: measures, evaluation, figures, films, by real rules."""

from collections import Counter

import h5py
import pytest
import yaml
from PIL import Image

from cmrseg.cine import Cine
from cmrseg.files import read_table
from cmrseg.points import read_points, save_points
from tag_study import CONFIG, STUDY, make_project

PANELS = {"ring": {"cohort": "volumes", "labellers": ["truth"]}}
FIGURES = {
    "curves": {"figure": "strain_curves", "panels": ["ring"]},
    "conventions": {"figure": "strain_conventions", "panels": ["ring"]},
    "beat": {"figure": "measure_curves", "panels": ["ring"], "measure": "tagging"},
    "films": {"figure": "tagging_movie", "labellers": ["second"], "subjects": ["2"]},
}
SIDES = ("predicted", "reference")
EXPORT = "results/tags/cohorts/volumes/export/second.result.h5"


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    """NIfTI with the landmarks of two readers; the second one is 1 px to the right."""
    project = make_project(tmp_path_factory.mktemp("measures"))
    raw = project.folder / "raw/volumes"
    for path in sorted(raw.glob("annotations/truth/*/tag.points.tsv.gz")):
        image = Cine.load(raw / path.parent.name / "tag.nii.gz")
        points = read_points(path, image)
        second = raw / "annotations/second" / path.parent.name
        second.mkdir(parents=True)
        points[..., 1] += 1
        save_points(points, image, second / path.name)
    cohort = STUDY["cohorts"]["volumes"]
    study = {
        "study": "tags",
        "cohorts": {"volumes": cohort | {"annotators": {"truth": "points", "second": "points"}}},
        "evaluate": [{"cohort": "volumes", "labellers": ["second"], "reference": "truth"}],
        "panels": PANELS,
        "figures": {name: entry | {"cohort": "volumes"} for name, entry in FIGURES.items()},
    }
    (project.folder / CONFIG).write_text(yaml.safe_dump(study, sort_keys=False), "utf-8")
    return project


def test_what_is_measured_of_points_is_planned(project):
    jobs = Counter(job.rule for job in project.planned(EXPORT, "study_all", config=CONFIG))
    wanted = {"measure_panel": 1, "collect_measure": 1, "collect_phenotypes": 1}
    wanted |= {"evaluate_points": 1, "draw_figure": 3, "make_movie": 1, "export_tagging": 1}
    assert {rule: jobs[rule] for rule in wanted} == wanted
    assert not {"evaluate_labels", "measure_volumes"} & set(jobs)


@pytest.mark.long
def test_points_are_measured_compared_drawn_filmed_and_exported(project):
    result = project.snakemake("--cores", "2", EXPORT, "study_all", config=CONFIG)
    assert result.returncode == 0, result.stdout[-3000:]
    here = project.results / "cohorts/volumes"
    table = read_table(here / "phenotypes/ring.tsv")
    assert table["tagging_doubt"].isna().all()
    strain = table["tag_ecc_green_midwall_es_global_percent"]
    assert strain.notna().all()
    evaluated = read_table(project.results / "evaluation/second/volumes/subjects.tsv")
    assert evaluated["error_px"].tolist() == pytest.approx([1, 1, 1], abs=1e-4)
    sides = [evaluated[f"{s}_ecc_green_midwall_es_global_percent"] for s in SIDES]
    assert sides[0].tolist() == pytest.approx(sides[1].tolist(), abs=1e-3)
    for name in ("curves", "conventions", "beat"):
        assert (project.results / f"figures/{name}.png").stat().st_size > 10_000
    with Image.open(project.results / "figures/films/2_slice1.gif") as film:
        assert film.n_frames == 4
    with h5py.File(project.folder / EXPORT) as file:
        assert file["landmark_predictions"].shape == (6, 4, 2, 168)
    assert project.planned(EXPORT, "study_all", config=CONFIG) == []
