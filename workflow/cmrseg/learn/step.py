"""One step of a training: its computation on a device, and its compiled form."""

import logging
import os
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch.utils._triton import has_triton

from cmrseg.canvas import PREPARATIONS
from cmrseg.learn.schedule import norm_momentum, plan_epochs
from cmrseg.learn.slices import Slices
from cmrseg.learn.source import as_input
from cmrseg.nets.kinds import KINDS
from cmrseg.nets.network import Network
from cmrseg.tasks.task import Task

log = logging.getLogger(__name__)

# Loss of images (n, y, x) in 0...1 and labels (n, y, x): a tensor of one number.
LossOf = Callable[[torch.Tensor, torch.Tensor], torch.Tensor]

# On an H100 a step of the U-Net took 23.7 ms without compiling, 29.5 ms compiled, as the CPU cannot
# launch kernels fast enough, and 13.2 ms as one CUDA graph; the published U-Net took 63 ms and as a
# graph 39 ms, UNet 3+ 68 and 34 ms. Compiling took 45 s. It is not known whether the random dropout
# of UNet 3+ is the same in a graph after resuming.
COMPILED, COMPILED_FROM_STEPS = "reduce-overhead", 10_000


@dataclass(frozen=True)
class Mode:
    """How a step is computed. It affects the last digits of the weights, so it is in the record.

    bfloat16: precision of the products in convolutions; weights, their averages and the loss are
    always float32. compiled: mode of torch.compile, "" for none. deterministic: only operations
    with repeatable results; a GPU lacks some and warns of them.
    """

    bfloat16: bool = False
    compiled: str = ""
    deterministic: bool = True


FLOAT32 = Mode()


