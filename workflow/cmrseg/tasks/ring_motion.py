"""Loss of a network that finds a ring of landmarks in the first frame and carries it along."""

from collections.abc import Sequence

import torch
from torch.nn import functional

from cmrseg.tasks.inside import shares_inside
from cmrseg.tasks.point_losses import box, known_points, ring_parts

# Weights beside the squared error of the first frame, in px²: of the squared error of the motion,
# of each strain error, and of the cross entropy of what is inside endo- and epicardium.
MOTION, STRAIN, INSIDE = 5.0, 5.0, 6.0


def ring_motion(heads: Sequence[torch.Tensor], truth: torch.Tensor) -> torch.Tensor:
    """The ring of the first frame, and how it moves from there, apart from each other.

    A ring that lies beside the true one would else be a reason to move it there. heads: logits
    (n, 2, y, x) of what is inside endo- and epicardium at end-diastole, and landmarks
    (n, t, 168, 2). truth: as in point_losses; known in the first frame.
    """
    logits, found = heads
    first, true_first = found[:, :1], truth[:, :1]
    size_px = 2 * logits.shape[-1]
    inside = shares_inside(true_first[:, 0], logits.shape[-1], size_px)
    known = known_points(truth)[..., None]
    motion = truth.where(known, torch.nan) - true_first
    parts = ring_parts(found, truth)
    return (
        box(first, true_first)
        + MOTION * box(found - first, motion)
        + STRAIN * (parts["radial"] + parts["circumferential"])
        + INSIDE * functional.binary_cross_entropy_with_logits(logits, inside)
    )
