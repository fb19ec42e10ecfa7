"""What the workflow adds to the work of its stages: start-up of jobs, and Snakemake itself.

A study of real size takes hours. Measured are its parts: the work of a stage on one subject of real
size, the start of each script, and what Snakemake takes for a job, from runs of two sizes.
"""

import json
import shutil
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import torch
import yaml

from cmrseg.cine import Cine
from cmrseg.dicom.study import import_study
from cmrseg.learn.predict import predict_cine
from cmrseg.learn.weights import save_weights
from cmrseg.measure.volumes import volume_curves
from cmrseg.nets.build import build_network, network_settings
from cmrseg.phantom import kaggle
from cmrseg.phantom.population import draw_subjects
from compare import OURS, ROOT, Row, in_turn
from stage import keep_memory
from tiny_study import copy_project

# A patient of the Kaggle data; the shards are those of the published study.
FRAMES, ROWS, COLUMNS = 30, 256, 208
SCAN = {"scanner": "1.5T", "rows": ROWS, "columns": COLUMNS, "spacing_mm": 1.4}
SCAN |= {"slice_distance_mm": 10.0, "thickness_mm": 8.0, "frames": FRAMES}
CLEANING = {"mode": "corrected", "layout": "kaggle", "max_size_px": 256}
FCN = network_settings({"network": "fcn", "encoder": "", "width": 16, "tissues": "lv,my,rv"})
LABELLING = {"preparation": "fcn", "intensity": "linear", "size_px": 192}
PATIENTS = 1140
# Runs the script as Snakemake does, as far as its first call, by which all is imported.
STARTED = """
import runpy, sys, types
sys.path.insert(0, {workflow!r})
import snakemake.script
class Started(Exception): pass
def start(_): raise Started
sys.modules["stage"] = types.SimpleNamespace(start=start, device=None)
try:
    runpy.run_path({script!r}, {{"snakemake": None}})
except Started:
    pass
"""
# Subjects of the two runs that are compared, their shards, and how many of the frames they have.
SMALL, LARGE, PER_JOB, FEW_FRAMES = 3, 30, 3, 6
# A network that is to take about as long as reading and writing do.
SMALL_FCN = FCN | {"width": 4}


def rows(work: Path) -> Iterator[Row]:
    own = subject_seconds(work)
    study = yaml.safe_load((ROOT / "config/paper.yaml").read_text("utf-8"))
    shard = study["cohorts"]["kaggle"]["subjects_per_job"]
    starts = {script: startup(script) for script in own}
    # Volumes of all subjects are one job.
    subjects_of = {script: PATIENTS if script == "measure_volumes" else shard for script in own}
    for script, subject_s in own.items():
        share = starts[script] / (starts[script] + subjects_of[script] * subject_s)
        yield Row(
            "workflow",
            f"start of {script}: {100 * share:.1f} % of a job of {subjects_of[script]} subjects, "
            f"each {subject_s:.2f} s",
            starts[script],
        )
    small, large = (run_study(work, subjects) for subjects in (SMALL, LARGE))
    # Of Snakemake's time a part is for the run, and a part for each job.
    job_s = (large.outside_s - small.outside_s) / (large.jobs - small.jobs)
    shards = LARGE // SMALL
    predicted_s = small.outside_s + (large.jobs - small.jobs) * job_s + shards * small.inside_s
    yield Row(
        "workflow",
        f"{LARGE} subjects, {large.jobs} jobs: {predicted_s:.0f} s predicted from {SMALL}; largest "
        f"process {large.largest_mb:.0f} MB, with {SMALL} {small.largest_mb:.0f} MB",
        large.outside_s + large.inside_s,
    )
    yield Row("workflow", "Snakemake for each job", job_s)
    work_s = PATIENTS * sum(own.values())
    added_s = sum(-(-PATIENTS // subjects_of[script]) * (starts[script] + job_s) for script in own)
    yield Row(
        "workflow",
        f"{PATIENTS} patients imported, labelled and measured on a core: "
        f"{100 * added_s / work_s:.2f} % are start and Snakemake",
        work_s + added_s,
    )


@dataclass(frozen=True)
class Ran:
    """A run: its jobs, their seconds, those of Snakemake beside them, and the largest process."""

    jobs: int
    inside_s: float
    outside_s: float
    largest_mb: float


def subject_seconds(work: Path) -> dict[str, float]:
    """Seconds of work on one subject, by script."""
    row = draw_subjects(1, 1, ["1"], ["train"]).assign(faults="").to_dict("records")[0]
    kaggle.write_shard(pd.DataFrame([row]), SCAN, work / "raw")
    study = work / "raw/train/train" / str(row["study"]) / "study"
    network = build_network(FCN, torch.Generator().manual_seed(1))
    image, labels = work / "sa.nii.gz", work / "labels.nii.gz"
    torch.set_num_threads(1)
    keep_memory()

    def importing():
        import_study(study, "1", CLEANING).cine.save(image)

    def labelling():
        cine = Cine.load(image)
        cine.like(predict_cine(network, cine, LABELLING)).save(labels)

    def measuring():
        cine = Cine.load(labels)
        volume_curves(cine.voxels, cine.spacing_mm, "1")

    runs = {"import_dicom": importing, "label_shard": labelling, "measure_volumes": measuring}
    importing()
    labelling()
    return {name: sorted(seconds)[1] for name, seconds in in_turn(runs, repeats=3).items()}


def startup(script: str) -> float:
    """Seconds until a script has imported what it needs, median of five."""
    path = ROOT / "workflow/scripts" / f"{script}.py"
    code = STARTED.format(workflow=str(ROOT / "workflow"), script=str(path))

    def run() -> None:
        subprocess.run([sys.executable, "-c", code], check=True)

    return statistics.median(in_turn({OURS: run})[OURS])


def run_study(work: Path, subjects: int) -> Ran:
    """Import, label and measure so many copies of one cine, on one core."""
    project = copy_project(work / f"study{subjects}")
    raw, model = project.folder / "raw", project.folder / "model"
    raw.mkdir()
    names = [f"{number:04d}" for number in range(subjects)]
    cine = Cine.load(work / "sa.nii.gz")
    cine.like(cine.voxels[:FEW_FRAMES]).save(work / "short.nii.gz")
    for name in names:
        shutil.copy(work / "short.nii.gz", raw / f"{name}.nii.gz")
    model.mkdir()
    network = build_network(SMALL_FCN, torch.Generator().manual_seed(1))
    save_weights(network.state_dict(), model / "weights.safetensors")
    settings = {"settings": SMALL_FCN | LABELLING}
    (model / "record.json").write_text(json.dumps(settings), "utf-8")
    table = [{"subject": name, "split": "train"} for name in names]
    cohort = {"subjects": table, "subjects_per_job": PER_JOB, "layout": "nifti", "raw": "raw"}
    study = {
        "study": "many",
        "cohorts": {"people": cohort},
        "weights": {"small": "model"},
        "predict": [{"cohort": "people", "labellers": ["small"]}],
    }
    (project.folder / "config/many.yaml").write_text(yaml.safe_dump(study), "utf-8")
    begun = time.perf_counter()
    done = project.snakemake("--cores", "1", config="config/many.yaml")
    seconds = time.perf_counter() - begun
    if done.returncode:
        raise RuntimeError(done.stdout[-2000:])
    found = project.folder.glob("results/many/benchmarks/**/*.tsv")
    jobs = pd.concat([pd.read_table(path) for path in found])
    inside = jobs["s"].sum()
    return Ran(len(jobs), inside, seconds - inside, jobs["max_rss"].max())
