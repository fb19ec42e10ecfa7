"""Batches of slices on the training device."""

import numpy as np
import torch

from cmrseg.learn.slices import Slices
from cmrseg.learn.windows import window_rows, with_labels_of_middle


class Source:
    """Reads batches to a device; a GPU with room keeps the whole arrays.

    window: frames around each slice that are read with it. Errors as `window_rows`.
    """

    # Share of the free memory of a GPU that slices may take.
    SHARE = 0.4

    def __init__(self, slices: Slices, device: str, window: int = 1):
        self.slices, self.device = slices, device
        self.around = window_rows(slices.index, window) if window > 1 else None
        self.resident: tuple[torch.Tensor, ...] | None = None
        if torch.device(device).type == "cuda":
            free, _ = torch.cuda.mem_get_info(device)
            if slices.images.nbytes + slices.labels.nbytes < self.SHARE * free:
                self.keep()

    def keep(self) -> None:
        """Copy all images, as bytes, and labels to the device."""
        self.resident = tuple(torch.from_numpy(np.array(a)).to(self.device) for a in self._bytes())

    def read(self, rows: np.ndarray) -> tuple[torch.Tensor, torch.Tensor]:
        """Images (n, [c,] y, x) float32 in 0...1 and labels (n, y, x) uint8 of some rows.

        Both are (n, t, y, x) of windows, where frames without labels have those of their middle.
        """
        if self.around is None:
            return self._read(rows)
        images, labels = self._read(self.around[rows])
        return images, with_labels_of_middle(labels)

    def _read(self, rows: np.ndarray) -> tuple[torch.Tensor, torch.Tensor]:
        """Images and labels of rows (n,) or (n, t)."""
        if self.resident is not None:
            where = send(rows, self.device)
            images, labels = (array[where] for array in self.resident)
        elif torch.device(self.device).type == "cuda":
            # As bytes, which are a quarter of what travels.
            images, labels = (send(array[rows], self.device) for array in self._bytes())
        else:
            images, labels = (torch.from_numpy(a) for a in self.slices.batch(rows))
            return images.to(self.device), labels.to(self.device)
        if self.slices.images.dtype == np.float32:
            return images.view(torch.float32), labels
        # A tensor, as a card multiplies by the reciprocal of a number, which rounds differently.
        maximum = np.iinfo(self.slices.images.dtype).max
        highest = torch.full((), float(maximum), device=self.device)
        if maximum == 255:
            return images.float() / highest, labels
        # torch has limited support for uint16: low and high byte, in the order of the file.
        low, high = images.float().unflatten(-1, (-1, 2)).unbind(-1)
        return (low + 256 * high) / highest, labels

    def _bytes(self) -> tuple[np.ndarray, np.ndarray]:
        return self.slices.images.view(np.uint8), self.slices.labels


def send(array: np.ndarray, device: str | torch.device, dtype: torch.dtype | None = None):
    """An array as a tensor on a device, copied asynchronously to a GPU."""
    tensor = torch.as_tensor(np.require(array, requirements="W"), dtype=dtype)
    if torch.device(device).type == "cuda":
        return tensor.pin_memory().to(device, non_blocking=True)
    return tensor.to(device)


def as_input(images: torch.Tensor) -> torch.Tensor:
    """Images (n, [c,] y, x) as a network takes them: (n, c, y, x), channels last in memory.

    Windows (n, t, y, x) stay what they are.
    """
    channels = images[:, None] if images.ndim == 3 else images
    return channels.contiguous(memory_format=torch.channels_last)
