"""A labeller against the reference in a whole cohort, read from the label maps of its shards."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple

import pandas as pd

from cmrseg.measure.by_sequence import measures_of
from cmrseg.measure.cohort_summary import summarise
from cmrseg.measure.evaluate import Frames, evaluate_cine
from cmrseg.measure.labellers import LabelMaps, as_told_by, regions_known, tissues_known
from cmrseg.measure.volumes import EndDiastole
from cmrseg.sequences import SEQUENCES
from cmrseg.splits import split_of, upright_rows


class Evaluation(NamedTuple):
    """Tables of a labeller in a cohort: by image, frame and subject, and their statistics.

    The first three are as of evaluate_cine with the split behind the subject, the last one as of
    summarise.
    """

    images: pd.DataFrame
    frames: pd.DataFrame
    subjects: pd.DataFrame
    summary: pd.DataFrame


def evaluate_labels(
    labeller: LabelMaps,
    reference: LabelMaps,
    splits: Mapping[str, str],
    ed: EndDiastole,
    reference_ed: EndDiastole,
    frames: Frames = "own",
    es_frames: Mapping[str, int] = MappingProxyType({}),
) -> Evaluation:
    """Hold a labeller's maps against the reference.

    Only subjects that both labelled are compared (a second observer may have done a part), of
    the tissues that both know; what one does not tell apart is one tissue of the other, too. ed,
    reference_ed: how each chooses its end-diastole. frames: whose frames the labeller is measured
    at. es_frames: end-systole of the reference, by subject, where it is known (see evaluate_cine).
    The summary counts a subject with a rotated copy once, as the copy; the other tables have both.
    Raises ValueError where there is no subject.
    """
    predicted, true = labeller.folders(), reference.folders()
    sequence = SEQUENCES[labeller.sequence]
    if reference.sequence != labeller.sequence:
        raise ValueError(
            f"cohort {labeller.cohort}: {labeller.name} labels {labeller.sequence}, its reference "
            f"{reference.name} {reference.sequence}; compare labels of one sequence"
        )
    of_reference = tissues_known(reference, true)
    of_labeller = tissues_known(labeller, predicted)
    tissues = tuple(t for t in of_labeller if t in of_reference)
    regions = set(regions_known(labeller, of_labeller)) & set(
        regions_known(reference, of_reference)
    )
    images: list[pd.DataFrame] = []
    frame_tables: list[pd.DataFrame] = []
    subjects = []
    for subject in [name for name in predicted if name in true]:
        ours = labeller.load(predicted[subject])
        theirs = reference.load(true[subject])
        of_images, of_frames, row = evaluate_cine(
            as_told_by(reference, ours.voxels),
            as_told_by(labeller, theirs.voxels),
            ours.spacing_mm,
            tissues,
            subject,
            ed,
            reference_ed,
            frames,
            es_frames.get(subject),
            sequence,
            regions,
        )
        split = split_of(splits)(subject)
        for table, tables in ((of_images, images), (of_frames, frame_tables)):
            table.insert(1, "split", split)
            tables.append(table)
        subjects.append({"subject": subject, "split": split, **row})
    if not subjects:
        raise ValueError(
            f"cohort {labeller.cohort}: no subject is labelled by both {labeller.name} and the "
            f"reference {reference.name}; take {labeller.name} out of `evaluate`"
        )
    per_image = pd.concat(images, ignore_index=True)
    per_subject = pd.DataFrame(subjects)
    compared = tuple(measure for measure in measures_of(sequence) if measure.compared)
    summary = summarise(upright_rows(per_image), upright_rows(per_subject), compared)
    per_frame = pd.concat(frame_tables, ignore_index=True)
    return Evaluation(per_image, per_frame, per_subject, summary)
