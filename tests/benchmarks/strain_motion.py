"""Strain by registration against the exact motion of digital hearts, and seconds it takes.

`python tests/benchmarks/strain_motion.py --hearts 8 --frames 50 --pixel-mm 1.8 --seeds 1 2 3 4`
prints, for each heart of a set, the peaks of global strain in % as tracked, and as they are in the
plane. WINDOW_PX of the tracking was chosen on sets 11 and 14. Textures move with the tissue;
`--still` leaves them where they are.
"""

import argparse
import sys
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parents[1] / "workflow"), str(HERE.parent / "helpers")]

import numpy as np  # noqa: E402

from heart_sets import LEVELS, STRAINS, heart, peaks, tracked_peaks  # noqa: E402


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--hearts", type=int, default=8)
    parser.add_argument("--frames", type=int, default=50)
    parser.add_argument("--pixel-mm", type=float, default=1.8)
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3, 4])
    parser.add_argument("--still", action="store_true")
    given = parser.parse_args()
    for seed in given.seeds:
        print(f"set {seed}")
        report(seed, given)


def report(seed: int, given: argparse.Namespace) -> None:
    errors, spent_s = [], 0.0
    print("disease        " + "".join(f"{name:>8}    true  error" for name in STRAINS))
    for number in range(given.hearts):
        disease, views = heart(seed, number, given.frames, given.pixel_mm, not given.still)
        started = time.process_time()
        found = tracked_peaks(views, given.pixel_mm)
        spent_s += time.process_time() - started
        true = peaks([v.true_px for v in views], views)
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


if __name__ == "__main__":
    main()
