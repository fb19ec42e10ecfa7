"""Digital patients of many sites, some of them imaged badly, as small networks label them.

Shared by `quality.py` and its test. Truth, labels and entropy are of every frame.
"""

import sys
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parents[1] / "workflow")]

import numpy as np  # noqa: E402
import pandas as pd  # noqa: E402
import torch  # noqa: E402
from scipy import ndimage  # noqa: E402

from cmrseg.annotations.carry import carry_shard  # noqa: E402
from cmrseg.canvas import Canvas  # noqa: E402
from cmrseg.cine import Cine  # noqa: E402
from cmrseg.dicom.study import import_shard  # noqa: E402
from cmrseg.labels import tissues_of  # noqa: E402
from cmrseg.learn.label import load_model  # noqa: E402
from cmrseg.learn.predict import Predictor  # noqa: E402
from cmrseg.phantom.kaggle import Protocol, acquire_slice, plan_stack, scanner_of  # noqa: E402
from cmrseg.phantom.population import draw_parameters, draw_subjects  # noqa: E402
from cmrseg.phantom.ukbb import affine_of  # noqa: E402
from cmrseg.tasks.label_map import LabelMap  # noqa: E402
from cmrseg.tasks.targets import shares  # noqa: E402

# The scan of the demo's heterogeneous cohort.
SCAN: dict[str, Any] = {
    "frames": 8,
    "rows": 96,
    "columns": 80,
    "spacing_mm": 2.4,
    "slice_distance_mm": 10.0,
}
# Share of patients whose images are bad, and what may be bad about them.
BAD = 0.5
KINDS = ("noise", "blur", "breathing", "ghosts", "arrhythmia", "dropout")


class Patient(NamedTuple):
    """Images and truth (t, z, y, x), spacings along z, y, x, and what is bad about the images."""

    subject: str
    image: Cine
    truth: np.ndarray
    bad: str


def patients(count: int, seed: int, scanner: str, variety: float) -> Iterator[Patient]:
    """Digital patients, each of a site of its own."""
    for number, row in enumerate(draw_subjects(count, seed).to_dict("records")):
        rng = np.random.default_rng([seed, number])
        kind = str(rng.choice(KINDS)) if rng.random() < BAD else ""
        yield _patient(row, f"{seed}_{number:03d}", scanner, variety, kind, rng)


def _patient(
    row: Mapping, subject: str, preset: str, variety: float, kind: str, rng: np.random.Generator
) -> Patient:
    severity = rng.uniform(0.3, 1.0)
    shift_mm = 8.0 * severity if kind == "breathing" else 1.0
    protocol = Protocol(
        preset, thickness_mm=8.0, breath_hold_shift_mm=shift_mm, variety=variety, **SCAN
    )
    parameters = draw_parameters(row, protocol.frames)
    scanner = scanner_of(row, protocol)
    if kind == "noise":
        scanner = replace(scanner, noise=scanner.noise * (1 + 9 * severity))
    if kind == "blur":
        scanner = replace(scanner, blur_px=scanner.blur_px * (1 + 2.5 * severity))
    if kind == "ghosts":
        scanner = replace(scanner, ghosting=0.5 * severity)
    phases = np.arange(protocol.frames) / protocol.frames
    planned = plan_stack(row, parameters, protocol, 1).slices
    acquired = [acquire_slice(parameters, slice_, scanner, phases) for slice_ in planned]
    image, truth = (np.stack(arrays, axis=1) for arrays in zip(*acquired, strict=True))
    if kind == "arrhythmia":
        image = _over_beats(image, severity, rng)
    if kind == "dropout":
        image = image * _dropout(truth, severity, rng)
    voxels = np.clip(np.rint(image), 0, 32767).astype(np.int16)
    return Patient(subject, Cine(voxels, affine_of(planned), 0.1), truth, kind)


def _over_beats(image: np.ndarray, severity: float, rng: np.random.Generator) -> np.ndarray:
    """Slices of several beats of unequal length: each frame is a mean of its neighbours."""
    found = image.copy()
    for z in np.flatnonzero(rng.random(image.shape[1]) < severity):
        shift = int(rng.integers(1, 4))
        found[:, z] = (np.roll(image[:, z], shift, 0) + np.roll(image[:, z], -shift, 0)) / 2
    return found


def _dropout(truth: np.ndarray, severity: float, rng: np.random.Generator) -> np.ndarray:
    """(z, y, x) factors: the signal is lost around a place at the border of the heart."""
    place = rng.choice(np.argwhere(truth[0] == 2))
    grid = np.indices(truth.shape[1:])
    distance = ((grid - place[:, None, None, None]) / np.array([2, 8, 8])[:, None, None, None]) ** 2
    return 1 - severity * np.exp(-distance.sum(axis=0) / 2)


