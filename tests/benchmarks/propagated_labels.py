"""How near propagated labels are to the true ones: `python tests/benchmarks/propagated_labels.py`.

In the digital aortas of the demo, of which two frames are labelled or one; also for labels of the
nearest labelled frame taken as they are.
"""

import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parents[1] / "workflow")]

import numpy as np  # noqa: E402
import yaml  # noqa: E402

from cmrseg.annotations.propagate import propagate  # noqa: E402
from cmrseg.annotations.propagated import propagated  # noqa: E402
from cmrseg.cine import Cine  # noqa: E402
from cmrseg.labels import UNLABELLED, Tissue  # noqa: E402
from cmrseg.phantom.patient_files import write_shard  # noqa: E402
from study.load import load_study  # noqa: E402

VESSELS = (Tissue.AAO, Tissue.DAO)
COHORT, SEQUENCE = "aortas", "ao"


def main() -> None:
    study = load_study(yaml.safe_load(Path("config/ukbb-demo.yaml").read_text("utf-8")))
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        settings = {**study.cohorts[COHORT]["phantom"], "sequences": [SEQUENCE]}
        for labelled in ("two", "all"):
            write_shard(
                study.subjects[COHORT], settings | {"labelled": labelled}, folder / labelled
            )
        cases = [case(folder, row["study"]) for row in study.rows_of(COHORT)]
    for count in (2, 1):
        print(
            f"{len(cases)} cines, {count} labelled: Dice of the other frames mean (worst frame), "
            "difference of areas in %, correlation of areas; aao, dao"
        )
        for how, carry in (("as they are", still), ("propagated", propagated)):
            rows = [measured(*some(case, count), carry) for case in cases]
            print(f"    {how}: " + "; ".join(words(mean) for mean in np.mean(rows, axis=0)))


def case(folder: Path, study: str) -> tuple[Cine, np.ndarray, np.ndarray]:
    """A cine, its labels of two frames, and those of all."""
    files = [
        folder / each / f"annotations/truth/{study}/{SEQUENCE}.nii.gz" for each in ("two", "all")
    ]
    cine = Cine.load(folder / "all" / study / f"{SEQUENCE}.nii.gz")
    return cine, *(Cine.load(path).voxels for path in files)


def some(case: tuple[Cine, np.ndarray, np.ndarray], count: int):
    cine, two, every = case
    drawn = np.flatnonzero((two != UNLABELLED).any(axis=(1, 2, 3)))
    told = two.copy()
    told[drawn[count:]] = UNLABELLED
    return cine, told, every


def still(labels: np.ndarray, cine: Cine) -> np.ndarray:
    return propagate(labels, cine.voxels, lambda target, source: np.indices(target.shape, float))


def measured(cine: Cine, labels: np.ndarray, every: np.ndarray, carry) -> list[list[float]]:
    """Of each vessel, in the frames without labels."""
    others = (labels == UNLABELLED).all(axis=(1, 2, 3))
    found, true = carry(labels, cine)[others], every[others]
    result = []
    for vessel in VESSELS:
        own, given = ((each == vessel).sum(axis=(1, 2, 3)) for each in (found, true))
        both = ((found == vessel) & (true == vessel)).sum(axis=(1, 2, 3))
        dice = 2 * both / (own + given)
        same = np.ptp(own) == 0
        correlation = 0.0 if same else np.corrcoef(own, given)[0, 1]
        difference = 100 * np.abs(own - given).mean() / given.mean()
        result.append([dice.mean(), dice.min(), difference, correlation])
    return result


def words(mean: np.ndarray) -> str:
    return f"{mean[0]:.3f} ({mean[1]:.3f}), {mean[2]:.1f} %, {mean[3]:.2f}"


if __name__ == "__main__":
    main()
