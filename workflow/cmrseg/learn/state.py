"""The full state of a training run, in a file that is never a pickle."""

import hashlib
import json
import logging
from collections.abc import Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import safetensors
import torch
from safetensors.torch import save_file

from cmrseg.files import replacing
from cmrseg.learn.weights import on_cpu
from cmrseg.nets.build import build_network, network_settings
from cmrseg.nets.encoder import EncodedNetwork
from cmrseg.nets.network import Network

log = logging.getLogger(__name__)

STATE_FILE = "state.safetensors"
# All plain values are one JSON text: safetensors writes several in random order.
METADATA_KEY = "state"
# The last layers of every network; the only ones that depend on the number of channels.
HEAD = "logits."


@dataclass
class State:
    """The state needed to resume after some epochs.

    epochs_done: number of finished epochs. network: weights and statistics. optimiser: moments
    and step counts of each parameter, {number: {name: tensor}}; empty before the first epoch.
    history: one row per epoch. best: weights of the best epoch on the CPU, of a training that
    keeps it; they are never changed in place. averaged: as `network`, the moving average of a
    training that has one. Random draws depend on seed and epoch alone.
    """

    epochs_done: int = 0
    network: dict[str, torch.Tensor] = field(default_factory=dict)
    optimiser: dict[int, dict[str, torch.Tensor]] = field(default_factory=dict)
    history: list[dict[str, Any]] = field(default_factory=list)
    best: dict[str, torch.Tensor] = field(default_factory=dict)
    averaged: dict[str, torch.Tensor] = field(default_factory=dict)


def start_network(
    settings: Mapping[str, Any], start_state: Mapping[str, torch.Tensor] | None, seed: int
) -> Network:
    """The network of a row with its initial weights; random ones are drawn with `seed`.

    Raises ValueError if weights are missing or do not fit.
    """
    start = settings["start"]
    if (start == "random") != (start_state is None):
        raise ValueError(
            f"start {start!r} {'takes no' if start == 'random' else 'needs'} start weights"
        )
    network = build_network(network_settings(settings), torch.Generator().manual_seed(seed))
    if start_state is None:
        return network
    if start == "imagenet":
        if not isinstance(network, EncodedNetwork):
            raise ValueError(
                f"network {settings['network']} has no ImageNet weights; start it at random"
            )
        network.encoder.load_imagenet(start_state)
    else:
        own = network.state_dict()
        given = _with_weights_over_time(network, start_state, start)
        head = {name: value for name, value in own.items() if name.startswith(HEAD)}
        other = [
            name
            for name, value in head.items()
            if name in given and given[name].shape != value.shape
        ]
        if other:
            classes = [len(weights[other[0]]) for weights in (given, own)]
            log.warning(
                "start %s has %d classes, the model %d: its last layer (%s) starts at random",
                *(start, *classes, ", ".join(head)),
            )
            given |= head
        try:
            network.load_state_dict(given)
        except RuntimeError as error:
            raise ValueError(
                f"weights of start {start!r} do not fit: {error}; "
                "a model starts from one of the same network, encoder and width"
            ) from error
    return network


def _with_weights_over_time(
    network: Network, start_state: Mapping[str, torch.Tensor], start: str
) -> dict[str, torch.Tensor]:
    """Weights of a start, with the network's own over time where the start has none of these."""
    given, own = dict(start_state), network.state_dict()
    over_time = {name for name in own if name.startswith(network.over_frames)}
    if over_time <= given.keys():
        return given
    log.info(
        "start %s sees single frames: what the model has over time (%s) starts at random",
        *(start, ", ".join(sorted(over_time))),
    )
    return {name: value for name, value in given.items() if name not in over_time} | {
        name: own[name] for name in over_time
    }


