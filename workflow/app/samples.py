"""Cines of the digital heart, simulated on request, to try the app without own data."""

import math
import tempfile
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

import numpy as np

from app.checks import species
from app.models import Model
from cmrseg.cine import Cine
from cmrseg.layouts.hdf5 import grid_of, read_images
from cmrseg.phantom import preclinical
from cmrseg.phantom.kaggle import Protocol, acquire_slice, plan_stack, scanner_of
from cmrseg.phantom.mice import MOUSE
from cmrseg.phantom.population import HUMAN, draw_parameters, draw_subjects
from cmrseg.phantom.ukbb import affine_of
from cmrseg.sequences import USUAL

FRAMES = 20
# The mouse scan of the pre-clinical demo.
MOUSE_GRID = {"spacing_mm": 0.2, "slice_distance_mm": 1.0, "frame_interval_ms": 10.0}
MOUSE_SCAN = MOUSE_GRID | {"scanner": "9.4T", "rows": 128, "columns": 128, "thickness_mm": 1.0}
# Names on the page and what is simulated: seed of the subject, disease, human or mouse scan.
SAMPLES: dict[str, tuple[str, int, str, Protocol | Mapping]] = {
    "healthy": (
        "Healthy, 1.5T",
        11,
        "healthy",
        Protocol("1.5T", FRAMES, 128, 112, 2.2, 10.0, 8.0, breath_hold_shift_mm=0.5),
    ),
    "dilated": (
        "Dilated, 1.5T",
        5,
        "dilated",
        Protocol("1.5T", FRAMES, 128, 112, 2.4, 10.0, 8.0, breath_hold_shift_mm=0.5),
    ),
    "mouse": ("Mouse, 9.4T", 7, "healthy", MOUSE_SCAN),
}

MOUSE_SAMPLE = "mouse"
# Where the networks for a sample come from, if there are none.
MAKE = {"human": "make demo", "mouse": "snakemake --configfile config/preclinical-demo.yaml"}


def species_of(name: str) -> str:
    """Whose heart a sample shows: a key of checks.SPACINGS."""
    return "human" if isinstance(SAMPLES[name][3], Protocol) else "mouse"


def model_for(name: str, models: Iterable[Model]) -> Model | None:
    """The model that suits a sample best, None where none does.

    One for short axes that learnt from the sample's species, best from digital hearts; then one
    that labels most tissues, then one whose pixels are nearest in size.
    """
    scan, wanted = SAMPLES[name][3], species_of(name)
    pixel_mm = scan.spacing_mm if isinstance(scan, Protocol) else scan["spacing_mm"]

    def rank(model: Model) -> tuple[bool, int, float]:
        own_mm = model.trained_mm[-1] if model.trained_mm else math.inf
        return not model.is_toy, -model.tissues.count(","), abs(math.log(own_mm / pixel_mm))

    fitting = [
        model
        for model in models
        if not model.fault
        and model.sequence == USUAL
        and model.trained_mm
        and species(model.trained_mm) == wanted
    ]
    return min(fitting, key=rank, default=None)


# Slices done, total number of slices.
Progress = Callable[[int, int], None]


def make_sample(name: str, progress: Progress) -> tuple[Cine, str]:
    """A digital subject's cine and a description of its true volumes."""
    title, seed, disease, scan = SAMPLES[name]
    species = HUMAN if isinstance(scan, Protocol) else MOUSE
    row = draw_subjects(1, seed, diseases=[disease], species=species).iloc[0].to_dict()
    if isinstance(scan, Protocol):
        cine, unit, factor = _patient(row, scan, progress), "ml", 1
    else:
        cine, unit, factor = _mouse(row, scan, progress), "µL", 1000
    edv_ml, esv_ml = float(row["edv_ml"]), float(row["esv_ml"])
    truth = (
        f"Digital heart ({title}). Its true EDV is {factor * edv_ml:.0f} {unit}, "
        f"ESV {factor * esv_ml:.0f} {unit}, EF {1 - esv_ml / edv_ml:.0%}."
    )
    return cine, truth


def _patient(row: Mapping, protocol: Protocol, progress: Progress) -> Cine:
    parameters = draw_parameters(row, protocol.frames)
    planned = plan_stack(row, parameters, protocol, 1).slices
    phases = np.arange(protocol.frames) / protocol.frames
    scanner = scanner_of(row, protocol)
    images = []
    for done, slice_ in enumerate(planned, start=1):
        images.append(acquire_slice(parameters, slice_, scanner, phases)[0])
        progress(done, len(planned))
    voxels = np.clip(np.rint(np.stack(images, axis=1)), 0, 32767).astype(np.int16)
    interval_s = 60 / float(row["heart_rate_bpm"]) / protocol.frames
    return Cine(voxels, affine_of(planned), interval_s)


def _mouse(row: Mapping, scan: Mapping, progress: Progress) -> Cine:
    with tempfile.TemporaryDirectory() as folder:
        path = preclinical.write_subject(row, scan, Path(folder), progress)
        return read_images(path, grid_of(**MOUSE_GRID))
