"""A folder of images becomes a subject table and a study, by the readers of the import."""

import os
import shutil
from pathlib import Path

import h5py
import numpy as np
import pytest
import yaml

import hdf5_builder
import tagging_builder
from cmrseg.cine import Cine
from cmrseg.describe.__main__ import main
from cmrseg.describe.found import Found
from cmrseg.describe.look import look
from cmrseg.describe.written import subject_table
from cmrseg.files import read_table
from cmrseg.phantom import seven_tesla
from cmrseg.phantom.population import draw_subjects
from study.load import load_study
from tiny_study import SCAN, copy_project

NAMES = ["p01", "p02", "p03", "p04", "p05"]
GRID = {"spacing_mm": 0.1, "slice_distance_mm": 1.0, "frame_interval_ms": 5.0}
# The same as words of the command line.
SIZES = [w for key, n in GRID.items() for w in (f"--{key.replace('_', '-')}", str(n))]


@pytest.fixture(scope="module")
def volunteers(tmp_path_factory) -> Path:
    """DICOM of five digital volunteers with an expert's contours, and what is none of theirs."""
    folder = tmp_path_factory.mktemp("describe") / "Clinic 7T"
    seven_tesla.write_shard(draw_subjects(5, 11, NAMES), {**SCAN, "frames": 2}, folder)
    (folder / "manifest.tsv").unlink()
    shutil.rmtree(folder / "annotations/expert2", ignore_errors=True)
    (folder / "annotations/expert1/p99.con").touch()
    (folder / "notes").mkdir()
    (folder / "notes/read me.txt").write_text("Sorted by hand.")
    return folder


@pytest.fixture(scope="module")
def described(volunteers, tmp_path_factory):
    """A project in which the volunteers were described."""
    project = copy_project(tmp_path_factory.mktemp("project"))
    assert main([str(volunteers), "--name", "clinic", "--project", str(project.folder)]) == 0
    return project


def study_of(found_in: Path, top: Path, *words: str):
    """The study that is written for a folder, checked as Snakemake checks it."""
    assert main([str(found_in), "--name", "mine", "--project", str(top), *words]) == 0
    here = os.getcwd()
    os.chdir(top)
    try:
        study = load_study(yaml.safe_load((top / "config/mine.yaml").read_text("utf-8")))
        assert list(study.subjects["mine"]["subject"]) != []
    finally:
        os.chdir(here)
    return study


def image(path: Path, frames: int = 2) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    voxels = np.arange(frames * 3 * 12 * 10, dtype=np.float32).reshape(frames, 3, 12, 10)
    Cine(voxels, np.diag([2.0, 2.0, 8.0, 1.0]), 0.04).save(path)


def test_snakemake_plans_the_study_of_a_described_folder(described):
    planned = described.planned(config="config/clinic.yaml")
    rules = [job.rule for job in planned]
    assert "import_dicom" in rules
    assert "carry_annotations" in rules
    assert rules.count("draw_figure") == 2


def test_volunteers_with_contours_are_divided_by_the_written_table(described):
    table = read_table(described.folder / "config/cohorts/clinic.tsv")
    assert list(table["subject"]) == NAMES
    assert table["split"].value_counts().to_dict() == {"train": 3, "validate": 1, "test": 1}


def test_what_was_not_understood_is_said_by_name(volunteers, tmp_path, capsys):
    assert main([str(volunteers), "--project", str(tmp_path)]) == 0
    said = capsys.readouterr().out
    assert "Layout folder, 5 subjects:" in said
    assert "p01: short-axis cine of " in said
    assert "Annotator expert1: qmass" in said
    assert "Labelled are 5 of 5 subjects" in said
    assert "  notes: no DICOM file of an image" in said
    assert "annotations/expert1/p99: labels of no study that was found" in said
    assert (tmp_path / "config/clinic_7t.yaml").is_file()


def test_a_folder_of_one_examination_is_one_subject(volunteers):
    found = look(volunteers / "p02", {})
    assert (found.raw, list(found.studies)) == (volunteers, ["p02"])


def test_folders_of_series_of_one_examination_are_one_subject(volunteers, tmp_path):
    files = sorted(p for p in (volunteers / "p03").rglob("*") if p.is_file())
    for number, file in enumerate(files):
        place = tmp_path / "exam" / f"series{number % 2}" / f"{number}.dcm"
        place.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(file, place)
    assert list(look(tmp_path / "exam", {}).studies) == ["exam"]


def test_examinations_of_one_patient_are_in_one_split_and_unnamed():
    found = Found("folder", Path("raw"), studies=dict.fromkeys("abcdefghij", ""))
    found.labelled = set("abcdefghij")
    found.patients = {study: f"patient {number // 2}" for number, study in enumerate("abcdefghij")}
    table = subject_table(found).set_index("subject")
    assert list(table["patient"]) == list("aacceeggii")
    assert (table.groupby("patient")["split"].nunique() == 1).all()
    assert sorted(set(table["split"])) == ["test", "train", "validate"]


def test_few_labelled_patients_are_not_divided():
    found = Found("folder", Path("raw"), studies=dict.fromkeys("abcd", ""), labelled=set("abcd"))
    assert set(subject_table(found)["split"]) == {"test"}


