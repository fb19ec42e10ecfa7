"""Small networks of tagged cines whose random weights place a box and a ring where hearts are."""

import json
from pathlib import Path
from typing import Any

import torch

import tagging_builder as built
from cmrseg.learn.weights import save_weights
from cmrseg.nets.build import build_network, network_settings
from networks import network_of

# Corners of the box as parts of the image from its middle, and how much random weights count.
QUARTER, RANDOM = 0.25, 0.02
# The ring as parts of the window.
RING = (torch.tensor(built.ring()) - torch.tensor(built.CENTRE)) / 40
MODELS: dict[str, dict[str, Any]] = {
    "box": {"network": "tag_box", "preparation": "tag_frame"},
    "ring": {"network": "tag_ring", "preparation": "tag_window", "coarse": "box"},
}


def write_networks(folder: Path, **changes: Any) -> Path:
    """Folders `box` and `ring` of models. Returns that of landmarks.

    changes: of its settings.
    """
    for name, about in MODELS.items():
        settings = network_of(about["network"], 2, "lv,my") | about
        settings |= {"intensity": "linear", "activation": "", "cohort": "tagged", "start": "random"}
        network = build_network(network_settings(settings), torch.Generator().manual_seed(1))
        last = network.corners if name == "box" else network.landmarks
        corners = torch.tensor([-QUARTER, -QUARTER, QUARTER, QUARTER])
        with torch.no_grad():
            last.weight.mul_(RANDOM)
            last.bias.copy_(corners if name == "box" else RING.flatten())
        (folder / name).mkdir(parents=True)
        save_weights(network.state_dict(), folder / name / "weights.safetensors")
        settings |= changes if name == "ring" else {}
        (folder / name / "record.json").write_text(json.dumps({"settings": settings}))
    return folder / "ring"
