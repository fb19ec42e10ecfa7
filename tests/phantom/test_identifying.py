"""A run on files full of names and dates of birth: nothing that it writes or says repeats them."""

import base64
import gzip
import json
import logging

import nibabel as nib
import numpy as np
import pandas as pd
import pydicom
import pytest
import torch
import yaml
from PIL import Image

from cmrseg.cine import Cine
from cmrseg.contours.qmass import Contours, ContourType, write_con
from cmrseg.dicom.study import import_shard
from cmrseg.learn.weights import save_weights
from cmrseg.nets.build import build_network
from dicom_builder import write_study
from identifying import (
    SECRET,
    found_in,
    plant_in_con,
    plant_in_dicom,
    plant_in_nifti,
    plant_in_png,
)
from networks import network_of
from tiny_study import Project, copy_project

ROWS, COLUMNS, FRAMES, SLICES = 40, 32, 3, 4
SHAPE = (FRAMES, SLICES, ROWS, COLUMNS)
NETWORK = network_of("fcn", 2)
PREPARED = {"preparation": "fcn", "intensity": "linear", "size_px": 48}
HEART = np.zeros(SHAPE, np.uint8)
HEART[:, 1:3, 10:30, 8:24] = 2
HEART[:, 1:3, 14:26, 12:20] = 1
SUBJECTS = [{"subject": s, "split": p} for s, p in (("1", "train"), ("2", "validate"))]
BROKEN = {"subject": "3", "split": "test"}
CONFIG = {
    "study": "private",
    "max_failed_fraction": 0.5,
    "cohorts": {
        "scans": {
            "subjects": [*SUBJECTS, BROKEN],
            "layout": "folder",
            "raw": "raw/scans",
            "annotators": {"expert": "qmass"},
        },
        "volumes": {
            "subjects": SUBJECTS,
            "layout": "nifti",
            "raw": "raw/volumes",
            "annotators": {"expert": "nifti"},
        },
        "pictures": {
            "subjects": SUBJECTS,
            "layout": "png",
            "raw": "raw/pictures",
            "annotators": {"expert": "frames"},
        },
    },
    "weights": {"given": "given"},
    "volumes": {"ed": "first"},
    # What networks and figures read is what was imported, whatever it was imported from.
    "evaluate": [{"cohort": "scans", "labellers": ["given"], "reference": "expert"}],
    "figures": {
        "cleaning": {"figure": "cleaning", "cohort": "scans"},
        "overlays": {"figure": "overlays", "cohort": "scans"},
        "viewer": {"figure": "viewer", "cohort": "scans"},
    },
}


def write_scans(raw):
    """DICOM of two subjects with contours; of the third a value cannot be read."""
    corners = np.array([[8.0, 10], [23, 10], [23, 29], [8, 29]])
    outlines = {ContourType.ENDOCARDIUM: corners * 0.5 + 9, ContourType.EPICARDIUM: corners}
    for number, subject in enumerate("123"):
        write_study(raw / subject, SLICES, rows=ROWS, columns=COLUMNS, first_series=5 + number)
        points = {
            (z, t, kind): xy for z in (1, 2) for t in range(FRAMES) for kind, xy in outlines.items()
        }
        con = raw / f"annotations/expert/{subject}.con"
        write_con(Contours(subject, (ROWS, COLUMNS), points), con)
        plant_in_con(con)
    plant_in_dicom(raw)
    for path in (raw / "3").rglob("*-0002.dcm"):
        data = pydicom.dcmread(path)
        data.add_new(0x00200032, "LO", SECRET)
        data.add_new(0x00181060, "LO", SECRET)
        data.save_as(path)


def write_volumes(raw):
    affine = np.array([[-1.5, 0, 0, 20], [0, 0, 8, 30], [0, -1.25, 0, 50], [0, 0, 0, 1.0]])
    rng = np.random.default_rng(0)
    for subject in "12":
        voxels = (rng.random(SHAPE) * 100 + 50 * HEART).astype(np.float32)
        for name, array in ((subject, voxels), (f"annotations/expert/{subject}", HEART)):
            Cine(array, affine, 0.3).save(raw / f"{name}.nii.gz")
            plant_in_nifti(raw / f"{name}.nii.gz")


def write_pictures(raw):
    rng = np.random.default_rng(1)
    lines = ["pid\tX\tY\tpixelSpacingX\tpixelSpacingY\tsliceSpacing\tscaleFactor"]
    for subject in "12":
        for folder, heart in (("images", False), ("masks", True)):
            place = raw / folder / subject
            place.mkdir(parents=True)
            for t, z in np.ndindex(FRAMES, SLICES):
                pixels = HEART[t, z] if heart else HEART[t, z] * 50 + rng.integers(0, 50, SHAPE[2:])
                path = place / f"{subject}-frame{t:03d}-slice{z:03d}.png"
                Image.fromarray(pixels[::-1].astype(np.uint8)).save(path)
                plant_in_png(path)
        lines.append(f"{subject}\t{COLUMNS}\t{ROWS}\t1.25\t1.5\t8\t1.0")
    (raw / "patient_dimensions.tsv").write_text("\n".join(lines) + "\n")


