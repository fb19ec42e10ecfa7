"""Strain by registration against the exact motion of digital hearts, and seconds it takes.

`python tests/benchmarks/strain_motion.py --hearts 8 --frames 50 --pixel-mm 1.8 --seed 1` prints,
for each heart, the peaks of global strain in % as tracked, and as they are in the plane.
"""

import argparse
import sys
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parents[1] / "workflow"), str(HERE.parent / "helpers")]

import numpy as np  # noqa: E402

from cmrseg.motion.tracking import track_points  # noqa: E402
from cmrseg.phantom.population import DISEASES, draw_parameters, draw_subjects  # noqa: E402
from wall_lines import View, four_chamber, short_axis, strains  # noqa: E402

FIELD_MM = 290.0
LEVELS = (0.3, 0.5, 0.7)  # of short-axis slices, from apex to base
SCANNERS = ("1.5T", "3T")
STRAINS = ("Ecc", "Err", "Ell")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--hearts", type=int, default=8)
    parser.add_argument("--frames", type=int, default=50)
    parser.add_argument("--pixel-mm", type=float, default=1.8)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    errors, spent_s = [], 0.0
    print("disease        " + "".join(f"{name:>8}    true  error" for name in STRAINS))
    for number in range(given.hearts):
        disease = list(DISEASES)[number % len(DISEASES)]
        scanner = SCANNERS[number // len(DISEASES) % len(SCANNERS)]
        row = draw_subjects(1, seed=1000 * given.seed + number, diseases=[disease]).iloc[0]
        parameters = draw_parameters(row, frames=given.frames)
        picture = given.frames, given.pixel_mm, FIELD_MM, scanner
        views = [short_axis(parameters, level, *picture) for level in LEVELS]
        views.append(four_chamber(parameters, *picture))
        started = time.process_time()
        spacing_mm = given.pixel_mm, given.pixel_mm
        tracked = [track_points(v.frames, spacing_mm, v.true_px[0]) for v in views]
        spent_s += time.process_time() - started
        true, found = peaks([v.true_px for v in views], views), peaks(tracked, views)
        errors.append(found - true)
        cells = zip(found, true, found - true, strict=True)
        print(f"{disease:15}" + "".join(f"{f:8.1f}{t:8.1f}{e:+7.1f}" for f, t, e in cells))
    for what, values in (("error", np.array(errors)), ("absolute error", np.abs(errors))):
        cells = zip(STRAINS, np.median(values, axis=0), np.abs(values).max(axis=0), strict=True)
        print(f"median {what}: " + ", ".join(f"{n} {m:.2f} (most {x:.1f})" for n, m, x in cells))
    pairs = given.hearts * (len(LEVELS) + 1) * 2 * (given.frames - 1)
    print(
        f"{spent_s / given.hearts:.1f} s of the processor a heart, {spent_s / pairs:.4f} s a pair"
    )


def peaks(points: list[np.ndarray], views: list[View]) -> np.ndarray:
    """Peaks of Ecc, Err and Ell in %: means over the lines of all slices, then over time."""
    *short, (longitudinal, _) = [
        strains(p, view.closed) for p, view in zip(points, views, strict=True)
    ]
    around, across = (
        np.concatenate(lines, axis=1).mean(axis=1) for lines in zip(*short, strict=True)
    )
    return np.array([around.min(), across.max(), longitudinal.mean(axis=1).min()])


if __name__ == "__main__":
    main()
