"""Weights of an ensemble: those of all members in one file, so that a folder is a whole model."""

from collections.abc import Mapping
from pathlib import Path

import torch

from cmrseg.learn.weights import load_weights, save_weights

# Between the name of a member and that of an array; arrays of networks have dots in their names.
BETWEEN = "/"

Weights = dict[str, torch.Tensor]


def join_weights(members: Mapping[str, str | Path], path: str | Path) -> None:
    """Write the weights of several networks into one file. members: name -> weights file."""
    joined = {
        f"{name}{BETWEEN}{array}": value
        for name, file in members.items()
        for array, value in load_weights(file).items()
    }
    save_weights(joined, path)


def members_of(weights: Mapping[str, torch.Tensor]) -> dict[str, Weights]:
    """The weights of each member by its name, sorted; those of a single network have the name "".

    weights: as read from a file.
    """
    found: dict[str, Weights] = {}
    for name in sorted(weights):
        member, _, array = name.rpartition(BETWEEN)
        found.setdefault(member, {})[array] = weights[name]
    return found