def fingerprint(inputs: Mapping[str, Any]) -> str:
    """sha256 of plain values, as JSON with sorted keys."""
    text = json.dumps(inputs, sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()


def digest_weights(weights: Mapping[str, torch.Tensor]) -> str:
    """sha256 of names and values of a state dict."""
    digest = hashlib.sha256()
    for name, value in sorted(on_cpu(weights).items()):
        digest.update(f"{name} {tuple(value.shape)} {value.dtype}".encode())
        digest.update(value.reshape(-1).view(torch.uint8).numpy().tobytes())
    return digest.hexdigest()


def save_state(state: State, folder: Path, mark: str) -> None:
    """Replace the state in a folder, in one file, so that a killed job leaves a complete one.

    mark: fingerprint of everything that the run depends on.
    """
    tensors = {f"network.{name}": value for name, value in state.network.items()}
    tensors |= {f"best.{name}": value for name, value in state.best.items()}
    tensors |= {f"averaged.{name}": value for name, value in state.averaged.items()}
    for number, moments in state.optimiser.items():
        tensors |= {f"optimiser.{number}.{name}": value for name, value in moments.items()}
    plain = {"epochs_done": state.epochs_done, "history": state.history, "fingerprint": mark}
    folder.mkdir(parents=True, exist_ok=True)
    with replacing(folder / STATE_FILE) as temporary:
        save_file(on_cpu(tensors), temporary, {METADATA_KEY: json.dumps(plain)})


class Saver:
    """Saves the state after each epoch, that of a GPU while the next one computes.

    folder: target folder, None to save nothing. Errors are raised by the next call, or at the end
    of the `with` block, which waits for the last state.
    """

    def __init__(self, folder: str | Path | None, mark: str):
        self.folder, self.mark = folder, mark
        self.pool = ThreadPoolExecutor(1)
        self.pending: Future | None = None

    def __enter__(self) -> "Saver":
        return self

    def __exit__(self, *error: object) -> None:
        self.pool.shutdown()
        if error[0] is None:
            self.wait()

    def wait(self) -> None:
        """Return when nothing is left to write."""
        pending, self.pending = self.pending, None
        if pending is not None:
            pending.result()

    def save(self, state: State) -> None:
        """Save the current state; its tensors may change afterwards."""
        if self.folder is None:
            return
        self.wait()
        if not any(value.is_cuda for value in state.network.values()):
            save_state(state, Path(self.folder), self.mark)
            return
        network, averaged = _copies(state.network), _copies(state.averaged)
        optimiser = {number: _copies(moments) for number, moments in state.optimiser.items()}
        copied = torch.cuda.Event()
        copied.record()
        copy = State(
            state.epochs_done, network, optimiser, list(state.history), state.best, averaged
        )

        def write() -> None:
            copied.synchronize()
            save_state(copy, Path(str(self.folder)), self.mark)

        self.pending = self.pool.submit(write)


def _copies(tensors: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """Copies on the CPU; those of a GPU arrive later, in the order of its work."""
    return {name: value.detach().to("cpu", non_blocking=True) for name, value in tensors.items()}


def load_state(folder: Path, mark: str) -> State:
    """The state in a folder, or a new one if there is none with this fingerprint."""
    path = folder / STATE_FILE
    if not path.exists():
        return State()
    try:
        with safetensors.safe_open(path, "pt") as file:
            plain = json.loads(file.metadata()[METADATA_KEY])
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except (safetensors.SafetensorError, KeyError, TypeError, ValueError) as error:
        log.warning("%s: not a readable state (%s); training starts anew", path, error)
        return State()
    if plain["fingerprint"] != mark:
        log.warning(
            "%s: left by a run with other settings, slices or start; training starts anew", path
        )
        return State()
    state = State(epochs_done=plain["epochs_done"], history=plain["history"])
    for name, value in tensors.items():
        part, rest = name.split(".", 1)
        if part in ("network", "best", "averaged"):
            getattr(state, part)[rest] = value
        else:
            number, moment = rest.split(".", 1)
            state.optimiser.setdefault(int(number), {})[moment] = value
    log.info("%s: going on after %d epochs", path, state.epochs_done)
    return state


def restore_optimiser(
    optimiser: torch.optim.Optimizer, moments: Mapping[int, Mapping[str, torch.Tensor]]
) -> None:
    """Give a new optimiser the moments of a saved one, in the memory layout of its parameters."""
    full = optimiser.state_dict()
    parameters = [p for group in optimiser.param_groups for p in group["params"]]
    full["state"] = {
        number: {
            name: torch.empty_like(parameters[number], device="cpu").copy_(value)
            if value.ndim
            else value
            for name, value in values.items()
        }
        for number, values in moments.items()
    }
    optimiser.load_state_dict(full)
