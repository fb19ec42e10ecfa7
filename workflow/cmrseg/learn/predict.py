"""Label maps of cines from a trained network."""

import logging
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import TypeVar

import numpy as np
import torch

from cmrseg.canvas import MULTIPLE_PX, Canvas
from cmrseg.cine import Cine
from cmrseg.labels import Target
from cmrseg.learn.cuda_images import CardImages, planes_for_card
from cmrseg.learn.ensemble_over_time import over_time
from cmrseg.learn.heart_window import find_heart
from cmrseg.learn.over_time import window_of
from cmrseg.learn.prepare import (
    as_float,
    check_one_grid,
    check_settings,
    prepare_cines,
)
from cmrseg.learn.threads import spread
from cmrseg.learn.views import Views
from cmrseg.nets.folded import folded
from cmrseg.nets.kinds import KINDS
from cmrseg.results.labelling import check_coarse, check_views
from cmrseg.sequences import USUAL, channels_of, image_path
from cmrseg.tasks.mean import mean_of
from cmrseg.tasks.reading import reading_of
from cmrseg.tasks.task import Reading
from cmrseg.tasks.windows import windows

logger = logging.getLogger(__name__)

# Batch sizes: fitting into the caches of a core, and large enough to use a graphics card fully.
BATCH, CARD_BATCH = 8, 100
# On a card weights and feature maps have 16 bits, and sums 32. With a trained network the label of
# 1 pixel in 100,000 changes; with bfloat16, which has a shorter mantissa, it would be 4. Some
# images of each cine are also segmented with 32 bits. If a smaller share of their pixels than this
# agrees, as with an untrained network or an overflow, the whole cine is segmented with 32 bits.
CARD_DTYPE = torch.float16
CHECKED_IMAGES, LEAST_AGREEMENT = 8, 0.9999
# Coprime to their number: neighbours in time are far apart in the stack.
SLICE_STEP = 5

# Planes or images of a cine, and their canvas.
Prepared = tuple[torch.Tensor, Canvas]
Result = TypeVar("Result")
# Called with the number of segmented images and of all images; an exception stops the work.
Progress = Callable[[int, int], None]


def predict_cine(
    network: torch.nn.Module,
    cine: Cine | Sequence[Cine],
    settings: Mapping,
    device: str = "cpu",
    batch: int | None = None,
    subject: str = "the cine",
    progress: Progress | None = None,
    coarse: Cine | None = None,
) -> np.ndarray:
    """Segment every slice and frame of a cine separately.

    network: as trained; it is not changed. cine: the image, or that of each channel of the network,
    on one grid. settings: sequence, tissues, activation, preparation, size_px and intensity of its
    training, and optionally `islands`, a rule by which islands are removed (measure.islands); what
    that removes is logged with the name `subject`; and `views`, over how many views of each image
    the shares are averaged (learn.views). device: cpu, cuda or mps. batch: images at once; slices
    and frames share batches. progress: called after each batch. coarse: label map of the coarse
    model, of settings that name one (`coarse`). Returns (t, z, y, x) uint8 `Tissue` on the cine's
    grid, see targets.decode: where channels share a pixel the one with the largest logit, the first
    one at ties. On a CPU labels depend neither on `batch` nor on the number of threads.
    Raises ValueError if the cine has values that are not finite.
    """
    labeller = Predictor(network, settings, device, batch)
    channels = [cine] if isinstance(cine, Cine) else list(cine)
    found = labeller.label(labeller.prepare(*channels, coarse=coarse, subject=subject), progress)()
    return labeller.finished(found, channels[0], subject)