@pytest.fixture(scope="module")
def private(tmp_path_factory) -> tuple[Project, str]:
    """A project in which a study of such files was run and reported, and what was said of it."""
    patch = pytest.MonkeyPatch()
    for mode in ("writing_validation_mode", "reading_validation_mode"):
        patch.setattr(pydicom.config.settings, mode, 0)
    project = copy_project(tmp_path_factory.mktemp("private"))
    write_scans(project.folder / "raw/scans")
    write_volumes(project.folder / "raw/volumes")
    write_pictures(project.folder / "raw/pictures")
    patch.undo()
    network = build_network(NETWORK, torch.Generator().manual_seed(0))
    save_weights(network.state_dict(), project.folder / "given/weights.safetensors")
    record = json.dumps({"settings": {**NETWORK, **PREPARED}})
    (project.folder / "given/record.json").write_text(record)
    (project.folder / "config/private.yaml").write_text(yaml.safe_dump(CONFIG, sort_keys=False))
    arguments = ("--cores", "1", "--report", "report.html", "--report-after-run")
    result = project.snakemake(*arguments, config="config/private.yaml")
    assert result.returncode == 0, result.stdout[-5000:]
    return project, result.stdout


@pytest.mark.slow
def test_nothing_that_identifies_anybody_is_written_or_said(private):
    project, said = private
    assert not found_in(said.encode())
    written = [
        path
        for place in ("results", ".snakemake", "report.html")
        for path in [project.folder / place, *(project.folder / place).rglob("*")]
        if path.is_file()
    ]
    kinds = {path.suffix for path in written}
    assert {".tsv", ".gz", ".svg", ".png", ".html", ".json", ".log"} <= kinds
    assert (project.folder / "results/private/cohorts/scans/audit.tsv") in written
    given_away = {str(path): words for path in written if (words := found_in(path.read_bytes()))}
    assert not given_away


@pytest.mark.slow
def test_what_was_read_is_full_of_it(private):
    raw = private[0].folder / "raw"
    for suffix in (".dcm", ".gz", ".png", ".con"):
        paths = list(raw.rglob(f"*{suffix}"))
        assert paths
        assert all(SECRET.lower() in found_in(path.read_bytes()) for path in paths)


@pytest.mark.slow
def test_the_subject_that_cannot_be_read_is_told_without_its_values(private):
    audit = pd.read_csv(private[0].results.parent / "private/cohorts/scans/audit.tsv", sep="\t")
    lost = audit[audit["resolution"] == "subject excluded"]
    assert lost["subject"].astype(str).tolist() == ["3"]
    assert lost["detail"].str.contains("ImagePositionPatient is not that").all()


def test_the_search_sees_what_is_packed(tmp_path):
    page = base64.b64encode(gzip.compress(b"Mrs ZEPHYRINE")).decode()
    assert found_in(f'<img src="data:x;base64,{page}">'.encode()) == {SECRET.lower()}
    Image.fromarray(HEART[0, 0]).save(tmp_path / "a.png")
    assert not found_in((tmp_path / "a.png").read_bytes())
    plant_in_png(tmp_path / "a.png")
    assert found_in((tmp_path / "a.png").read_bytes()) == {SECRET.lower(), "19430217"}
    nib.save(nib.Nifti1Image(HEART.T, np.eye(4)), tmp_path / "a.nii.gz")
    plant_in_nifti(tmp_path / "a.nii.gz")
    assert SECRET.lower() in found_in((tmp_path / "a.nii.gz").read_bytes())


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("tag", [0x00181060, 0x00200013, 0x00180022, 0x00280030])
def test_a_value_that_cannot_be_read_is_neither_warned_of_nor_logged(tmp_path, caplog, tag):
    write_study(tmp_path / "raw/7", slices=2)
    for path in (tmp_path / "raw/7").rglob("*-0002.dcm"):
        content = path.read_bytes()
        name = tag.to_bytes(4, "big")
        name = name[1::-1] + name[:1:-1]
        element = (
            name + b"CS" + (24).to_bytes(2, "little") + f"{SECRET}, 19430217".ljust(24).encode()
        )
        start = content.find(name)
        end = start
        if start >= 0:
            end = start + 8 + int.from_bytes(content[start + 6 : start + 8], "little")
        else:
            start = end = content.index(b"\x20\x00\x11\x00")
        path.write_bytes(content[:start] + element + content[end:])
    rows = pd.DataFrame([{"subject": "7", "study": "7", "series": ""}])
    settings = {"mode": "corrected", "layout": "folder", "max_size_px": 256}
    with caplog.at_level(logging.DEBUG):
        audit, headers = import_shard(rows, tmp_path / "raw", tmp_path / "images", settings)
    assert not found_in((caplog.text + audit.to_csv() + headers.to_csv()).encode())
