"""Write digital mice as the published mouse cines are: one HDF5 file each, some frames labelled.

Layout of Hanisah et al., doi:10.1016/j.jocmr.2026.102706. The mouse is made larger than life, and
so is the plane that it is seen in.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

import h5py
import numpy as np
import pandas as pd

from cmrseg.files import replacing
from cmrseg.labels import Tissue
from cmrseg.layouts.hdf5 import FRAMES, IMAGES, MASKS
from cmrseg.phantom.heart import Heart
from cmrseg.phantom.kaggle import Protocol, acquire_slice, generator, plan_stack, scanner_of
from cmrseg.phantom.mice import MOUSE, draw_mouse, is_muscle
from cmrseg.phantom.plan import PlannedSlice
from cmrseg.phantom.receiver import zero_filled

# Lengths of a protocol; the others have no unit.
LENGTHS = ("spacing_mm", "slice_distance_mm", "thickness_mm", "breath_hold_shift_mm")
# Part of the mice of which some frames of inflow are labelled as well.
WITH_INFLOW = 0.15
# The last frames of a beat are lost, as the next one triggers.
LOST_MS = 8.0
MYOCARDIUM, BLOOD = 1, 2


def labels_of(heart: Heart, planned: PlannedSlice, times: int, phase: float) -> np.ndarray:
    """Masks of one slice on `times` as many rows and columns; papillary muscles are wall."""
    plane = replace(
        planned.plane,
        row_spacing_mm=planned.plane.row_spacing_mm / times,
        column_spacing_mm=planned.plane.column_spacing_mm / times,
        rows=planned.plane.rows * times,
        columns=planned.plane.columns * times,
    )
    points = plane.points_mm(slice(0, plane.rows), slice(0, plane.columns))[0]
    labels, muscle = is_muscle(heart, points - np.asarray(planned.shift_mm), phase)
    masks = np.zeros(labels.shape, np.uint8)
    masks[(labels == Tissue.MYO) | muscle] = MYOCARDIUM
    masks[(labels == Tissue.LV) & ~muscle] = BLOOD
    return masks


def labelled_frames(row: Mapping, es_frame: int, frames: int) -> list[int]:
    """End-diastole and end-systole; of some mice frames of inflow between and behind them too."""
    chosen = {0, es_frame}
    if generator(row, "inflow").random() < WITH_INFLOW:
        chosen |= {es_frame // 2, min(es_frame + 2, frames - 1), min(es_frame + 3, frames - 1)}
    return sorted(chosen)


def write_subject(
    row: Mapping,
    settings: Mapping,
    folder: Path,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> Path:
    """Write one mouse, and return its file; settings as in write_shard.

    progress: is called after each slice with how many are done, of how many.
    """
    about = dict(settings)
    interval_ms, times = about.pop("frame_interval_ms"), about.pop("interpolation", 1)
    beat_ms = 60000 / float(row["heart_rate_bpm"])
    frames = max(int((beat_ms - LOST_MS) / interval_ms) + 1, 2)
    about |= {key: about[key] * MOUSE.magnification for key in LENGTHS if key in about}
    about |= {"rows": about["rows"] // times, "columns": about["columns"] // times}
    about["spacing_mm"] *= times
    protocol = Protocol(frames=frames, **about)
    parameters = draw_mouse(row, beat_ms / interval_ms)
    heart = Heart(parameters)
    slices = list(plan_stack(row, parameters, protocol, 1).slices)
    if generator(row, "direction").random() < 0.5:
        slices.reverse()
    phases = np.arange(frames) * interval_ms / beat_ms
    scanner = scanner_of(row, protocol)
    es_frame = round(parameters.es_phase * beat_ms / interval_ms)
    labelled = labelled_frames(row, es_frame, frames)
    shape = (about["rows"] * times, about["columns"] * times, len(slices), frames)
    images, masks = np.zeros(shape, np.uint16), np.zeros(shape, np.uint8)
    for z, planned in enumerate(slices):
        acquired, _ = acquire_slice(parameters, planned, scanner, phases)
        whole = np.clip(np.rint(zero_filled(acquired, times) * 10), 0, 65535)
        images[:, :, z] = whole.astype(np.uint16).transpose(1, 2, 0)
        for t in labelled:
            masks[:, :, z, t] = labels_of(heart, planned, times, phases[t])
        progress(z + 1, len(slices))
    path = folder / f"{row['study']}.h5"
    with replacing(path) as temporary, h5py.File(temporary, "w") as file:
        for name, values in ((IMAGES, images), (MASKS, masks)):
            file.create_dataset(name, data=values, compression="gzip", compression_opts=1)
        file.create_dataset(FRAMES, data=np.array(labelled, np.int64))
    return path


def write_shard(rows: pd.DataFrame, settings: Mapping, folder: Path) -> None:
    """Write the mice of a shard: <study>.h5.

    rows: rows of the subject table. settings: the fields of `kaggle.Protocol` but frames, whose
    number follows from heart rate and frame_interval_ms, as the cine is triggered; interpolation:
    how many times the rows and columns are those acquired. A mouse's file does not depend on the
    other rows.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for row in rows.to_dict("records"):
        write_subject(row, settings, folder)
