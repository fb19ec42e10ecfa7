"""UNet 3+ as published, trained on digital mice: `python tests/benchmarks/gpu_mice.py [EPOCHS]`.
from cmrseg.sequences import LEFT

As many mice and images as the published training had, of their size, on one graphics card; twelve
epochs unless told otherwise. Prints Dice and volumes of mice that were not seen, at the truth's
end-diastole and end-systole, and writes $OUT/mice.tsv and $OUT/history.tsv. Needs torch, numpy,
pandas, nibabel, h5py, scipy, safetensors and jsonschema, and takes three minutes. Without a card a
narrow network sees four mice, which says nothing but that the script works.
"""

import logging
import os
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "workflow"), str(ROOT / "tests/helpers")]
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")

import numpy as np  # noqa: E402
import pandas as pd  # noqa: E402
import torch  # noqa: E402
import yaml  # noqa: E402

from cmrseg.annotations.sparse import hdf5  # noqa: E402
from cmrseg.annotations.subject import Subject  # noqa: E402
from cmrseg.cine import Cine  # noqa: E402
from cmrseg.dicom.audit import Audit  # noqa: E402
from cmrseg.files import write_table  # noqa: E402
from cmrseg.labels import UNLABELLED  # noqa: E402
from cmrseg.layouts.hdf5 import grid_of, read_images  # noqa: E402
from cmrseg.learn.predict import predict_cine  # noqa: E402
from cmrseg.learn.slices import Slices, make_slices  # noqa: E402
from cmrseg.learn.state import start_network  # noqa: E402
from cmrseg.learn.step import choose_mode  # noqa: E402
from cmrseg.learn.train import train  # noqa: E402
from cmrseg.measure.evaluate import evaluate_cine  # noqa: E402
from cmrseg.phantom import preclinical  # noqa: E402
from cmrseg.phantom.mice import MOUSE  # noqa: E402
from cmrseg.sequences import LEFT, SEQUENCES, USUAL  # noqa: E402
from cmrseg.tasks.build import task_of  # noqa: E402
from demo_tables import numbered  # noqa: E402
from study.recipes import read_models  # noqa: E402

CARD = torch.cuda.is_available()
DEVICE = "cuda" if CARD else "cpu"
COUNTS = dict(zip(("train", "validate", "test"), (90, 15, 25) if CARD else (2, 1, 1), strict=True))
SEED = 77
# What a real file has, where the demo has an acquired matrix and fewer frames.
REAL = {"rows": 256, "columns": 256, "spacing_mm": 0.1, "interpolation": 2}
REAL |= {"frame_interval_ms": 5.0}
COLUMNS = ["dice_lv_ed", "dice_lv_es", "dice_my_ed", "dice_my_es"]
COLUMNS += ["reference_edv_ml", "predicted_edv_ml", "reference_esv_ml", "predicted_esv_ml"]


def main(epochs: str = "12") -> None:
    logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stdout)
    out = Path(os.environ.get("OUT", "."))
    model = model_row() | {"epochs": epochs, "head_weights": ""}
    model |= {} if CARD else {"width": 4, "batch": 4}
    mice = numbered(COUNTS, SEED, 1, "Mouse", MOUSE)
    with tempfile.TemporaryDirectory() as name:
        folder, started = Path(name), time.monotonic()
        with ProcessPoolExecutor() as pool:
            files = list(pool.map(partial(make_mouse, folder=folder), mice.to_dict("records")))
        splits = zip(mice["subject"], mice["split"], files, strict=True)
        rows = [(subject, split, [image], labels) for subject, split, (image, labels) in splits]
        make_slices(rows, model, folder / "slices")
        slices = Slices.load(folder / "slices")
        print(f"{len(slices.index)} images in {time.monotonic() - started:.0f} s", flush=True)
        started, mode = time.monotonic(), choose_mode(model, slices, DEVICE)
        weights, history = train(model, slices, task_of(model), seed=1, device=DEVICE, mode=mode)
        print(f"{len(history)} epochs in {time.monotonic() - started:.0f} s", flush=True)
        write_table(history, out / "history.tsv")
        network = start_network(model, None, 0)
        network.load_state_dict(weights)
        unseen = mice.loc[mice["split"] == "test", "subject"]
        table = pd.DataFrame(evaluated(network, model, unseen, folder))
    write_table(table, out / "mice.tsv")
    print(table[[*COLUMNS, "seconds"]].agg(["mean", "std"]).T.to_string())


def model_row() -> dict:
    """The published network's row of the pre-clinical study."""
    table = str(ROOT / "config/models/preclinical.tsv")
    return read_models(table, "config/recipes.yaml")["unet3plus"]


def make_mouse(row: Mapping, folder: Path) -> tuple[Path, Path]:
    """Files of the labelled frames of a mouse, image and labels; a test mouse's cine stays."""
    study = yaml.safe_load((ROOT / "config/preclinical-demo.yaml").read_text())
    path = preclinical.write_subject(row, study["cohorts"]["mice"]["phantom"] | REAL, folder)
    cine, labels = read_mouse(path)
    labelled = (labels != UNLABELLED).any(axis=(1, 2, 3))
    files = path.with_suffix(".image.nii.gz"), path.with_suffix(".labels.nii.gz")
    for voxels, file in zip((cine.voxels, labels), files, strict=True):
        Cine(voxels[labelled], cine.affine).save(file)
    if row["split"] != "test":
        path.unlink()
    return files


def read_mouse(path: Path) -> tuple[Cine, np.ndarray]:
    grid = grid_of(REAL["spacing_mm"], 1.0, REAL["frame_interval_ms"])
    cine = read_images(path, grid)
    row = pd.Series({"annotation": path.stem})
    mouse = Subject(row, path.parent, path, cine, Audit(path.stem), SEQUENCES[USUAL], {})
    labels = hdf5(mouse)
    assert labels is not None
    return cine, labels


def evaluated(network, model: Mapping, unseen: pd.Series, folder: Path) -> Iterator[dict]:
    for subject in unseen:
        cine, truth = read_mouse(folder / f"{subject}.h5")
        started = time.monotonic()
        labels = predict_cine(network, cine, model, DEVICE, subject=subject)
        taken = time.monotonic() - started
        about = {"ed": "first", "reference_ed": "first", "frames": "reference"}
        _, _, row = evaluate_cine(labels, truth, cine.spacing_mm, LEFT, subject, **about)  # type: ignore[arg-type]
        yield row | {"images_of_cine": labels.shape[0] * labels.shape[1], "seconds": taken}


if __name__ == "__main__":
    main(*sys.argv[1:])
