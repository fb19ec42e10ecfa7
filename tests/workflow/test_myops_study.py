"""Made cases in the challenge's folder: import, labels, volumes, evaluation, panel, bull's eye."""

import numpy as np
import pytest
import yaml

from cmrseg.cine import Cine
from cmrseg.files import read_table
from cmrseg.labels import Tissue
from myops_cases import LSP, as_codes, challenge, grey, save
from tiny_study import Project, copy_project

pytestmark = pytest.mark.slow
CONFIG = "config/made_myops.yaml"
# 105 has no scar, 201 no labels, 104 lacks T2.
CASES = (101, 102, 103, 104, 105, 201)
SHAPE = (64, 56, 4)
STUDY = {
    "study": "made_myops",
    "max_failed_fraction": 0.5,
    "cohorts": {
        "cases": {
            "subjects": [
                {"subject": str(case), "split": "test" if case > 200 else "train"} for case in CASES
            ],
            "layout": "myops",
            "raw": "raw",
            "sequences": ["c0", "de", "t2"],
            "annotators": {"expert": "myops", "second": {"form": "myops", "folder": "second"}},
        }
    },
    "evaluate": [{"cohort": "cases", "labellers": ["second"], "reference": "expert"}],
    "published_values": {
        "cohort": "cases",
        "labeller": "second",
        "table": "resources/published_myops.tsv",
        "splits": ["train"],
    },
    "panels": {"experts": {"cohort": "cases", "labellers": ["expert"]}},
    "figures": {
        "scar": {
            "figure": "bulls_eye",
            "cohort": "cases",
            "panels": ["experts"],
            "columns": ["transmurality", "scar", "edema"],
        },
        "slices": {"figure": "viewer", "cohort": "cases", "sequence": "c0"},
    },
}


def tissues(scar: bool) -> np.ndarray:
    """A left ventricle of circles, with scar and oedema of its anterior wall; (x, y, z).

    In these files x runs to the left and backwards, y to the head.
    """
    x, y = np.mgrid[: SHAPE[0], : SHAPE[1]] - 28
    far = np.hypot(x, y)
    plane = np.zeros(SHAPE[:2], np.uint8)
    plane[np.hypot(x + 20, y) < 10] = Tissue.RV
    plane[far < 18] = Tissue.MYO
    if scar:
        plane[(far < 18) & (y > 12)] = Tissue.EDEMA
        plane[(far < 14) & (y > 9)] = Tissue.SCAR
    plane[far < 9] = Tissue.LV
    return np.repeat(plane[..., None], SHAPE[2], axis=2)


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    folder = tmp_path_factory.mktemp("myops")
    copy_project(folder)
    raw = challenge(folder / "raw", ())
    for case in CASES:
        where = raw / ("train25" if case < 200 else "test20")
        for i, key in enumerate(("C0", "DE", "T2")):
            if (case, key) != (104, "T2"):
                save(where / f"myops_{case}_{key}.nii.gz", grey(case, i, SHAPE))
        if case < 200:
            labels = tissues(case != 105)
            save(raw / f"labels/myops_{case}_gd.nii.gz", as_codes(labels))
            # The second observer sees scar in everybody, a column of pixels further on.
            seen = np.roll(tissues(True), 1, axis=0)
            save(raw / f"second/{case}_gd.nii.gz", as_codes(seen), LSP)
    study = {**STUDY, "cohorts": {"cases": dict(STUDY["cohorts"]["cases"])}}
    study["cohorts"]["cases"]["annotators"]["expert"] = {"form": "myops", "folder": "labels"}
    (folder / CONFIG).write_text(yaml.safe_dump(study, sort_keys=False), "utf-8")
    found = Project(folder, "made_myops")
    result = found.snakemake("--cores", "1", config=CONFIG)
    assert result.returncode == 0, result.stdout[-5000:]
    return found


def test_a_case_without_a_sequence_is_lost_and_no_other(project):
    audit = read_table(project.results / "cohorts/cases/audit.tsv")
    lost = audit[audit["resolution"] == "subject excluded"]
    assert lost["subject"].astype(str).tolist() == ["104"]
    assert lost["problem"].tolist() == ["sequence missing"]
    images = project.results / "cohorts/cases/images/0000"
    assert sorted(path.name for path in images.iterdir() if path.is_dir()) == [
        str(case) for case in CASES if case != 104
    ]


def test_volumes_are_those_of_the_labels(project):
    table = read_table(project.results / "cohorts/cases/volumes/expert.tsv").astype(
        {"subject": str}
    )
    rows = table.set_index("subject")
    voxel_ml = np.prod(Cine(np.zeros((1, 1, 1, 1)), LSP).spacing_mm) / 1000
    scar_ml = (tissues(True) == Tissue.SCAR).sum() * voxel_ml
    assert rows.loc["101", "scar_ml"] == pytest.approx(scar_ml, rel=1e-4)
    assert rows.loc["101", "scar_g"] == pytest.approx(1.05 * scar_ml, rel=1e-4)
    assert rows.loc["105", "scar_percent"] == 0


def test_an_evaluation_tells_who_has_no_scar(project):
    folder = project.results / "evaluation/second/cases"
    summary = read_table(folder / "summary.tsv")
    rows = summary[summary["split"] == "all"].set_index(["level", "measure", "tissue"])
    assert rows.loc[("subject", "dice", "scar"), "n"] == 3
    assert rows.loc[("subject", "dice", "wall"), "n"] == 4
    assert rows.loc[("subject", "false_volume_ml", "scar"), "n"] == 1
    compared = read_table(project.results / "evaluation/published.tsv")
    assert compared["n"].tolist() == [3] * len(compared)


def test_the_bulls_eye_is_of_those_with_segments(project):
    table = read_table(project.results / "cohorts/cases/phenotypes/experts.tsv")
    table = table.astype({"subject": str}).set_index("subject")
    assert table["scar_doubt"].isna().all()
    assert table.loc["105", "transmurality_global_percent"] == 0
    # Basal, mid and apical anterior, not inferior.
    assert (table.loc["101", [f"transmurality_{n}_percent" for n in (1, 7, 13)]] > 25).all()
    assert (table.loc["101", [f"scar_{n}_percent" for n in (4, 10, 15)]] == 0).all()
    assert (project.results / "figures/scar.svg").is_file()


def test_labels_are_exported_as_the_challenge_takes_them(project):
    folder = project.results / "cohorts/cases/export/second"
    result = project.snakemake(
        str(folder.relative_to(project.folder)), "--cores", "1", config=CONFIG
    )
    assert result.returncode == 0, result.stdout[-5000:]
    cases = (101, 102, 103, 105)
    assert sorted(path.name for path in folder.glob("*.gz")) == [
        f"myops_{case}_gd.nii.gz" for case in cases
    ]
    for case in cases:
        found, drawn = (
            Cine.load(path)
            for path in (
                folder / f"myops_{case}_gd.nii.gz",
                project.folder / f"raw/second/{case}_gd.nii.gz",
            )
        )
        np.testing.assert_array_equal(found.voxels, drawn.voxels)
        np.testing.assert_allclose(found.affine, drawn.affine, atol=1e-4)
