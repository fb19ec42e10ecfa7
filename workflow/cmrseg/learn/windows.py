"""Training windows of a network over time: which slices they are of, and what they are labelled."""

import numpy as np
import pandas as pd
import torch

from cmrseg.labels import UNLABELLED
from cmrseg.tasks.windows import windows


def window_rows(index: pd.DataFrame, length: int) -> np.ndarray:
    """Rows (n, length) of the slices in the cyclic window around each of the n rows.

    index: of the slices, with all frames of each cine: subject, slice, frame, row, which counts
    from 0. Raises ValueError naming the subject of a cine that lacks frames or has fewer than a
    window.
    """
    found = np.empty((len(index), length), np.int64)
    for (subject, number), cine in index.groupby(["subject", "slice"], sort=False):
        ordered = cine.sort_values("frame")
        if ordered["frame"].tolist() != list(range(len(ordered))):
            raise ValueError(
                f"subject {subject}, slice {number + 1}: {len(ordered)} frames up to number "
                f"{ordered['frame'].iloc[-1] + 1} in the slices; a network over time needs all"
            )
        rows = ordered["row"].to_numpy()
        try:
            found[rows] = rows[windows(len(rows), length)]
        except ValueError as error:
            raise ValueError(f"subject {subject}: {error}") from error
    return found


def with_labels_of_middle(labels: torch.Tensor) -> torch.Tensor:
    """Labels (n, t, y, x) in which frames that nobody labelled have those of the middle frame.

    Bai et al. 2018 do so where labels were not propagated. Nothing waits for the device.
    """
    told = (labels != UNLABELLED).flatten(2).any(2)[..., None, None]
    middle = labels.shape[1] // 2
    return torch.where(told, labels, labels[:, middle : middle + 1])