class Predictor:
    """A network that labels one cine after another: `label(prepare(cine))()` is (n, ...).

    Arguments are those of `predict_cine`. reading: of the network's outputs, None for that of the
    settings' task; of label maps (n, y, x) uint8 come. The three steps may be in three threads: a
    processor prepares a cine while a card labels the one before.
    """

    def __init__(
        self,
        network: torch.nn.Module,
        settings: Mapping,
        device: str = "cpu",
        batch: int | None = None,
        reading: Reading | None = None,
    ) -> None:
        check_settings(settings)
        check_views(settings)
        check_coarse(settings)
        self.reading = reading or reading_of(settings)
        self.settings, self.device, self.window = settings, device, window_of(settings)
        kind = KINDS.get(settings.get("network", ""))
        self.multiple_px = kind.multiple_px if kind else MULTIPLE_PX
        # Frames of a window are labelled in the same way everywhere.
        self.on_card = device == "cuda" and self.window == 1
        self.batch = batch or (CARD_BATCH if self.on_card else BATCH)
        if self.window > 1:
            if Target.of_settings(settings).sigmoid:
                raise ValueError(
                    f"network {settings['network']} of tissues {settings['tissues']} with "
                    "sigmoids: it averages shares of softmax; choose another network"
                )
            self.over_time = over_time(network, self.window, device)
            return
        self.network = self._in_views(folded(network, device))
        if self.on_card:
            self.fast = self._in_views(folded(network, device, CARD_DTYPE))

    def _in_views(self, network: torch.nn.Module) -> torch.nn.Module:
        views = self.settings.get("views", 1)
        if views == 1:
            return network
        return Views(network, views, mean_of(self.settings))

    def prepare(
        self, *channels: Cine, coarse: Cine | None = None, subject: str = "the cine"
    ) -> Prepared:
        """What `label` takes of the image of each channel.

        coarse: label map of the settings' coarse model; that it found nothing is logged with the
        name `subject`. Raises ValueError if an image has values that are not finite, if grids
        differ, or if there are not as many images as the network sees, and its coarse labels.
        """
        sequence = self.settings.get("sequence", USUAL)
        if len(channels) != (wanted := len(channels_of(sequence))):
            raise ValueError(
                f"{len(channels)} images for a network of {sequence}; give one for each of its "
                f"{wanted} channels"
            )
        for cine in channels:
            if not np.isfinite(cine.voxels).all():
                raise ValueError(
                    "the cine has values that are not finite; repair or leave out the subject"
                )
        check_one_grid(channels)
        windows(len(channels[0].voxels), self.window)
        heart = find_heart(coarse, channels[0], self.settings, subject)
        voxels = [cine.voxels for cine in channels]
        if self.on_card:
            return planes_for_card(voxels, self.settings, self.multiple_px, heart)
        pixels, canvas = prepare_cines(voxels, self.settings, self.multiple_px, heart)
        if self.window > 1:
            return torch.from_numpy(pixels), canvas
        return torch.from_numpy(pixels.reshape(-1, *pixels.shape[2:])), canvas

    def read_coarse(self, folder: Path, sequence: str, cine: Cine) -> Cine:
        """The label map of a subject, from the folder of its coarse model's labels."""
        return Cine.load(image_path(folder, sequence))

    def save(self, found: np.ndarray, cine: Cine, folder: Path, sequence: str) -> None:
        """Write what `finished` gives into the folder of a subject."""
        self.reading.save(found, cine, folder, sequence)

    def finished(self, found: np.ndarray, cine: Cine, subject: str) -> np.ndarray:
        """What was found (n, ...) of all images of a cine, as (t, z, ...), see `Reading`."""
        ordered = found.reshape(*cine.voxels.shape[:2], *found.shape[1:])
        return self.reading.finished(ordered, subject)

    def label(
        self, prepared: Prepared, progress: Progress | None = None
    ) -> Callable[[], np.ndarray]:
        """Start segmentation, and return a function that waits for the labels and returns them.

        A card, which needs only a moment for a cine, reports no progress.
        """
        if self.on_card:
            return self._label_on_card(*prepared)
        each = self._each_slice if self.window > 1 else self._label
        labels = each(*prepared, progress)
        return lambda: labels

    def _each_slice(
        self, planes: torch.Tensor, canvas: Canvas, progress: Progress | None
    ) -> np.ndarray:
        """Labels (n, ...) of planes (t, z, y, x), frame after frame, one slice after another."""
        found, count = [], planes.shape[1]
        for z in range(count):
            shares = self.over_time.shares(planes[:, z], self._spread)
            found.append(self.reading.result(shares, canvas).cpu().numpy())
            if progress is not None:
                progress((z + 1) * len(planes), count * len(planes))
        labels = np.stack(found, 1)
        return labels.reshape(-1, *labels.shape[2:])

    def _label(self, planes: torch.Tensor, canvas: Canvas, progress: Progress | None) -> np.ndarray:
        pixels, found = planes.numpy(), []

        @torch.inference_mode()
        def label(first: int) -> np.ndarray:
            part = as_float(pixels[first : first + self.batch])
            images = torch.from_numpy(part[:, None] if part.ndim == 3 else part).to(self.device)
            # torch computes a single small image in another way, which rounds differently.
            output = self.network(images if len(images) > 1 else torch.cat([images, images]))
            return self.reading.result(output[: len(images)], canvas).cpu().numpy()

        labelled = 0
        # Closed at once if progress stops the work, so that threads are not waited for later.
        with closing(self._spread(label, range(0, len(pixels), self.batch))) as parts:
            for labels in parts:
                found.append(labels)
                labelled = min(labelled + self.batch, len(pixels))
                if progress is not None:
                    progress(labelled, len(pixels))
        return np.concatenate(found)

    def _spread(
        self, work: Callable[[int], Result], starts: range
    ) -> Generator[Result, None, None]:
        return spread(work, starts, self.device)

    def _label_on_card(self, planes: torch.Tensor, canvas: Canvas) -> Callable[[], np.ndarray]:
        images = CardImages(planes, canvas, self.settings, self.device)
        labels = label_on_card(self.fast, images, self.batch, self.reading)
        agreed = agreement(self.network, images, labels, self.reading)
        share, there = _fetched(agreed), _fetched(labels)
        done = torch.cuda.Event()
        done.record()

        def wait() -> np.ndarray:
            done.synchronize()
            if share.item() >= LEAST_AGREEMENT:
                return there.numpy()
            logger.warning(
                "%.3f %% of labels agree with those of 32 bits, which are taken", 100 * share.item()
            )
            again = CardImages(planes, canvas, self.settings, self.device)
            return label_on_card(self.network, again, self.batch, self.reading).cpu().numpy()

        return wait


