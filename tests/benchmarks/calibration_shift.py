"""Coverage of calibrated EDV in digital subjects of sites never seen, and at 7T: one figure.

`python tests/benchmarks/calibration_shift.py --figure coverage.png` prints the share of 1,000 new
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
from cmrseg.figures import style  # noqa: E402
from cmrseg.phantom.population import draw_subjects  # noqa: E402

SUBJECTS, SITES = 1000, 50
# Standard deviation of a labeller's bias at a site, and of its error in images of usual noise.
SITE_BIAS, ERROR = 0.02, 0.04
# Mean of the logarithm of noise; 0 is usual.
COHORTS = {"1.5T": 0.0, "7T": 0.6}
WEIGHTING = ("without weights", "weighted for the new images")
COLOURS, MARKERS = ("#D55E00", "#0072B2"), ("o", "^")


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


@style.styled
def draw(found: list[dict[str, tuple[float, float]]]) -> Figure:
    """Coverage of each draw of 1,000 subjects, by cohort, without and with weights; means."""
    figure = style.figure_mm(style.ONE_COLUMN_MM, 62)
    axes = figure.subplots()
    style.grid(axes)
    axes.axhspan(88, 92, color=style.GRID, linewidth=0)
    axes.axhline(90, color=style.INK, linewidth=0.8, linestyle=(0, (4, 2)))
    for place, name in enumerate(COHORTS):
        for side, words in enumerate(WEIGHTING):
            values = [100 * shares[name][side] for shares in found]
            centre = place + 0.36 * side - 0.18
            at = centre + np.linspace(-0.07, 0.07, len(values))
            look = {"color": COLOURS[side], "marker": MARKERS[side]}
            label = words if place == 0 else None
            axes.plot(at, values, linestyle="", markersize=3.5, label=label, **look)
            middle = float(np.mean(values))
            axes.hlines(middle, centre - 0.13, centre + 0.13, color=COLOURS[side], linewidth=1.2)
            axes.annotate(f"{middle:.0f}", (centre + 0.15, middle), va="center", fontsize=6.5)
    axes.set_xticks(range(len(COHORTS)), [f"{SITES} sites never seen, {name}" for name in COHORTS])
    axes.set_xlim(-0.5, len(COHORTS) - 0.5)
    axes.set_ylim(70, 100)
    axes.set_ylabel("Known EDV inside its 90 % interval (%)")
    axes.legend(loc="lower left")
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
        style.save(draw(found), given.figure.with_suffix(".svg"), given.figure)


if __name__ == "__main__":
    main()
