"""What the card of a model says of the intervals of its volumes."""

from collections.abc import Mapping
from typing import Any

from cmrseg.calibrate.intervals import MEASURES
from cmrseg.calibrate.model_file import FILE, MeasureErrors, ModelCalibration
from cmrseg.measure.by_sequence import has_phases
from cmrseg.sequences import labelled_sequence
from cmrseg.tasks.kinds import kind_of

NONE = (
    f"None: the model was not calibrated, so nothing is known of the errors of its volumes. The "
    f"section `calibrate` of a study makes `{FILE}`, which belongs into the model's folder."
)


def interval_paragraphs(
    settings: Mapping[str, Any], found: ModelCalibration | None = None
) -> list[str]:
    """Paragraphs of a card; none for a model whose labels have no volumes at ED and ES."""
    if kind_of(settings).writes != "label map":
        return []
    if not has_phases(labelled_sequence(settings["sequence"])):
        return []
    if found is None:
        return ["## Intervals", NONE]
    splits = ", ".join(found.splits)
    told = (
        f"{found.origin}. {found.subjects} subjects are of {found.patients} patients (splits "
        f"{splits}), on which the model was not trained. The numbers are in `{FILE}`, for these "
        f"weights and end-diastole `{found.ed}`. Each of these subjects had an interval from the "
        f"others:"
    )
    head = "| measure | mean width | inside |\n| --- | --- | --- |"
    rows = [_row(name, about) for name, about in found.measures.items()]
    return ["## Intervals", told, "\n".join([head, *rows])]


def _row(measure: str, found: MeasureErrors) -> str:
    words = MEASURES[measure]
    width = f"{words.factor * found.width:.1f} {words.unit}"
    return f"| {words.words} | {width} | {100 * found.inside:.0f} % |"
