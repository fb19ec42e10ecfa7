"""Coverage of calibrated EDV in digital subjects of sites never seen, and at 7T: one figure.

`python tests/benchmarks/calibration_shift.py --figure coverage.svg` prints the share of 1,000 new
subjects whose known EDV is inside its 90 % interval. No network is involved: two labellers have a
bias of each site and errors that grow with the noise of its images. Errors are calibrated on 1,000
subjects of 50 sites; new ones are of 50 other sites, or noisier, as at 7T. The forests are not told
the noise; weights under shift are.
"""

import argparse
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parents[1] / "workflow")]

import numpy as np  # noqa: E402
from matplotlib.figure import Figure  # noqa: E402

from cmrseg.calibrate.calibration import Sample, calibration  # noqa: E402
from cmrseg.calibrate.forests import Settings  # noqa: E402
from cmrseg.calibrate.shift import density_ratio  # noqa: E402
from cmrseg.phantom.population import draw_subjects  # noqa: E402

SUBJECTS, SITES = 1000, 50
# Standard deviation of a labeller's bias at a site, and of its error in images of usual noise.
SITE_BIAS, ERROR = 0.02, 0.04
# Mean of the logarithm of noise; 0 is usual.
COHORTS = {"other sites": 0.0, "7T": 0.6}


def cohort(seed: int, log_noise: float) -> tuple[Sample, np.ndarray, np.ndarray]:
    """Sample, known EDV in ml and logarithm of noise (n, 1) of the subjects of some sites."""
    rng = np.random.default_rng([seed, 7])
    known = draw_subjects(SUBJECTS, seed)["edv_ml"].to_numpy(float)
    site = np.arange(SUBJECTS) % SITES
    noise = log_noise + 0.6 * rng.standard_normal(SITES)[site] + 0.4 * rng.standard_normal(SUBJECTS)
    error = ERROR * np.exp(noise / 2) * rng.standard_normal(SUBJECTS)
    labellers = [
        known * (1 + SITE_BIAS * rng.standard_normal(SITES)[site] + error + own)
        for own in 0.02 * rng.standard_normal((2, SUBJECTS))
    ]
    measured = np.mean(labellers, axis=0)
    features = np.column_stack([measured, np.subtract(*labellers) / measured])
    names = np.arange(SUBJECTS).astype(str)
    return Sample(features, measured, names, np.full(SUBJECTS, "all")), known, noise[:, None]


def coverage(seed: int) -> dict[str, tuple[float, float]]:
    """Share inside without and with weights, by cohort."""
    sample, known, noise = cohort(seed, 0.0)
    found = calibration(sample, known, np.ones(SUBJECTS), Settings(), seed, False)
    shares = {}
    for number, (name, log_noise) in enumerate(COHORTS.items()):
        new, truth, new_noise = cohort(seed + 1000 * (number + 1), log_noise)
        ratio = density_ratio(noise, new_noise, seed)
        both = []
        for weights in ({}, {"ratio": ratio.calibrating, "own_ratio": ratio.new}):
            low, high = found.distributions(new, 1, **weights).bounds(0.9)
            both.append(float(np.mean((truth >= low) & (truth <= high))))
        shares[name] = (both[0], both[1])
    return shares


def draw(found: list[dict[str, tuple[float, float]]]) -> Figure:
    """Coverage of each draw, by cohort, without and with weights."""
    figure = Figure(figsize=(4, 3), layout="constrained")
    axes = figure.subplots()
    for place, name in enumerate(COHORTS):
        for side, (words, marker) in enumerate((("unweighted", "o"), ("weighted", "^"))):
            values = [100 * shares[name][side] for shares in found]
            at = [place + 0.3 * side - 0.15] * len(values)
            axes.plot(at, values, marker, color=f"C{side}", label=words if not place else None)
    axes.axhline(90, color="0.5", linewidth=1)
    axes.set_xticks(range(len(COHORTS)), list(COHORTS))
    axes.set_ylabel("known EDV inside its 90 % interval, %")
    axes.legend()
    return figure


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3, 4, 5])
    parser.add_argument("--figure", type=Path)
    given = parser.parse_args()
    found = [coverage(seed) for seed in given.seeds]
    for seed, shares in zip(given.seeds, found, strict=True):
        for name, (plain, weighted) in shares.items():
            print(f"seed {seed}, {name}: {plain:.3f} unweighted, {weighted:.3f} weighted")
    if given.figure:
        draw(found).savefig(given.figure)


if __name__ == "__main__":
    main()
