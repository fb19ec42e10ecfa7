"""Seconds of each step on a participant of UK Biobank: labels of five networks, four measures.

`python tests/benchmarks/ukbb_subject.py` prints a table for one digital patient with the sizes of
UK Biobank's images, labelled by networks of the published widths with random weights, and measured
with its true labels. `--small` is a quick trial of the script.
"""

import argparse
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parents[1] / "workflow"), str(HERE.parent / "helpers")]

import torch  # noqa: E402
import yaml  # noqa: E402

from cmrseg.cine import Cine  # noqa: E402
from cmrseg.learn.predict import predict_cine  # noqa: E402
from cmrseg.nets.build import build_network, network_settings  # noqa: E402
from cmrseg.phantom.patient_files import ANNOTATIONS, write_shard  # noqa: E402
from cmrseg.phantom.patients import with_build  # noqa: E402
from cmrseg.phantom.population import draw_subjects  # noqa: E402
from cmrseg.phenotypes import aorta, atria, strain, wall_thickness  # noqa: E402
from cmrseg.phenotypes.examination import Examination, Measured  # noqa: E402

CATALOGUE = HERE.parents[1] / "resources/weights.yaml"
SEQUENCES = ("sa", "la_2ch", "la_4ch", "ao")
# Of the published demonstration: 210 columns and 208 rows, slices 10 mm apart.
SCAN = {
    "scanner": "1.5T", "rows": 208, "columns": 210, "spacing_mm": 1.85, "slice_distance_mm": 10.0,
    "thickness_mm": 8.0,
}  # fmt: skip
FRAMES, AORTIC_FRAMES, FEW = 50, 100, 12
MEASURES = {
    "atria": atria.measured,
    "aorta": aorta.measured,
    "wall thickness": wall_thickness.measured,
    "strain": strain.measured,
}
THREADS = 2


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--small", action="store_true", help="few frames")
    small = parser.parse_args().small
    torch.set_num_threads(THREADS)
    row = with_build(draw_subjects(1, 8, ["1"], diseases=["healthy"]))
    frames = {s: FEW if small else AORTIC_FRAMES if s == "ao" else FRAMES for s in SEQUENCES}
    images, labels = {}, {}
    with tempfile.TemporaryDirectory() as work:
        for sequence in SEQUENCES:
            settings = {**SCAN, "frames": frames[sequence], "sequences": [sequence]}
            write_shard(row, settings, Path(work))
            images[sequence] = Cine.load(Path(work, "1", f"{sequence}.nii.gz"))
            labels[sequence] = Cine.load(Path(work, ANNOTATIONS, "1", f"{sequence}.nii.gz"))
    print("| step | size, x y z t | s of the processor | s on two cores |")
    print("| --- | --- | ---: | ---: |")
    for name, about in yaml.safe_load(CATALOGUE.read_text("utf-8")).items():
        if about["source"] == "ukbb_weights":
            timed(f"labels of `{name}`", images[about["sequence"]], labelling(about, images))
    about = {"pulse_pressure_mmhg": 45.0}
    for name, measure in MEASURES.items():
        timed(name, None, measuring(measure, Examination("1", about, labels, images)))


def timed(name: str, cine: Cine | None, run: Callable[[], object]) -> None:
    """Print a row; a measure that doubts its subject is no measurement."""
    wall, processor = time.perf_counter(), time.process_time()
    found = run()
    seconds = time.process_time() - processor, time.perf_counter() - wall
    if isinstance(found, Measured) and found.doubt:
        raise ValueError(f"{name}: {found.doubt}; nothing was measured")
    size = " x ".join(map(str, cine.voxels.T.shape)) if cine else ""
    print(f"| {name} | {size} | {seconds[0]:.2f} | {seconds[1]:.2f} |", flush=True)


def labelling(about: Mapping, images: Mapping[str, Cine]) -> Callable[[], object]:
    network = build_network(network_settings(about), torch.Generator().manual_seed(1))
    return lambda: predict_cine(network, images[about["sequence"]], about)


def measuring(measure: Callable, examination: Examination) -> Callable[[], object]:
    return lambda: measure(examination, mode="corrected")


if __name__ == "__main__":
    main()
