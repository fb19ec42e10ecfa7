"""Digital patients as UK Biobank's zip files, by the real rules: from raw files to phenotypes."""

import pytest
import yaml

from cmrseg.files import read_table
from digital_patients import SEQUENCES, patients, scan
from tiny_study import Project, copy_project, write

CONFIG = "config/patients.yaml"
SUBJECTS = ["1000001", "1000002"]
SCAN = scan(slice_distance_mm=10.0)
EXPERTS = {"expert_sa": "sa", "expert_2ch": "la_2ch", "expert_4ch": "la_4ch"}
PANEL = {"cohort": "biobank", "labellers": [*EXPERTS, "truth_ao"]}
STUDY = {
    "study": "patients",
    "cohorts": {
        "biobank": {
            "subjects": "config/cohorts/patients.tsv",
            "subjects_per_job": 1,
            "layout": "ukbb_dicom",
            "sequences": SEQUENCES,
            "phantom": {key: value for key, value in SCAN.items() if key != "sequences"},
            "annotators": {
                **{
                    name: {"form": "cvi42", "sequence": sequence, "folder": "annotations/expert"}
                    for name, sequence in EXPERTS.items()
                },
                "truth_ao": {"form": "nifti", "sequence": "ao", "folder": "annotations/truth"},
            },
        }
    },
    "panels": {"expert": {**PANEL, "measures": ["atria", "aorta", "wall_thickness"]}},
}
HERE = "cohorts/biobank"
# Shares of the truth that pixels of 4 mm and slices 10 mm apart give; the biplane formula gives
# less of an atrium than there is.
SHARES = {
    "edv_ml": (0.9, 1.1),
    "esv_ml": (0.9, 1.1),
    "rv_edv_ml": (0.9, 1.1),
    "rv_esv_ml": (0.85, 1.15),
    "lav_max_ml": (0.75, 1.05),
    "rav_max_ml": (0.75, 1.05),
    "aao_max_mm2": (0.9, 1.1),
    "dao_max_mm2": (0.9, 1.1),
}


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    found = Project(copy_project(tmp_path_factory.mktemp("patients")).folder, "patients")
    table = patients(SUBJECTS).drop(columns=["set", "annotation"]).assign(split="test")
    write(table, found.folder / "config/cohorts/patients.tsv")
    (found.folder / CONFIG).write_text(yaml.safe_dump(STUDY), "utf-8")
    return found


def test_each_expert_s_labels_are_carried_from_what_the_phantom_wrote(project):
    rules = [job.rule for job in project.planned("phenotypes_all", config=CONFIG)]
    counts = {rule: rules.count(rule) for rule in ("make_phantom", "import_ukbb")}
    assert counts == {"make_phantom": 2, "import_ukbb": 2}
    assert rules.count("carry_annotations") == 2 * len(PANEL["labellers"])
    assert rules.count("measure_panel") == 2 * 3


@pytest.mark.long
def test_an_expert_s_contours_become_phenotypes_that_are_true(project):
    result = project.snakemake("--cores", "2", "phenotypes_all", config=CONFIG)
    assert result.returncode == 0, result.stdout[-5000:]
    assert read_table(project.results / HERE / "audit.tsv").empty
    for labeller in PANEL["labellers"]:
        assert read_table(project.results / HERE / f"labels/{labeller}.audit.tsv").empty
    table = read_table(project.results / HERE / "phenotypes/expert.tsv").set_index("subject")
    assert table.index.tolist() == SUBJECTS
    assert table[["atria_doubt", "aorta_doubt", "wall_thickness_doubt"]].isna().all(axis=None)
    for shard, subject in enumerate(SUBJECTS):
        raw = project.results / f"phantom/biobank/{shard:04d}"
        truth = read_table(raw / "truth.tsv").iloc[0]
        for column, (least, most) in SHARES.items():
            assert least < table.loc[subject, column] / truth[column] < most, column