@torch.inference_mode()
def label_on_card(
    network: torch.nn.Module, images: CardImages, batch: int, reading: Reading
) -> torch.Tensor:
    """Labels (n, ...) of a folded network; they stay on the card, and nothing waits for it.

    The type of the weights is that of all maps; 32 bits are never shortened.
    """
    dtype = next((weight.dtype for weight in network.parameters()), torch.float32)
    labels = []
    with torch.backends.cudnn.flags(enabled=True, allow_tf32=False):
        for first in range(0, len(images), batch):
            output = network(images[first : first + batch].to(dtype)).float()
            labels.append(reading.result(output, images.canvas))
    return torch.cat(labels)


def agreement(
    network: torch.nn.Module, images: CardImages, labels: torch.Tensor, reading: Reading
) -> torch.Tensor:
    """Share of labels of some images that agree with those of the network, on the card."""
    numbers = checked_images(len(images) // images.slices, images.slices)
    expected = label_on_card(network, images.chosen(numbers), CHECKED_IMAGES, reading)
    there = torch.from_numpy(numbers).to(labels.device, non_blocking=True)
    return (expected == labels[there]).double().mean()


def checked_images(frames: int, slices: int) -> np.ndarray:
    """Numbers of at most CHECKED_IMAGES images of a cine, which are frame after frame.

    Both frames and slices are spread evenly, slices in another order: as many of each as there
    are, or CHECKED_IMAGES.
    """
    number = np.arange(CHECKED_IMAGES)
    frame = (2 * number + 1) * frames // (2 * CHECKED_IMAGES)
    slice_ = (2 * (SLICE_STEP * number % CHECKED_IMAGES) + 1) * slices // (2 * CHECKED_IMAGES)
    return np.unique(frame * slices + slice_)


def _fetched(values: torch.Tensor) -> torch.Tensor:
    """Values of a card copied to memory asynchronously."""
    there = torch.empty(values.shape, dtype=values.dtype, pin_memory=True)
    return there.copy_(values, non_blocking=True)
