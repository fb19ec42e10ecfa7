"""Training steps as a process: `training.py ours|plain SLICES BATCH STEPS THREADS`.

`plain` is what a script of plain PyTorch does: the same network, loss, optimiser and schedule with
float32 maps in torch's own order, and a loader whose processes read and augment image by image.
"""

import json
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parents[2] / "workflow")]

import numpy as np  # noqa: E402
import torch  # noqa: E402
from torch.nn import functional  # noqa: E402

from cmrseg.labels import UNLABELLED  # noqa: E402
from cmrseg.learn.augment import apply_transforms, draw_transforms  # noqa: E402
from cmrseg.learn.schedule import (  # noqa: E402
    STOPPING,
    EpochPlan,
    make_optimiser,
    plan_epochs,
    set_step,
)
from cmrseg.learn.slices import Slices  # noqa: E402
from cmrseg.learn.source import Source  # noqa: E402
from cmrseg.learn.state import start_network  # noqa: E402
from cmrseg.learn.step import (  # noqa: E402
    FLOAT32,
    Mode,
    computing,
    loss_function,
    training_step,
)
from cmrseg.nets.images import IMAGENET_MEAN, IMAGENET_SD  # noqa: E402
from cmrseg.tasks.build import task_of  # noqa: E402

SETTINGS = {
    "network": "unet",
    "encoder": "resnet34",
    "width": 64,
    "sequence": "sa",
    "tissues": "lv,my",
    "subset": "all",
    "splits": "train",
    "start": "random",
    "preparation": "unet",
    "size_px": 256,
    "intensity": "linear",
    "augmentation": "extreme",
    "loss": "ce",
    "batch": 32,
    "schedule": "onecycle",
    "lr_frozen": 1e-3,
    "epochs_frozen": 0,
    "lr": 1e-3,
    "epochs": 10,
}

# Does some steps of a training and gives their losses.
Steps = Callable[[int], list[torch.Tensor]]


def our_steps(
    slices: Slices,
    settings: dict,
    device: str,
    mode: Mode = FLOAT32,
    changed: Callable = lambda n: n,
) -> Steps:
    """Steps as `cmrseg.learn.train` does them. changed: what is made of the network first."""
    network = start_network(settings, None, 0).to(device)
    network = changed(network.to(memory_format=torch.channels_last)).train()
    optimiser = make_optimiser(settings["schedule"], list(network.parameters()), device == "cuda")
    loss_of, source = (
        loss_function(network, task_of(settings), mode),
        Source(slices, device),
    )
    rng, now = np.random.default_rng(0), plan_epochs(settings)[0]

    def steps(count: int) -> list[torch.Tensor]:
        losses = []
        with computing(mode, device):
            for step in range(count):
                rows = rng.choice(len(slices.index), settings["batch"], replace=False)
                transforms = draw_transforms(
                    rng, len(rows), settings["augmentation"], settings["size_px"]
                )
                images, labels = apply_transforms(*source.read(rows), transforms)
                set_step(optimiser, settings["schedule"], now, step, count)
                losses.append(training_step(loss_of, optimiser, images, labels))
                if device == "cpu":
                    losses[-1].item()
        return losses

    return steps


class PlainInput(torch.nn.Module):
    """Three equal channels in the units of ImageNet weights, in torch's own order."""

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("mean", torch.tensor(IMAGENET_MEAN)[:, None, None], persistent=False)
        self.register_buffer("sd", torch.tensor(IMAGENET_SD)[:, None, None], persistent=False)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return ((images - self.mean) / self.sd).contiguous()


class Pictures(torch.utils.data.Dataset):
    """One augmented image (1, y, x) and its labels (y, x) at a time."""

    def __init__(self, slices: Slices, rows: np.ndarray, settings: dict) -> None:
        self.slices, self.rows, self.settings = slices, rows, settings

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, number: int) -> tuple[torch.Tensor, torch.Tensor]:
        images, labels = (torch.from_numpy(a) for a in self.slices.batch(self.rows[[number]]))
        # torch gives each worker and epoch a seed of its own.
        rng = np.random.default_rng(int(torch.randint(2**62, ())))
        transforms = draw_transforms(
            rng, 1, self.settings["augmentation"], self.settings["size_px"]
        )
        images, labels = apply_transforms(images, labels, transforms)
        return images, labels[0].long()


def plain_network(settings: dict, device: str) -> torch.nn.Module:
    network = start_network(settings, None, 0)
    if hasattr(network, "input"):
        network.input = PlainInput()
    return network.to(device).train()


def plain_loader(slices: Slices, rows: np.ndarray, settings: dict, workers: int, pin: bool):
    return torch.utils.data.DataLoader(
        Pictures(slices, rows, settings),
        settings["batch"],
        shuffle=True,
        drop_last=True,
        num_workers=workers,
        pin_memory=pin,
        persistent_workers=True,
    )


def plain_step(
    network: torch.nn.Module,
    optimiser: torch.optim.Optimizer,
    settings: dict,
    batch: tuple[torch.Tensor, torch.Tensor],
    place: tuple[EpochPlan, int, int],
) -> torch.Tensor:
    """One step. place: the epoch, and step and number of steps in it."""
    device = next(network.parameters()).device
    images, labels = (tensor.to(device, non_blocking=True) for tensor in batch)
    set_step(optimiser, settings["schedule"], *place)
    optimiser.zero_grad()
    if settings["loss"] == "ce":
        loss = functional.cross_entropy(network(images), labels, ignore_index=UNLABELLED)
    else:
        loss = task_of(settings).loss(network.heads(images), labels)
    loss.backward()
    optimiser.step()
    return loss.detach()


def plain_optimiser(network: torch.nn.Module, settings: dict) -> torch.optim.Optimizer:
    if settings["schedule"] == STOPPING:
        return torch.optim.Adam(network.parameters(), eps=1e-7)
    return torch.optim.AdamW(network.parameters(), betas=(0.95, 0.99), eps=1e-8, weight_decay=0.01)


def endless(loader) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
    while True:
        yield from loader


def plain_steps(slices: Slices, settings: dict, device: str, workers: int) -> Steps:
    network, now = plain_network(settings, device), plan_epochs(settings)[0]
    optimiser = plain_optimiser(network, settings)
    rows = slices.index["row"].to_numpy()
    batches = endless(plain_loader(slices, rows, settings, workers, device == "cuda"))

    def steps(count: int) -> list[torch.Tensor]:
        losses = []
        for step in range(count):
            place = now, step, count
            losses.append(plain_step(network, optimiser, settings, next(batches), place))
            losses[-1].item()  # as most scripts do, to show it
        return losses

    return steps


def main(kind: str, folder: str, batch: str, count: str, threads: str) -> None:
    torch.set_num_threads(int(threads))
    slices, settings = Slices.load(Path(folder)), SETTINGS | {"batch": int(batch)}
    if kind == "ours":
        import stage

        stage.keep_memory()
        steps = our_steps(slices, settings, "cpu")
    else:
        steps = plain_steps(slices, settings, "cpu", workers=1)
    for _ in sys.stdin:
        started, worked = time.perf_counter(), time.process_time()
        steps(int(count))
        told = {
            "seconds": time.perf_counter() - started,
            "processor_s": time.process_time() - worked,
        }
        print(json.dumps(told), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
