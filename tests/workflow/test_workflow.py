"""The whole workflow on the tiny study: what it makes, what it refuses, and that it repeats."""

import json
import shutil
from pathlib import Path

import nibabel as nib
import numpy as np
import pandas as pd
import pytest

from cmrseg.files import read_table
from cmrseg.labels import UNLABELLED, Tissue
from cmrseg.results.labelling import OPTIONAL
from study.recipes import read_models
from tiny_study import COHORTS, FIGURES, LOST, MODELS, STUDY, Project, subjects_of

TARGETS = [
    f"{stage}_all"
    for stage in ("import", "label", "volumes", "confidence", "slices", "train", "evaluate")
] + ["figures_all", "headlines_all"]
# Subjects that an annotator labelled, where these are not all: the second expert did the test set.
LABELLED = {("small_7t", "expert2"): ["204"]}


def labellers(cohort: str) -> list[str]:
    """Everyone whose label maps of a cohort the study needs."""
    evaluated = [m for e in STUDY["evaluate"] if e["cohort"] == cohort for m in e["labellers"]]
    return sorted({*COHORTS[cohort]["annotators"], *evaluated})


def imported(cohort: str) -> list[str]:
    return [subject for subject in subjects_of(cohort) if subject != LOST]


def evaluations() -> list[tuple[str, str]]:
    return [(m, e["cohort"]) for e in STUDY["evaluate"] for m in e["labellers"]]


def label_files(project: Project, cohort: str, labeller: str) -> list[Path]:
    return sorted(project.results.glob(f"cohorts/{cohort}/labels/{labeller}/*/*/sa.nii.gz"))


# -- what it makes ---------------------------------------------------------------------------


def test_every_path_that_people_rely_on_is_there(tiny):
    names = []
    for cohort in COHORTS:
        names += [f"cohorts/{cohort}/{name}" for name in ("audit.tsv", "headers.tsv.gz")]
        names += [f"cohorts/{cohort}/volumes/{labeller}.tsv" for labeller in labellers(cohort)]
    names += ["cohorts/small_kaggle/confidence/fcn.tsv", "models.tsv"]
    files = ("weights.safetensors", "history.tsv", "record.json")
    names += [f"models/{model}/{file}" for model in MODELS for file in files]
    files = ("images.tsv", "subjects.tsv", "summary.tsv", "record.json")
    names += [f"evaluation/{m}/{cohort}/{f}" for m, cohort in evaluations() for f in files]
    for name, entry in FIGURES.items():
        suffixes = ["html"] if entry["figure"] == "viewer" else ["svg", "png"]
        names += [f"figures/{name}.{suffix}" for suffix in suffixes]
    absent = [n for n in names if not (tiny.results / n).is_file()]
    assert not absent
    assert not [n for n in names if (tiny.results / n).stat().st_size == 0]


@pytest.mark.parametrize("cohort", COHORTS)
def test_every_imported_subject_has_an_image_in_the_shard_of_its_row(tiny, cohort):
    found = {p.parent.name: p for p in tiny.results.glob(f"cohorts/{cohort}/images/*/*/sa.nii.gz")}
    assert sorted(found) == imported(cohort)
    for subject, path in found.items():
        shard = subjects_of(cohort).index(subject) // COHORTS[cohort]["subjects_per_job"]
        assert path.parent.parent.name == f"{shard:04d}"


@pytest.mark.parametrize("cohort", COHORTS)
def test_label_maps_are_integers_on_the_image_s_grid(tiny, cohort):
    known = [*Tissue, UNLABELLED]
    for labeller in labellers(cohort):
        paths = label_files(tiny, cohort, labeller)
        expected = LABELLED.get((cohort, labeller), imported(cohort))
        assert [p.parent.name for p in paths] == expected
        for path in paths:
            shard, subject = path.parent.parent.name, path.parent.name
            image = nib.load(tiny.results / f"cohorts/{cohort}/images/{shard}/{subject}/sa.nii.gz")
            labels = nib.load(path)
            assert np.issubdtype(labels.get_data_dtype(), np.integer)
            assert labels.shape == image.shape
            np.testing.assert_array_equal(labels.affine, image.affine)
            assert set(np.unique(labels.dataobj)) <= set(known)