def choose_mode(settings: Mapping[str, Any], slices: Slices, device: str) -> Mode:
    """How a device computes a row's training.

    On a CPU in the `precision` of the row; the log says where the processor has no instructions for
    it. A CUDA device takes bfloat16 wherever it can, others plain float32. There a training is
    compiled if it is long enough, its network gets faster, its batches have one size, its weights
    are not averaged, and Triton finds a C compiler.
    """
    kind, bfloat16 = torch.device(device).type, settings.get("precision") == "bfloat16"
    if kind == "cpu" and bfloat16:
        if not has_bfloat16():
            log.warning(
                "this processor has no instructions for bfloat16 (AVX512-BF16 or AMX): the "
                "training is slower than with precision float32"
            )
        log.info("cpu: products of convolutions in bfloat16")
        return Mode(bfloat16=True)
    if kind != "cuda":
        if bfloat16:
            log.warning("precision bfloat16 is for processors and CUDA; %s takes float32", kind)
        return FLOAT32
    bfloat16 = torch.cuda.is_bf16_supported(including_emulation=False)
    count = len(slices.select(str(settings["splits"]).split(",")))
    steps = len(plan_epochs(settings, count, count)) * (count // settings["batch"])
    one_size = not PREPARATIONS[settings["preparation"]].joint
    alike = one_size and not settings.get("averaged", 0)
    worth = KINDS[settings["network"]].compiled and alike and steps >= COMPILED_FROM_STEPS
    able = has_triton() and any(map(shutil.which, (os.environ.get("CC", "cc"), "gcc", "clang")))
    if worth and not able:
        log.info("the network is not compiled: Triton or a C compiler is missing here")
    mode = Mode(bfloat16, COMPILED if worth and able else "")
    log.info("%s: %d steps at most, %s", device, steps, mode)
    return mode


def has_bfloat16() -> bool:
    """Whether this processor multiplies in bfloat16 by itself."""
    able = torch.cpu.get_capabilities()
    # Of x86; of ARM.
    return any(able.get(name, False) for name in ("avx512_bf16", "amx_bf16", "bf16", "sve_bf16"))


def batch_loss(
    network: Network, images: torch.Tensor, labels: torch.Tensor, task: Task, mode: Mode
) -> tuple[torch.Tensor, torch.Tensor]:
    """Loss of a batch, and the network's output (n, c, y, x), float32.

    images: (n, y, x) float32 in 0...1. labels: (n, y, x) uint8. Of windows all have an axis t
    behind n.
    """
    with torch.autocast(images.device.type, torch.bfloat16, enabled=mode.bfloat16):
        heads = network.heads(as_input(images))
    return task.loss(heads, labels), heads[-1].float()


def loss_function(network: Network, task: Task, mode: Mode) -> LossOf:
    """The loss of a batch in training, compiled where the mode says so."""

    def loss_of(images: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        return batch_loss(network, images, labels, task, mode)[0]

    if not mode.compiled:
        return loss_of
    # Completely or not at all: a part that cannot be compiled is an error instead of a slow step.
    return torch.compile(loss_of, fullgraph=True, dynamic=False, mode=mode.compiled)


def training_step(
    loss_of: LossOf,
    optimiser: torch.optim.Optimizer,
    images: torch.Tensor,
    labels: torch.Tensor,
) -> torch.Tensor:
    """Change the weights by one batch; returns its loss, which may not be computed yet."""
    optimiser.zero_grad()
    loss = loss_of(images, labels)
    loss.backward()
    optimiser.step()
    # A copy, as a compiled step writes the next loss to the same place.
    return loss.detach().clone()


class NewNorms:
    """Batch norms of a new network: the initial values of their statistics get no weight.

    Statistics of pre-trained weights are kept, those of a new network are not; the published U-Net
    kept both. On a CPU each step has its own momentum (see schedule.norm_momentum). For a compiler
    this would be a different program in each step, so elsewhere momentum is constant and the sum
    of an epoch is divided by its weight, which is equal except for rounding. Weights that are
    averaged need the statistics of each step, and are not compiled.
    """

    def __init__(self, network: torch.nn.Module, settings: Mapping[str, Any], device: str):
        self.each_step = torch.device(device).type == "cpu" or settings.get("averaged", 0) > 0
        self.norms = [
            (module, module.momentum)
            for module in network.modules()
            if settings["start"] == "random"
            and not KINDS[settings["network"]].keeps_first_norms
            and isinstance(module, torch.nn.BatchNorm2d)
            and module.momentum is not None
        ]

    @contextmanager
    def epoch(self, first: int, steps: int) -> Iterator[Callable[[int], None]]:
        """Gives what is to be called before each step of an epoch, with its number in the run.

        first: number of the epoch's first step in the run. steps: of the epoch.
        """
        if self.each_step:
            yield self._set_momentum
            return
        self._weigh(first, torch.Tensor.mul_)
        yield lambda step: None
        self._weigh(first + steps, torch.Tensor.div_)

    def _set_momentum(self, step: int) -> None:
        for norm, momentum in self.norms:
            norm.momentum = norm_momentum(momentum, step)

    def _weigh(self, steps: int, times: Callable) -> None:
        """Multiply or divide by the weight of all steps so far, from 0 at the start to 1."""
        for norm, momentum in self.norms:
            for statistic in (norm.running_mean, norm.running_var):
                times(statistic, 1 - (1 - momentum) ** steps)


@contextmanager
def computing(mode: Mode, device: str) -> Iterator[None]:
    """Deterministic operations only, where the mode says so."""
    before = torch.are_deterministic_algorithms_enabled()
    warned = torch.is_deterministic_algorithms_warn_only_enabled()
    memory: Any = torch.utils.deterministic
    filled = memory.fill_uninitialized_memory
    torch.use_deterministic_algorithms(
        mode.deterministic, warn_only=torch.device(device).type != "cpu"
    )
    # Filling memory before it is written detects faulty operations, but costs a pass over it.
    memory.fill_uninitialized_memory = False
    try:
        yield
    finally:
        torch.use_deterministic_algorithms(before, warn_only=warned)
        memory.fill_uninitialized_memory = filled


@contextmanager
def seeded(seed: int, epoch: int, device: str) -> Iterator[None]:
    """Random draws of PyTorch itself, such as dropout, only depend on seed and epoch.

    Afterwards its generators are restored.
    """
    own = np.random.SeedSequence([seed, epoch]).generate_state(1, np.uint64)[0]
    where = torch.device(device)
    devices = [where] if where.type == "cuda" else []
    with torch.random.fork_rng(devices):
        torch.manual_seed(int(own))
        yield
