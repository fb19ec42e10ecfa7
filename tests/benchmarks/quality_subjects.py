"""Digital patients of many sites, some of them imaged badly, as small networks label them.

Shared by `quality.py` and its test. Truth, labels and entropy are of every frame.
"""

import sys
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parents[1] / "workflow")]

import numpy as np  # noqa: E402
import torch  # noqa: E402
from scipy import ndimage  # noqa: E402

from cmrseg.canvas import Canvas  # noqa: E402
from cmrseg.cine import Cine  # noqa: E402
from cmrseg.learn.label import load_model  # noqa: E402
from cmrseg.learn.predict import Predictor  # noqa: E402
from cmrseg.phantom.kaggle import Protocol, acquire_slice, plan_stack, scanner_of  # noqa: E402
from cmrseg.phantom.population import draw_parameters, draw_subjects  # noqa: E402
from cmrseg.phantom.ukbb import affine_of  # noqa: E402
from cmrseg.tasks.label_map import LabelMap  # noqa: E402
from cmrseg.tasks.targets import shares  # noqa: E402

# The scan of the demo's heterogeneous cohort.
SCAN = {"frames": 8, "rows": 96, "columns": 80, "spacing_mm": 2.4, "slice_distance_mm": 10.0}
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
