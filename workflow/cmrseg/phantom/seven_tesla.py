"""Write digital volunteers as a 7T study has them: DICOM by series, contours of two experts.

Layout and numbering of the 7T data of Ankenbrand et al. 2021, doi:10.1002/mrm.28822: one series
per slice, QMass contours whose slices count from the base.
"""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd

from cmrseg.contours.qmass import Contours, ContourType, write_con
from cmrseg.files import write_table
from cmrseg.phantom.dicom_writer import study_elements, write_slice
from cmrseg.phantom.kaggle import (
    Protocol,
    acquire_slice,
    generator,
    names_in,
    plan_stack,
    scanner_of,
)
from cmrseg.phantom.observer import Drawing, draw_contours, second_observer
from cmrseg.phantom.plan import Stack
from cmrseg.phantom.population import draw_parameters


def number_series(stack: Stack, first_series: int) -> Stack:
    """The stack with one folder per series, called by its number.

    Series are numbered from the base, with phase encoding along the columns from the apex:
    there the contours' slice is the largest number minus the own.
    """
    reverse = stack.slices[0].plane.rows < stack.slices[0].plane.columns
    slices = []
    for i, planned in enumerate(stack.slices):
        number = first_series + (len(stack.slices) - 1 - i if reverse else i)
        slices.append(replace(planned, folder=str(number), series_number=number))
    return replace(stack, slices=tuple(slices))


def as_qmass(study: str, shape: tuple[int, int], drawing: Drawing) -> Contours:
    """Contours of one observer for a `.con` file; shape: (rows, columns) of the images."""
    points = {}
    for (number, frame), (endo, epi) in drawing.items():
        points[number, frame, ContourType.ENDOCARDIUM] = endo
        points[number, frame, ContourType.EPICARDIUM] = epi
    return Contours(study, shape, points)


def write_study(row: Mapping, protocol: Protocol, folder: Path) -> pd.DataFrame:
    """Write one volunteer and the experts' contours; returns the manifest.

    Raises ValueError naming the subject where its row wants faults or shares its study: the
    contours' numbering would no longer fit the series.
    """
    if names_in(row["faults"]) or row["series"]:
        raise ValueError(
            f"subject {row['subject']}: faults and selected series are not written in this "
            "layout; leave both columns empty"
        )
    study = str(row["study"])
    parameters = draw_parameters(row, protocol.frames)
    stack = plan_stack(row, parameters, protocol, 1, named=False)
    stack = number_series(stack, int(generator(row, "series").integers(4, 40)))
    scanner = scanner_of(row, protocol)
    common = study_elements(row, scanner.field_t, protocol.frames, generator(row, "headers"))
    frame_interval_ms = 60000 / parameters.heart_rate_bpm / protocol.frames
    phases = np.arange(protocol.frames) / protocol.frames
    labels = []
    for planned in stack.slices:
        images, truth = acquire_slice(parameters, planned, scanner, phases)
        write_slice(folder / study, planned, common, images, frame_interval_ms)
        labels.append(truth)
    shape = labels[0].shape[1:]
    first = draw_contours(np.stack(labels, axis=1))
    annotations = folder / "annotations"
    write_con(as_qmass(study, shape, first), annotations / "expert1" / f"{study}.con")
    if row["split"] == "test":
        second = second_observer(
            first,
            slices=len(labels),
            frames=protocol.frames,
            spacing_mm=protocol.spacing_mm,
            rng=generator(row, "second observer"),
        )
        write_con(as_qmass(study, shape, second), annotations / "expert2" / f"{study}.con")
    return stack.manifest()


def write_shard(rows: pd.DataFrame, settings: Mapping, folder: Path) -> None:
    """Write the volunteers of a shard: <study>/<series number>/<instance number>.dcm.

    rows: rows of the subject table. settings: the fields of `kaggle.Protocol`. Contours of the
    first expert are in annotations/expert1/<study>.con, of the second, for the test split
    alone, in annotations/expert2. manifest.tsv lists the audit rows expected for whole studies
    (large or wide images). A volunteer's files do not depend on the other rows.
    """
    protocol = Protocol(**settings)
    folder.mkdir(parents=True, exist_ok=True)
    manifests = [write_study(row, protocol, folder) for row in rows.to_dict("records")]
    write_table(pd.concat(manifests, ignore_index=True), folder / "manifest.tsv")
