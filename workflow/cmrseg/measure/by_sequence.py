"""What is measured in a sequence: curves of its tissues, and the measures made of them.

The short axis has the ventricles at end-diastole and end-systole. A still stack has the volume of
each tissue, and scar and oedema as parts of the wall; a cine of one plane has the largest and the
smallest area of each tissue.
"""

import math
from collections.abc import Iterable

import pandas as pd

from cmrseg.labels import SHORT_NAMES, Tissue
from cmrseg.measure.lesions import LESION_MEASURES, LESIONS, WALL, lesion_measures
from cmrseg.measure.rows import Measure
from cmrseg.measure.ventricles import VENTRICULAR
from cmrseg.sequences import Sequence


def has_phases(sequence: Sequence) -> bool:
    """Whether the largest and the smallest volume of a tissue are end-diastole and end-systole."""
    return sequence.volumetric and sequence.phase_tissue is not None


def check_plane(sequence: Sequence, slices: int, subject: str) -> None:
    """Raise ValueError naming the subject where a view that is one plane has several slices."""
    if not sequence.volumetric and slices > 1:
        raise ValueError(
            f"subject {subject}: {sequence.key} has {slices} slices, expected the one plane of "
            "such a view; areas of several do not add up"
        )


def curve_unit(sequence: Sequence) -> str:
    """Unit of a sequence's curves: voxels of a stack are volumes, those of one plane areas."""
    return "ml" if sequence.volumetric else "cm2"


def curve_columns(sequence: Sequence) -> dict[Tissue, str]:
    """Column of each tissue of a sequence in a table of its curves."""
    unit = curve_unit(sequence)
    return {tissue: f"{SHORT_NAMES[tissue]}_{unit}" for tissue in sequence.tissues}


def measures_of(sequence: Sequence) -> tuple[Measure, ...]:
    """The measures of a subject in a sequence; none of tagged cines, whose slices are many."""
    if has_phases(sequence):
        return VENTRICULAR
    if sequence.volumetric:
        volumes = tuple(_still(tissue) for tissue in sequence.tissues)
        return volumes + (LESION_MEASURES if _shows_lesions(sequence) else ())
    if sequence.phase_tissue is None:
        return ()
    return tuple(_area(tissue, kind) for tissue in sequence.tissues for kind in ("max", "min"))


def measures_of_curve(
    curve: pd.DataFrame, sequence: Sequence, frames: Iterable[int] | None = None
) -> dict[str, float]:
    """Every measure of a sequence without phases by its column, nan where unknown.

    curve: a row per frame with `frame` and `curve_columns`. frames: those that count; all unless
    given. In a cine a tissue that is absent from a frame, and there in others, was missed in that
    frame: its area is unknown, and not the smallest one.
    """
    columns = curve_columns(sequence)
    chosen = curve if frames is None else curve[curve["frame"].isin(list(frames))]
    found: dict[str, float] = {}
    for measure in measures_of(sequence):
        if measure in LESION_MEASURES:
            continue
        values = chosen[columns[measure.tissue]].dropna()
        if sequence.is_cine and values.max() > 0:
            values = values[values > 0]
        value = values.min() if measure.kind == "smallest" else values.max()
        found[measure.name] = float(value) if len(values) else math.nan
    if sequence.volumetric and _shows_lesions(sequence):
        found |= lesion_measures({tissue: found[_still(tissue).name] for tissue in WALL})
    return found


def _shows_lesions(sequence: Sequence) -> bool:
    return set(LESIONS) <= set(sequence.tissues)


def _still(tissue: Tissue) -> Measure:
    return Measure(f"{SHORT_NAMES[tissue]}_ml", tissue, "", "volume", "ml", "largest")


def _area(tissue: Tissue, kind: str) -> Measure:
    name = f"{SHORT_NAMES[tissue]}_{kind}_cm2"
    return Measure(
        name, tissue, "", f"area_{kind}", "cm2", "largest" if kind == "max" else "smallest"
    )
