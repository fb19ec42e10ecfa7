"""Zip files of UK Biobank by the real rules: four sequences of two subjects."""

import pandas as pd
import pytest
import yaml

from cmrseg.cine import Cine
from cmrseg.files import read_table
from tiny_study import Project, copy_project, write
from ukbb_zips import EVERYTHING, FRAMES, SLICES, write_subject

CONFIG = "config/zips.yaml"
SUBJECTS = {"1000001": EVERYTHING, "1000002": ["sa", "la_2ch", "la_4ch"]}
SEQUENCES = ["sa", "la_2ch", "la_4ch", "ao"]
STUDY = {
    "study": "zips",
    "cohorts": {
        "biobank": {
            "subjects": "config/cohorts/zips.tsv",
            "subjects_per_job": 1,
            "layout": "ukbb_dicom",
            "raw": "raw",
            "sequences": SEQUENCES,
        }
    },
}


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    """The first subject's files lie in a folder of its own, the second's beside it."""
    found = Project(copy_project(tmp_path_factory.mktemp("zips")).folder, "zips")
    for n, (eid, sequences) in enumerate(SUBJECTS.items(), 1):
        folder = found.folder / "raw" / (eid if n == 1 else "")
        write_subject(folder, eid, sequences, seed=n)
    rows = [{"subject": eid, "split": "test"} for eid in SUBJECTS]
    write(pd.DataFrame(rows), found.folder / "config/cohorts/zips.tsv")
    (found.folder / CONFIG).write_text(yaml.safe_dump(STUDY), "utf-8")
    return found


def test_every_job_of_the_cohort_is_an_import_of_zips(project):
    jobs = project.planned("import_all", config=CONFIG)
    assert [job.rule for job in jobs].count("import_ukbb") == len(SUBJECTS)


@pytest.mark.long
def test_all_sequences_are_imported_and_an_edit_imports_one_subject_anew(project):
    result = project.snakemake("--cores", "2", "import_all", config=CONFIG)
    assert result.returncode == 0, result.stdout[-5000:]
    images = project.results / "cohorts/biobank/images"
    for shard, (eid, sequences) in enumerate(SUBJECTS.items()):
        folder = images / f"{shard:04d}" / eid
        names = {f"{s}.nii.gz" for s in set(sequences) & set(SEQUENCES)}
        assert {path.name for path in folder.glob("*.nii.gz")} == names
        assert Cine.load(folder / "sa.nii.gz").voxels.shape[:2] == (FRAMES, SLICES)
    audit = read_table(project.results / "cohorts/biobank/audit.tsv")
    assert audit[["subject", "image", "resolution"]].values.tolist() == [
        ["1000002", "ao", "sequence excluded"]
    ]
    headers = read_table(project.results / "cohorts/biobank/headers.tsv.gz")
    assert set(headers["PatientID"]) == set(SUBJECTS)
    assert project.planned("import_all", config=CONFIG) == []
    write_subject(project.folder / "raw", "1000002", ["ao"])
    jobs = project.planned("import_all", config=CONFIG)
    assert [dict(j.wildcards)["shard"] for j in jobs if j.rule == "import_ukbb"] == ["0001"]
