"""A plan of a study needs Snakemake and pandas alone: the stages have environments of their own."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
HEAVY = (
    "scipy torch sklearn matplotlib PIL pydicom nibabel skimage h5py highdicom seaborn imagecodecs "
    "isal"
)
PROGRAM = """
import importlib, pkgutil, sys

class Absent:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in sys.argv[1].split():
            raise ModuleNotFoundError(f"a plan imports {name}")

sys.meta_path.insert(0, Absent())
import study, study.wiring
for package in (study, study.wiring):
    for module in pkgutil.iter_modules(package.__path__):
        importlib.import_module(f"{package.__name__}.{module.name}")
print("all of", len(sys.modules))
"""


def test_the_study_and_its_wiring_import_no_package_of_a_stage():
    found = subprocess.run(
        [sys.executable, "-c", PROGRAM, HEAVY],
        cwd=ROOT / "workflow",
        capture_output=True,
        text=True,
        check=False,
    )
    assert found.returncode == 0, found.stderr
    assert found.stdout.startswith("all of")
