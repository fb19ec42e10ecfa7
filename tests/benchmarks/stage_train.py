"""Training steps on all cores: ours, one thread a job, beside plain PyTorch on the whole machine.

A job of ours has one thread, so that sums are in one order and weights do not depend on the
machine: the cores are filled with more jobs. Compared is what the machine gets done, the same
number of images. GPUs: gpu_train.py.
"""

import statistics
import sys
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

import numpy as np
import pandas as pd

from compare import Row, Work, Worker, in_turn, ratio_of

# As many as the machine has cores on which the numbers in docs/performance.md were measured.
JOBS = 2
# A process takes 8 GB with batches of the published 32; the time of an image is the same.
BATCH, STEPS, IMAGES, SIZE_PX = 8, 2, 64, 256
PEER = "plain PyTorch, NCHW, {} and a loader's process"


def rows(work: Path) -> Iterator[Row]:
    write_slices(work, IMAGES)
    images = f"{{}} images of {SIZE_PX} px, ResNet-34 U-Net"

    def worker(kind: str, steps: int, threads: int) -> Worker:
        arguments = (kind, work, BATCH, steps, threads)
        return Worker(Path(sys.executable), "training", *arguments)

    with ExitStack() as stack:
        ours = [stack.enter_context(worker("ours", STEPS, 1)) for _ in range(JOBS)]
        plain = stack.enter_context(worker("plain", JOBS * STEPS, JOBS))
        pool = stack.enter_context(ThreadPoolExecutor(JOBS))
        runs = {"ours": lambda: max(pool.map(lambda job: job(), ours)), "peer": plain}
        what = f"{images.format(JOBS * BATCH * STEPS)}, {JOBS} jobs side by side"
        yield row(what, PEER.format(f"{JOBS} threads"), runs)
    with worker("ours", STEPS, 1) as one, worker("plain", STEPS, 1) as plain:
        runs = {"ours": lambda: processor_s(one), "peer": lambda: processor_s(plain)}
        what = f"{images.format(BATCH * STEPS)}, time of the processor"
        yield row(what, PEER.format("1 thread"), runs)


def processor_s(worker: Worker) -> float:
    """Seconds that the process computed; others on the machine hardly change them."""
    worker()
    return worker.told["processor_s"]


def row(work: str, peer: str, runs: Mapping[str, Work]) -> Row:
    seconds = in_turn(runs)
    ours_s, peer_s = (statistics.median(seconds[name]) for name in ("ours", "peer"))
    return Row("train", work, ours_s, peer, peer_s, ratio_of(seconds, "peer", "ours"))


def write_slices(folder: Path, count: int) -> None:
    """Prepared slices of noise that a step takes as long for as for hearts."""
    rng = np.random.default_rng(0)
    shape = (count, SIZE_PX, SIZE_PX)
    np.save(folder / "images.npy", rng.integers(256, size=shape, dtype=np.uint8))
    np.save(folder / "labels.npy", rng.integers(3, size=shape, dtype=np.uint8))
    index = {"row": range(count), "subject": "1", "split": "train", "slice": 0, "frame": 0}
    table = pd.DataFrame(index | {"volume": 0, "lv_pixels": 1, "my_pixels": 1})
    table.to_csv(folder / "index.tsv", sep="\t", index=False)