# Cases of the Sunnybrook Cardiac Data, and the names of their contours.
CONTOURS = {"SCD0000101": "SC-HF-I-1", "SCD0000201": "SC-HF-I-2", "SCD0000301": "SC-HF-I-4"}
# How real images are made worse, and how much: noise as a share of the brightest percent, blur in
# px, the share of the signal that is lost.
WORSE = {"": 0.0, "noise": 0.08, "strong noise": 0.2, "blur": 1.5, "dropout": 0.9}


def sunnybrook(data: Path, folder: Path) -> Iterator[Patient]:
    """Real patients as they are and made worse; contours are at end-diastole and end-systole.

    Pixels are as large as in the scan that the networks know, and the middle of the picture is cut
    out. data: folder with `dicoms` and `contours`. folder: for the imported images.
    """
    rows = pd.DataFrame(
        {
            "subject": list(CONTOURS),
            "study": [f"dicoms/{subject}" for subject in CONTOURS],
            "series": "",
            "set": "test",
            "annotation": list(CONTOURS.values()),
        }
    )
    images, drawn = folder / "sunnybrook_images", folder / "sunnybrook_labels"
    if not images.exists():
        cleaning = {"mode": "corrected", "layout": "folder", "max_size_px": 256}
        import_shard(rows, data, images, cleaning)
        drawn.mkdir()
        text = {"sequence": "sa", "form": "text", "folder": "contours", "layout": "folder"}
        carry_shard(rows, "expert", text, data, images, drawn)
    for number, subject in enumerate(CONTOURS):
        cine, expert = (Cine.load(place / subject / "sa.nii.gz") for place in (images, drawn))
        scale = cine.spacing_mm[1] / SCAN["spacing_mm"]
        image = _middle(ndimage.zoom(cine.voxels.astype(float), (1, 1, scale, scale), order=1))
        drawn_px = _middle(ndimage.zoom(expert.voxels, (1, 1, scale, scale), order=0))
        affine = np.diag([SCAN["spacing_mm"], SCAN["spacing_mm"], cine.spacing_mm[0], 1])
        for kind, amount in WORSE.items():
            rng = np.random.default_rng([number, *kind.encode()])
            voxels = _worse(image, drawn_px, kind, amount, rng).astype(np.float32)
            name = f"{subject}_{kind.replace(' ', '_')}".rstrip("_")
            yield Patient(name, Cine(voxels, affine, cine.frame_interval_s), drawn_px, kind)


def _middle(voxels: np.ndarray) -> np.ndarray:
    """The middle of each picture, as large as that of the scan."""
    y, x = ((side - SCAN["rows"]) // 2 for side in voxels.shape[2:])
    return voxels[:, :, y : y + SCAN["rows"], x : x + SCAN["rows"]]


def _worse(
    image: np.ndarray, drawn: np.ndarray, kind: str, amount: float, rng: np.random.Generator
) -> np.ndarray:
    if kind == "blur":
        return ndimage.gaussian_filter(image, (0, 0, amount, amount))
    if kind == "dropout":
        frame = np.flatnonzero((drawn == 1).any(axis=(1, 2, 3)))[0]
        return image * _dropout(np.where(drawn[[frame]] == 1, 2, 0), amount, rng)
    noise = amount * np.quantile(image, 0.99) * rng.standard_normal((2, *image.shape))
    return np.hypot(image + noise[0], noise[1]) if amount else image


class _Entropy(LabelMap):
    """Labels and, beside them, the entropy of the shares in each pixel: (n, 2, y, x) float32."""

    def result(self, output: torch.Tensor, canvas: Canvas) -> torch.Tensor:
        labels = super().result(output, canvas)
        share = shares(self.target, output)
        entropy = -(share * share.clamp_min(1e-9).log()).sum(1, keepdim=True)
        _, there = canvas.overlap
        inside = entropy[:, :, *there]
        if canvas.scaled != canvas.native:
            inside = torch.nn.functional.interpolate(
                inside, size=canvas.native, mode="bilinear", align_corners=False
            )
        return torch.stack([labels.float(), inside[:, 0]], 1)


class Labeller:
    """A network from the folder of a model."""

    def __init__(self, folder: Path) -> None:
        network, self.settings = load_model(folder)
        reading = _Entropy.of(self.settings)
        self.predictor = Predictor(network, self.settings, reading=reading)
        self.tissues = tissues_of(self.settings["tissues"])

    def label(self, cine: Cine) -> tuple[np.ndarray, np.ndarray]:
        """Labels uint8 and entropy float32, (t, z, y, x)."""
        found = self.predictor.label(self.predictor.prepare(cine))()
        found = found.reshape(*cine.voxels.shape[:2], *found.shape[1:])
        return found[:, :, 0].astype(np.uint8), found[:, :, 1]


def mean_entropy(entropy: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """(t, z) mean entropy in and around the heart; of the whole image where it is empty."""
    near = ndimage.binary_dilation(labels > 0, np.ones((1, 1, 5, 5), bool))
    near |= ~near.any(axis=(2, 3), keepdims=True)
    return (entropy * near).sum(axis=(2, 3)) / near.sum(axis=(2, 3))
