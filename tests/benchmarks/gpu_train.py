"""Training on a graphics card: `python tests/benchmarks/gpu_train.py`, results in $OUT/train.json.

Ours beside plain PyTorch with a loader of worker processes that augment on processors: images per
second, and the losses of both on the same images. The U-Net, and with names behind the command
others of NETWORKS. Needs torch, numpy, pandas, nibabel and safetensors, and takes one to three
minutes for a network. Without a card it runs on a few small images, which says nothing but that
the script works.
"""

import json
import os
import sys
import tempfile
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE / "peers"), str(HERE.parents[1] / "workflow")]

import numpy as np  # noqa: E402
import pandas as pd  # noqa: E402
import torch  # noqa: E402
import training  # noqa: E402

from cmrseg.learn.slices import Slices  # noqa: E402
from cmrseg.learn.step import COMPILED, FLOAT32, Mode  # noqa: E402

CARD = torch.cuda.is_available()
DEVICE = "cuda" if CARD else "cpu"
SIZE_PX, IMAGES = (256, 2048) if CARD else (64, 16)
STEPS, WORKERS = (20, 12) if CARD else (2, 1)
# Settings beside those of the U-Net, as published, and steps of the curve.
UNET3PLUS = {"network": "unet3plus", "encoder": "", "width": 32, "batch": 16, "loss": "dice"}
UNET3PLUS |= {"schedule": "early_stopping", "preparation": "minmax", "augmentation": "mouse"}
NETWORKS: dict[str, tuple[dict, int]] = {
    "unet": ({}, 300),
    "unet_compat": ({"network": "unet_compat", "augmentation": "normal"}, 40),
    "unet3plus": (UNET3PLUS, 40),
}
SMALL = {"size_px": SIZE_PX, "width": 8, "batch": 4}
MODES = {
    "ours, a short training": Mode(bfloat16=True),
    "ours, a long training": Mode(bfloat16=True, compiled=COMPILED),
    "ours, float32": FLOAT32,
}
PLAIN = f"plain, float32, {WORKERS} workers"
FOUND: dict = {}


def main(*names: str) -> None:
    FOUND["device"] = torch.cuda.get_device_name() if CARD else "cpu"
    FOUND["torch"] = torch.__version__
    with tempfile.TemporaryDirectory() as folder:
        write_hearts(Path(folder), IMAGES, SIZE_PX)
        slices = Slices.load(Path(folder))
        for name in names or ("unet",):
            measure_network(name, slices)
    shown = {name: FOUND[name]["ratio"] for name in names or ("unet",)}
    print(json.dumps({"device": FOUND["device"], "torch": FOUND["torch"], "ratio": shown}))


def measure_network(name: str, slices: Slices) -> None:
    about, curve = NETWORKS[name]
    settings = training.SETTINGS | about | ({} if CARD else SMALL)
    found = FOUND[name] = {"images_per_s": {}, "losses": {}, "memory_gb": {}}

    def measure(form: str, steps: training.Steps) -> None:
        print(f"{name:12} {form:32}", end="", flush=True)
        measure_steps(found, form, steps, curve if CARD else 6, settings["batch"])

    allow_tf32(False)
    measure(PLAIN, training.plain_steps(slices, settings, DEVICE, WORKERS))
    for form, mode in MODES.items():
        if CARD or not mode.compiled:
            measure(form, training.our_steps(slices, settings, DEVICE, mode))
    allow_tf32(True)
    form = PLAIN.replace("float32", "tf32")
    measure(form, training.plain_steps(slices, settings, DEVICE, WORKERS))


def allow_tf32(allowed: bool) -> None:
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = allowed


def measure_steps(found: dict, form: str, steps: training.Steps, curve: int, batch: int) -> None:
    """The loss of a run from the start, by tens of steps, then the speed of some more."""
    if CARD:
        torch.cuda.reset_peak_memory_stats()
    losses = torch.stack(steps(curve)).cpu().numpy()
    tens = np.array_split(losses, max(1, len(losses) // 10))
    found["losses"][form] = [round(float(ten.mean()), 4) for ten in tens]
    waited()
    started = time.perf_counter()
    steps(STEPS)
    waited()
    rates = found["images_per_s"]
    rates[form] = STEPS * batch / (time.perf_counter() - started)
    if CARD:
        found["memory_gb"][form] = torch.cuda.max_memory_allocated() / 1e9
    found["ratio"] = {other: rate / rates[PLAIN] for other, rate in rates.items()}
    print(f"{rates[form]:8.1f} images/s, loss {found['losses'][form][-1]:.4f}", flush=True)
    write()


def waited() -> None:
    if CARD:
        torch.cuda.synchronize()


def write_hearts(folder: Path, count: int, size_px: int) -> None:
    """Prepared slices of discs in rings, of many sizes and places, on noise."""
    rng = np.random.default_rng(0)
    y, x = np.mgrid[:size_px, :size_px]
    images = np.empty((count, size_px, size_px), np.uint8)
    labels = np.empty_like(images)
    for i in range(count):
        inner = size_px * rng.uniform(0.05, 0.12)
        outer = inner + size_px * rng.uniform(0.03, 0.05)
        middle = size_px * rng.uniform(0.4, 0.6, 2)
        far = np.hypot(y - middle[0], x - middle[1])
        labels[i] = np.select([far < inner, far < outer], [1, 2], 0)
        grey = np.array([rng.uniform(60, 140), rng.uniform(150, 230), rng.uniform(20, 60)])
        noisy = grey[labels[i]] + rng.normal(0, 20, far.shape)
        images[i] = np.clip(noisy, 0, 255).astype(np.uint8)
    np.save(folder / "images.npy", images)
    np.save(folder / "labels.npy", labels)
    index = {"row": range(count), "subject": "1", "split": "train", "slice": 0, "frame": 0}
    table = pd.DataFrame(index | {"volume": 0, "lv_pixels": 1, "my_pixels": 1})
    table.to_csv(folder / "index.tsv", sep="\t", index=False)


def write() -> None:
    folder = Path(os.environ.get("OUT", "."))
    (folder / "train.json").write_text(json.dumps(FOUND, indent=1))


if __name__ == "__main__":
    main(*sys.argv[1:])
