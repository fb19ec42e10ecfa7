"""Two label maps of one subject, and the voxels of each pair of tissues in every image."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from cmrseg.known import around_drawn, drawn_in_part, known_tissues
from cmrseg.labels import SHORT_NAMES, UNLABELLED, Tissue, values_of
from cmrseg.measure.lesions import LESIONS
from cmrseg.measure.overlap import confusion_counts

# Name of each tissue in columns.
NAMES = SHORT_NAMES


@dataclass(frozen=True)
class Pair:
    """The labels of two sides and what is counted of them; k: background and the tissues.

    reference, predicted: (t, z, y, x) `Tissue`, UNLABELLED wherever either is. counts:
    (t, z, k, k) voxels by the reference's tissue, then the prediction's. known: (t, k) whether a
    side tells of a tissue in a frame. there: (t, k) whether the reference has a tissue in a frame,
    or may have it in an unlabelled slice.
    """

    subject: str
    tissues: tuple[Tissue, ...]
    spacing_mm: tuple[float, float, float]
    reference: np.ndarray
    predicted: np.ndarray
    counts: np.ndarray
    known: dict[str, np.ndarray]
    there: np.ndarray

    def place(self, tissue: Tissue) -> int:
        """Where a tissue is counted."""
        return 1 + self.tissues.index(tissue)

    @cached_property
    def names(self) -> list[str]:
        """Name of each place in columns."""
        return [NAMES[tissue] for tissue in (Tissue.BACKGROUND, *self.tissues)]

    @property
    def annotated(self) -> np.ndarray:
        """(t, k) whether both sides tell of a tissue in a frame."""
        return self.known["reference"] & self.known["predicted"]

    @property
    def scored(self) -> np.ndarray:
        """(t, k) whether a tissue has a Dice in a frame: a lesion that is absent has none."""
        return self.annotated & self.there

    @cached_property
    def labelled(self) -> np.ndarray:
        """Images with any counted voxel, numbered frame by frame."""
        return np.flatnonzero(self.counts.sum(axis=(2, 3)))

    @cached_property
    def complete(self) -> np.ndarray:
        """Frames whose volumes are compared: labelled in every slice, with a known LV cavity.

        Where the cavity is not compared, a known first tissue.
        """
        lead = Tissue.LV if Tissue.LV in self.tissues else self.tissues[0]
        whole = _complete(self.counts) & self.annotated[:, self.place(lead)]
        complete = np.flatnonzero(whole)
        if len(complete) == 1 and len(set(self.labelled // self.counts.shape[1])) > 1:
            # End diastole may be a frame that is labelled in part.
            return complete[:0]
        return complete


def pair_of(
    reference: np.ndarray,
    predicted: np.ndarray,
    tissues: tuple[Tissue, ...],
    spacing_mm: tuple[float, float, float],
    subject: str,
    shown: tuple[Tissue, ...],
) -> Pair:
    """Arguments and errors as `evaluate_cine`."""
    if not tissues:
        raise ValueError(f"subject {subject}: no tissue is known to both sides; compare others")
    if predicted.shape != reference.shape or reference.ndim != 4:
        raise ValueError(
            f"subject {subject}: prediction {predicted.shape} and reference {reference.shape} must "
            f"have one shape (t, z, y, x); were both made from the same image?"
        )
    count, slices, *plane = reference.shape
    places = [Tissue.BACKGROUND, *tissues]
    reference, reference_open = _told(reference, shown)
    predicted, predicted_open = _told(predicted, shown)
    ignored = (reference == UNLABELLED) | (predicted == UNLABELLED)
    reference, predicted = (
        np.where(ignored, labels.dtype.type(UNLABELLED), labels)
        for labels in (reference, predicted)
    )
    try:
        counts = confusion_counts(
            _placed(reference, tissues, shown, "reference").reshape(-1, *plane),
            _placed(predicted, tissues, shown, "prediction").reshape(-1, *plane),
            len(places),
        )
    except ValueError as error:
        raise ValueError(f"subject {subject}: {error}") from error
    if not counts.any():
        raise ValueError(
            f"subject {subject}: no image is labelled in both prediction and reference; "
            f"leave the subject out of this evaluation"
        )
    counts = counts.reshape(count, slices, len(places), len(places))
    there = ~_complete(counts)[:, None] | (counts.sum(axis=(1, 3)) > 0)
    known = {
        "reference": (there | np.isin(places, LESIONS)) & ~reference_open[:, places],
        "predicted": ~predicted_open[:, places],
    }
    return Pair(subject, tissues, spacing_mm, reference, predicted, counts, known, there)


def _placed(
    labels: np.ndarray, tissues: tuple[Tissue, ...], shown: tuple[Tissue, ...], name: str
) -> np.ndarray:
    """Labels with the place of each tissue; other tissues are background, UNLABELLED stays."""
    told = values_of(shown)
    wrong = ~np.isin(labels, [*told, UNLABELLED])
    if wrong.any():
        raise ValueError(
            f"{name} has labels {np.unique(labels[wrong]).tolist()}, expected "
            f"{', '.join(map(str, told))} or {UNLABELLED} (unlabelled)"
        )
    places = np.zeros(UNLABELLED + 1, np.uint8)
    places[list(tissues)] = np.arange(1, 1 + len(tissues))
    places[UNLABELLED] = UNLABELLED
    return places[labels]


def _told(labels: np.ndarray, shown: tuple[Tissue, ...]) -> tuple[np.ndarray, np.ndarray]:
    """Labels (t, z, y, x) as they are counted; (t, tissues) that a labelled slice leaves open."""
    known = known_tissues(labels, shown)
    part = drawn_in_part(labels, known)
    return around_drawn(labels, known), (part[..., None] & ~known).any(axis=1)


def _complete(counts: np.ndarray) -> np.ndarray:
    """(t,) whether every slice of a frame is labelled; counts: of a `Pair`."""
    return (counts.sum(axis=(2, 3)) > 0).all(axis=1)
