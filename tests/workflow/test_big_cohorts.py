"""Plans of cohorts of real sizes, whose subjects are invented."""

import re
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest
import yaml

from cmrseg.files import write_table
from tiny_study import MODELS, copy_project, environment, processor_s

CONFIG = "config/big.yaml"
STUDY = {
    "study": "big",
    "cohorts": {
        "people": {
            "subjects": "config/cohorts/big.tsv",
            "layout": "nifti",
            "raw": "raw",
            "annotators": {"expert": "nifti"},
        }
    },
    "weights": {"published": "resources/models/ukbb_sa"},
    "models": "config/models/big.tsv",
    "confidence": {"cohort": "people", "labeller": "published"},
    "evaluate": [{"cohort": "people", "labellers": ["published", "base"], "reference": "expert"}],
    "figures": {
        "volumes": {"figure": "volume_agreement", "cohort": "people"},
        "confidence": {"figure": "confidence", "cohort": "people"},
    },
}


def write_study(folder, subjects: int, subjects_per_job: int) -> None:
    """A study of so many subjects, two models and every stage."""
    splits = ["validate" if i % 10 == 0 else "train" for i in range(subjects)]
    table = pd.DataFrame({"subject": range(1_000_000, 1_000_000 + subjects), "split": splits})
    write_table(table.assign(edv_ml=150, esv_ml=60), folder / "config/cohorts/big.tsv")
    study = yaml.safe_load(yaml.safe_dump(STUDY))
    study["cohorts"]["people"]["subjects_per_job"] = subjects_per_job
    (folder / CONFIG).write_text(yaml.safe_dump(study))
    row = MODELS["base"] | {"cohort": "people", "labeller": "published", "subset": "c10"}
    write_table(pd.DataFrame([{"model": "base", **row}]), folder / "config/models/big.tsv")
    (folder / "raw").mkdir()


# Runs a command and tells its largest memory in kB. A process begins with the memory of that which
# starts it: that has to be small.
MEASURED = """
import resource, subprocess, sys
code = subprocess.call(sys.argv[1:])
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
sys.exit(code)
"""


@pytest.mark.slow
@pytest.mark.parametrize(
    ("subjects", "subjects_per_job", "most_s", "most_mb"),
    [
        (1_140, 40, 10, 500),
        pytest.param(100_000, 100, 120, 1500, marks=pytest.mark.long),
    ],
)
def test_a_cohort_is_planned_in_time(tmp_path, subjects, subjects_per_job, most_s, most_mb):
    project = copy_project(tmp_path)
    write_study(project.folder, subjects, subjects_per_job)
    seconds, memory_mb, counts = planned(project.folder, tmp_path / "plan.log", CONFIG)
    shards = -(-subjects // subjects_per_job)
    assert counts["import_nifti"] == shards
    assert counts["label_shard"] == 2 * shards
    assert seconds < most_s
    assert memory_mb < most_mb


@pytest.mark.soak
def test_fifty_thousand_participants_of_uk_biobank_are_planned_in_time(tmp_path):
    folder = copy_project(tmp_path).folder
    subjects = pd.DataFrame({"subject": range(1_000_000, 1_050_000), "split": "test"})
    write_table(subjects.assign(pulse_pressure_mmhg=45), folder / "config/cohorts/ukbb_bulk.tsv")
    # What is fetched is there; the files of participants are not looked at.
    for source in ("ukbb_dicom", "ukbb_weights"):
        (folder / "resources/raw" / source).mkdir(parents=True)
    seconds, memory_mb, counts = planned(folder, tmp_path / "plan.log", "config/ukbb-bulk.yaml")
    assert "fetch_source" not in counts
    assert counts["import_ukbb"] == 500
    assert counts["label_shard"] == 5 * 500
    # Four measures of a panel, three of the other one.
    assert counts["measure_panel"] == 7 * 500
    assert seconds < 120
    assert memory_mb < 1500


def planned(folder: Path, log: Path, config: str) -> tuple[float, float, dict[str, int]]:
    """Seconds of the processor and MB of a dry run, and the number of jobs of each rule."""
    command = (*("-m", "snakemake", "--dry-run", "--quiet", "rules"), "--configfile", config)
    started = processor_s()
    with log.open("w") as output:
        process = subprocess.Popen(
            [sys.executable, "-c", MEASURED, sys.executable, *command],
            cwd=folder,
            env=environment(),
            stdout=output,
            stderr=subprocess.STDOUT,
        )
        status = process.wait()
    seconds, text = processor_s() - started, log.read_text("utf-8")
    assert status == 0, text[-3000:]
    memory_mb = int(text.split()[-1]) / 1024
    counts = {name: int(count) for name, count in re.findall(r"^(\w+) +(\d+)$", text, re.M)}
    print(f"{config}: {counts['total']} jobs in {seconds:.1f} s, {memory_mb:.0f} MB")
    return seconds, memory_mb, counts