def test_nifti_cines_are_found_with_what_cannot_be_read(tmp_path):
    raw = tmp_path / "raw"
    image(raw / "one.nii.gz")
    image(raw / "two/sa.nii.gz")
    image(raw / "two/la_4ch.nii.gz", frames=3)
    image(raw / "three/picture.nii.gz")
    (raw / "broken.nii.gz").write_bytes(b"none")
    image(raw / "annotations/Expert A/two.nii.gz")
    study = study_of(raw, tmp_path)
    assert list(study.subjects["mine"]["study"]) == ["one", "two"]
    assert study.sequences("mine") == ["sa", "la_4ch"]
    about = study.annotator("mine", "expert_a")
    assert (about["form"], about["folder"]) == ("nifti", "annotations/Expert A")
    unclear = dict(look(raw, {}).unclear)
    assert unclear["three"] == "no NIfTI file with the name of a sequence, such as sa.nii.gz"
    assert "broken.nii.gz" in unclear["broken.nii.gz"]


def test_pairs_of_frames_are_found_with_their_labels(tmp_path):
    for name in ("sa_ED", "sa_ES", "label_sa_ED"):
        image(tmp_path / f"raw/7/{name}.nii.gz", frames=1)
    study = study_of(tmp_path / "raw", tmp_path)
    assert study.cohorts["mine"]["layout"] == "ukbb"
    assert study.annotators("mine") == ["labels_sa"]


def test_zip_files_of_uk_biobank_are_found_by_participant(tmp_path):
    (tmp_path / "raw").mkdir()
    for name in ("1234567_20209_2_0.zip", "1234567_20208_2_0.zip", "7654321_20209_2_0.zip"):
        (tmp_path / "raw" / name).touch()
    study = study_of(tmp_path / "raw", tmp_path)
    assert study.cohorts["mine"]["layout"] == "ukbb_dicom"
    assert list(study.subjects["mine"]["subject"]) == ["1234567", "7654321"]


def test_mouse_cines_need_their_voxel_size(tmp_path, capsys):
    hdf5_builder.write(tmp_path / "raw/m1.h5")
    assert main([str(tmp_path / "raw"), "--project", str(tmp_path)]) == 1
    assert "give --spacing-mm <number> --slice-distance-mm <number>" in capsys.readouterr().err
    study = study_of(tmp_path / "raw", tmp_path, *SIZES)
    assert study.annotators("mine") == ["labels"]


def test_tagged_cines_are_found(tmp_path):
    tagging_builder.write(tmp_path / "raw/t1.h5", rows=1)
    study = study_of(tmp_path / "raw", tmp_path)
    assert (study.sequences("mine"), study.annotators("mine")) == (["tag"], ["landmarks"])


def test_cines_and_tagged_cines_are_not_one_cohort(tmp_path):
    hdf5_builder.write(tmp_path / "m1.h5")
    tagging_builder.write(tmp_path / "t1.h5", rows=1)
    with pytest.raises(ValueError, match="has files of cines and of tagged cines; separate them"):
        look(tmp_path, GRID)


def test_an_hdf5_file_of_something_else_is_unclear(tmp_path):
    with h5py.File(tmp_path / "x.h5", "w") as file:
        file["other"] = 1
    assert look(tmp_path, GRID).unclear == [("x.h5", "neither Images nor image_seqs is in it")]


def test_files_of_the_myops_challenge_are_found_by_case(tmp_path):
    for word in ("C0", "DE", "T2", "gd"):
        image(tmp_path / f"raw/train25/myops_training_101_{word}.nii.gz", frames=1)
    study = study_of(tmp_path / "raw", tmp_path)
    assert list(study.subjects["mine"]["study"]) == ["training_101"]
    assert study.annotators("mine") == ["labels"]


def test_the_published_png_are_found(tmp_path):
    for place in ("images", "masks"):
        (tmp_path / "raw" / place / "42").mkdir(parents=True)
    (tmp_path / "raw/patient_dimensions.tsv").touch()
    assert study_of(tmp_path / "raw", tmp_path).annotators("mine") == ["labels"]


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["missing"], "missing: no such folder; give the folder with the subjects' images"),
        (["empty"], "empty: neither DICOM, NIfTI nor HDF5 in a layout of docs/data.md"),
        (["empty", "--name", "Mine"], "name 'Mine': give --name with small letters, digits and _"),
        (["empty", "--name", "there"], "there.yaml: exists already; remove it, or give --name"),
        (["text"], "text: no subject can be read: x.h5: neither Images nor image_seqs is in it"),
    ],
)
def test_what_cannot_be_described_is_refused(words, sentence, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "empty").mkdir()
    (tmp_path / "config").mkdir()
    (tmp_path / "config/there.yaml").touch()
    (tmp_path / "text").mkdir()
    with h5py.File(tmp_path / "text/x.h5", "w") as file:
        file["other"] = 1
    assert main([*words, *SIZES]) == 1
    assert sentence in capsys.readouterr().err
    assert not (tmp_path / "config/cohorts").exists()


def test_two_studies_of_one_id_are_refused():
    found = Found("folder", Path("raw"), studies={"a b": "", "a_b": ""})
    with pytest.raises(ValueError, match="studies a b and a_b are both subject a_b; rename one"):
        subject_table(found)


def test_a_study_without_letter_or_digit_is_refused():
    with pytest.raises(ValueError, match="study '--': no letter or digit for an id"):
        subject_table(Found("folder", Path("raw"), studies={"--": ""}))