def test_a_true_heart_is_in_the_true_labels(tiny):
    volumes = read_table(tiny.results / "cohorts/small_kaggle/volumes/truth.tsv")
    known = read_table(tiny.folder / COHORTS["small_kaggle"]["subjects"])
    both = volumes.merge(known, on="subject", suffixes=("_measured", "_known"))
    assert len(both) == len(imported("small_kaggle"))
    # Slices 15 mm apart and pixels of 5 mm leave an error; a lost or misplaced heart leaves more.
    np.testing.assert_allclose(both["edv_ml_measured"], both["edv_ml_known"], rtol=0.25)


def test_the_settings_of_all_models_are_a_models_table_and_in_their_logs(tiny):
    table = str(tiny.results / "models.tsv")
    written = read_models(table, "config/recipes.yaml")
    asked = read_models(str(tiny.folder / STUDY["models"]), "config/recipes.yaml")
    assert list(written) == sorted(MODELS)
    assert {name: repr(row) for name, row in written.items()} == {
        name: repr(row) for name, row in asked.items()
    }
    for model, row in written.items():
        log = (tiny.results / f"logs/train_model/{model}.log").read_text("utf-8")
        told = log.split("INFO settings: ")[1].split("\n")[0].split(", ")
        # What labelling alone reads, no training knows of, nor of folds.
        others = (*OPTIONAL, "folds", "seeds")
        asked_of_it = {key: value for key, value in row.items() if key not in others}
        assert told == [f"{k} {'none' if v == '' else v}" for k, v in asked_of_it.items()]


def test_a_record_tells_the_model_s_row_and_inputs(tiny):
    record = json.loads((tiny.results / "models/double_all/record.json").read_text())
    row = {key: record["settings"][key] for key in ("model", "cohort", "labeller", "start", "seed")}
    assert row == {
        "model": "double_all",
        "cohort": "small_7t",
        "labeller": "expert1",
        "start": "base",
        "seed": 3,
    }
    assert sorted(record["inputs"]) == [
        "results/tiny/models/base/weights.safetensors",
        "results/tiny/slices/small_7t/expert1/sa_lv-my_unet_linear_64",
    ]


def test_the_record_of_an_evaluation_tells_who_was_held_against_whom(tiny):
    folder = tiny.results / "evaluation/base/small_7t"
    record = json.loads((folder / "record.json").read_text())
    assert record["settings"] == {
        "cohort": "small_7t",
        "labeller": "base",
        "reference": "expert1",
        "ed": "max",
        "reference_ed": "max",
        "frames": "own",
    }
    assert sorted(record["inputs"]) == [
        f"results/tiny/cohorts/small_7t/labels/{name}/0000" for name in ("base", "expert1")
    ]
    assert record["scores"]["dice_lv"] == pytest.approx(
        read_table(folder / "subjects.tsv")["dice_lv"].mean()
    )


def test_every_job_has_a_log_and_a_benchmark(tiny):
    # make_phantom, import_dicom and so on: a file for each output that the job is named by.
    for kind, suffix in (("logs", "log"), ("benchmarks", "tsv")):
        # A rule with one job has a file, others a folder.
        rules = {p.name.removesuffix(f".{suffix}") for p in (tiny.results / kind).iterdir()}
        jobs = tiny.planned("--forceall")
        assert rules == {job.rule for job in jobs}
        assert len(list((tiny.results / kind).rglob(f"*.{suffix}"))) == len(jobs)


def test_a_finished_study_has_nothing_to_be_done(tiny):
    result = tiny.snakemake("--dry-run")
    assert result.returncode == 0
    assert "Nothing to be done" in result.stdout


def test_the_report_is_one_page_with_every_figure(tiny):
    report = tiny.folder / "report.html"
    result = tiny.snakemake("--report", report.name)
    assert result.returncode == 0, result.stdout
    text = report.read_text()
    for name, entry in FIGURES.items():
        suffix = "html" if entry["figure"] == "viewer" else "svg"
        assert f"{name}.{suffix}" in text


