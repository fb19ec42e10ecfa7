"""Losses and scores of networks that place points: boxes, and rings of landmarks with strain.

Ferdian et al. 2020, doi:10.1148/ryct.2020190032. Points are (n, t, p, 2), the places (y, x) in px
of what the network sees. A point of the truth that is nan is not known, nor is any of a frame whose
points are all 0, as published files fill frames that nobody annotated; what is not known is in no
mean. On a device nothing here looks at a value.
"""

from collections.abc import Callable

import torch

from cmrseg.ring import ENDOCARDIUM, EPICARDIUM, LANDMARKS, MIDWALL, SPOKES, WALLS

PointLoss = Callable[[torch.Tensor, torch.Tensor], torch.Tensor]

# Weight of each mean strain error beside the mean squared error of the coordinates in px.
STRAIN_WEIGHT = 5.0
# Added to squared lengths at end-diastole, in px².
STRAIN_EPS = 1e-4
# Added to both sides of a ratio of areas, in px².
IOU_EPS = 1e-4


def known_points(truth: torch.Tensor) -> torch.Tensor:
    """Which points (n, t, p) of the truth (n, t, p, 2) are known."""
    annotated = (truth != 0).any(3).any(2)
    return truth.isfinite().all(3) & annotated[:, :, None]


def box(found: torch.Tensor, truth: torch.Tensor) -> torch.Tensor:
    """Mean squared error of coordinates in px², over all that are known; 0 where none is.

    Raises ValueError for truth of another shape.
    """
    found = _checked(found, truth)
    known = known_points(truth)
    apart = (found - truth.where(known[..., None], 0)).square().sum(3)
    return _mean(apart, known) / 2


def ring_parts(found: torch.Tensor, truth: torch.Tensor) -> dict[str, torch.Tensor]:
    """Parts of `ring_strain`: `coordinates` (px²), `radial` and `circumferential` (Green strain).

    found, truth: (n, t, 168, 2) in the order of cmrseg.ring. The strain errors are absolute
    differences of the mean strain of a frame, averaged over frames. Lengths are relative to the
    first frame of each, of the prediction to that of the prediction. A length counts where its
    points are known in the truth, in its frame and in the first. Errors as `box`.
    """
    found = _checked(found, truth)
    if found.shape[2] != LANDMARKS:
        raise ValueError(
            f"points {tuple(found.shape)}, expected (n, t, {LANDMARKS}, 2): the landmarks of a ring"
        )
    known = known_points(truth)
    truth = truth.where(known[..., None], 0).to(found.dtype)
    there = known.unflatten(2, (SPOKES, WALLS))
    radial = there[..., ENDOCARDIUM] & there[..., EPICARDIUM]
    circumferential = there[..., MIDWALL] & there[..., MIDWALL].roll(-1, 2)
    return {
        "coordinates": box(found, truth.where(known[..., None], torch.nan)),
        "radial": _strain_error(radial_squares(found), radial_squares(truth), radial),
        "circumferential": _strain_error(
            circumferential_squares(found), circumferential_squares(truth), circumferential
        ),
    }


def ring_strain(found: torch.Tensor, truth: torch.Tensor) -> torch.Tensor:
    """Mean squared error of coordinates in px², and 5 times each mean strain error.

    Arguments and errors as `ring_parts`.
    """
    parts = ring_parts(found, truth)
    return parts["coordinates"] + STRAIN_WEIGHT * (parts["radial"] + parts["circumferential"])


def radial_squares(points: torch.Tensor) -> torch.Tensor:
    """Squared lengths (n, t, 24) of the spokes of a ring, endocardium to epicardium."""
    rings = points.unflatten(2, (SPOKES, WALLS))
    return (rings[..., EPICARDIUM, :] - rings[..., ENDOCARDIUM, :]).square().sum(3)


def circumferential_squares(points: torch.Tensor) -> torch.Tensor:
    """Squared distances (n, t, 24) of neighbours in the middle of the wall, as a closed ring."""
    middle = points.unflatten(2, (SPOKES, WALLS))[..., MIDWALL, :]
    return (middle.roll(-1, 2) - middle).square().sum(3)


def strain(squares: torch.Tensor, counted: torch.Tensor) -> torch.Tensor:
    """Mean Green strain (n, t) of those of some lengths (n, t, 24) that count; 0 of none.

    squares: of the lengths. The first frame has exactly 0.
    """
    first = squares[:, :1] + STRAIN_EPS
    # So that the first frame has no strain.
    later = torch.cat([first, squares[:, 1:]], 1)
    each = (later / first - 1) / 2 * counted
    return each.sum(2) / counted.sum(2).clamp(min=1)


def iou(found: torch.Tensor, truth: torch.Tensor) -> torch.Tensor:
    """Intersection over union (...) of boxes (..., 2, 2): their first and last corner, (y, x).

    0 of boxes without an area in common, also of one whose corners are the wrong way round; nan
    where the truth is not known.
    """
    low, high = torch.maximum(found[..., 0, :], truth[..., 0, :]), _least(found, truth)
    common = (high - low).clamp(min=0).prod(-1)
    areas = [(of[..., 1, :] - of[..., 0, :]).clamp(min=0).prod(-1) for of in (found, truth)]
    return common / (areas[0] + areas[1] - common).clamp(min=IOU_EPS)


def iou_published(found: torch.Tensor, truth: torch.Tensor) -> torch.Tensor:
    """The published intersection over union, which is wrong of boxes without a common area.

    For comparison with published numbers alone: two boxes apart along both axes get a positive
    value, and one whose corners are the wrong way round a negative one. Arguments as `iou`.
    """
    low = torch.maximum(found[..., 0, :], truth[..., 0, :])
    common = (low - _least(found, truth)).prod(-1)
    areas = [(of[..., 1, :] - of[..., 0, :]).prod(-1) for of in (found, truth)]
    return (common + IOU_EPS) / (areas[0] + areas[1] - common + IOU_EPS)


def _least(found: torch.Tensor, truth: torch.Tensor) -> torch.Tensor:
    return torch.minimum(found[..., 1, :], truth[..., 1, :])


def _strain_error(found: torch.Tensor, truth: torch.Tensor, known: torch.Tensor) -> torch.Tensor:
    """Mean absolute difference of strain; found, truth: squared lengths (n, t, 24)."""
    counted = known & known[:, :1]
    apart = (strain(found, counted) - strain(truth, counted)).abs()
    return _mean(apart, counted.any(2))


def _mean(values: torch.Tensor, counted: torch.Tensor) -> torch.Tensor:
    return (values * counted).sum() / counted.sum().clamp(min=1)


def _checked(found: torch.Tensor, truth: torch.Tensor) -> torch.Tensor:
    """Predictions, in float32 at least."""
    if found.shape != truth.shape or found.ndim != 4 or found.shape[3] != 2:
        raise ValueError(
            f"points {tuple(found.shape)} against {tuple(truth.shape)}, expected (n, t, point, 2) "
            "of both"
        )
    return found.float() if found.dtype in (torch.float16, torch.bfloat16) else found


LOSSES: dict[str, PointLoss] = {"box": box, "ring_strain": ring_strain}
