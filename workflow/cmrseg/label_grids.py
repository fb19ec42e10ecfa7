"""Label maps on another grid."""

import numpy as np

# Added to the share of the nearest label; less than any true difference of shares.
TIE = np.float32(1e-4)


def resize_labels(labels: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """Scale label planes (..., y, x) to (rows, columns); the outer edges stay where they are.

    A new pixel gets the label that covers most of its area, among equals that of the old pixel
    nearest to its centre. Picking the nearest pixel alone would shift every outline by half an old
    pixel where the size is halved, as a centre then lies between two pixels.
    """
    if labels.shape[-2:] == tuple(shape):
        return labels
    rows, columns = (
        np.minimum(((np.arange(n) + 0.5) * (size / n)).astype(int), size - 1)
        for n, size in zip(shape, labels.shape[-2:], strict=True)
    )
    planes = labels.reshape(-1, *labels.shape[-2:])
    best = planes[:, rows[:, None], columns]
    across_y, across_x = (
        _overlaps(size, n) for size, n in zip(labels.shape[-2:], shape, strict=True)
    )
    for plane, nearest in zip(planes, best, strict=True):
        values = np.unique(plane)
        shares = np.stack([across_y @ (plane == v).astype(np.float32) @ across_x.T for v in values])
        shares += TIE * (nearest == values[:, None, None])
        nearest[:] = values[shares.argmax(axis=0)]
    return best.reshape(*labels.shape[:-2], *shape)


def _overlaps(size: int, new: int):
    """(new, size): the share of each new pixel that each old one covers, along one axis; sparse.

    scipy is loaded here, as most maps stay on their grid.
    """
    from scipy import sparse

    edges = np.arange(new + 1) * (size / new)
    low, high = edges[:-1, None], edges[1:, None]
    pixel = np.arange(size)
    covered = np.minimum(high, pixel + 1) - np.maximum(low, pixel)
    return sparse.csr_array(np.clip(covered, 0, None).astype(np.float32) / (size / new))