# -- what is wrong with the data -------------------------------------------------------------


@pytest.mark.parametrize("cohort", ["small_kaggle", "small_7t"])
def test_the_audit_tells_the_faults_that_were_made_and_no_others(tiny, cohort):
    columns = ["subject", "problem", "resolution", "image"]
    manifests = sorted(tiny.results.glob(f"phantom/{cohort}/*/manifest.tsv"))
    made = pd.concat(map(read_table, manifests))[columns]
    told = read_table(tiny.results / f"cohorts/{cohort}/audit.tsv")[columns]
    assert sorted(told.itertuples(index=False)) == sorted(made.itertuples(index=False))
    assert len(told) == (7 if cohort == "small_kaggle" else 0)


def test_a_lost_subject_is_told_by_name_and_absent_from_all_that_follows(tiny):
    audit = read_table(tiny.results / "cohorts/small_kaggle/audit.tsv")
    assert audit.loc[audit["subject"] == LOST, "resolution"].tolist() == ["subject excluded"]
    # What is known of a subject does not depend on its images.
    allowed = {"audit.tsv", "0001.audit.tsv", "known.tsv"}
    for path in sorted(tiny.results.rglob("*")):
        if "phantom" in path.parts:
            continue
        assert path.name != LOST
        if path.suffix == ".tsv" and "small_kaggle" in path.parts and path.name not in allowed:
            table = read_table(path)
            if "subject" in table:
                assert LOST not in set(table["subject"]), path
                assert set(table["subject"]) <= set(imported("small_kaggle"))


def test_too_many_lost_subjects_end_the_run_with_the_first_one_s_name(tiny, tmp_path):
    copy = Project(tmp_path / "copy")
    shutil.copytree(tiny.folder, copy.folder, symlinks=True)
    result = copy.snakemake("--cores", "1", "import_all", "--config", "max_failed_fraction=0.1")
    assert result.returncode != 0
    assert "cohort small_kaggle: 1 of 6 subjects could not be imported" in result.stdout
    assert f"the first is {LOST}: unreadable file" in result.stdout
    # What the sentence points to is still there.
    assert (copy.results / "cohorts/small_kaggle/import/0001.audit.tsv").is_file()


# -- what is asked of it ---------------------------------------------------------------------


def test_every_stage_is_a_target_and_all_of_them_are_the_whole_study(project):
    stages = project.planned(*TARGETS)
    assert {job.outputs for job in stages} == {job.outputs for job in project.planned()}


@pytest.mark.parametrize(
    ("target", "last", "absent"),
    [
        ("import_all", "collect_audit", "carry_annotations"),
        ("slices_all", "make_slices", "evaluate_labels"),
        ("train_all", "train_model", "measure_volumes"),
        ("confidence_all", "score_confidence", "evaluate_labels"),
    ],
)
def test_a_stage_s_target_makes_the_stage_and_what_it_needs(project, target, last, absent):
    rules = {job.rule for job in project.planned(target)}
    assert last in rules
    assert absent not in rules


def test_a_study_s_file_replaces_the_demo_and_is_not_mixed_with_it(project):
    # Snakemake merges a config file of the command line into that of the Snakefile.
    outputs = {path for job in project.planned() for path in job.outputs}
    assert all(path.startswith("results/tiny/") for path in outputs)
    assert {p.split("/")[3] for p in outputs if p.startswith("results/tiny/cohorts/")} == {*COHORTS}


def test_the_demo_is_the_default_study(project):
    outputs = {path for job in project.planned(config="") for path in job.outputs}
    assert all(path.startswith("results/demo/") for path in outputs)


def test_a_wrong_config_is_refused_in_a_sentence_before_any_job(project):
    wrong = project.folder / "config" / "wrong.yaml"
    text = (project.folder / "config/tiny.yaml").read_text()
    wrong.write_text(text.replace("max_failed_fraction", "max_faild_fraction"))
    result = project.snakemake("--cores", "1", config="config/wrong.yaml")
    assert result.returncode != 0
    assert "unknown key 'max_faild_fraction'; did you mean 'max_failed_fraction'?" in result.stdout
    assert not (project.folder / "results").exists()
