"""A model's folder as a MONAI bundle: the network as TorchScript, with metadata and a config."""

import json
import re
import shutil
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch

from cmrseg.channels import channel_count
from cmrseg.export.version import VERSION
from cmrseg.labels import Target
from cmrseg.learn.label import load_model
from cmrseg.nets.kinds import KINDS
from cmrseg.sequences import channels_of
from cmrseg.tasks.kinds import kind_of

SCHEMA = (
    "https://github.com/Project-MONAI/MONAI-extra-test-data/releases/download/0.8.1/"
    "meta_schema_20240725.json"
)
# The version of MONAI that bundles are tried with.
MONAI = "1.6.1"
NETWORK, CARD, TERMS = "models/model.ts", "docs/README.md", "docs/license.txt"
ABOUT = """\
{name} as a MONAI bundle. `{network}` is the network: prepared slices
(n, {channels}, {size}, {size}) float32 to logits (n, {outputs}, {size}, {size}). The bundle does
not prepare images: `inference.json` reads `images/*.npy`, (channels, y, x) each, as
`Predictor.prepare` of cmrseg makes them with preparation {preparation}, and writes label maps of
them to `eval/`. What follows is the card of the model.

"""


def write_bundle(model: Path, folder: Path) -> None:
    """Write the bundle of a model.

    model: its folder (weights.safetensors, record.json, README.md). folder: to fill. Whoever gets
    the bundle finds the card, the record, and the terms of the card in `docs`.
    The network answers as the model does for one image of any number. Raises ValueError for models
    that a network of single images with exclusive tissues does not tell: of points, over time,
    ensembles, averages of views, sigmoids.
    """
    network, settings = load_model(model)
    if fault := unfit(settings):
        raise ValueError(f"{model.name}: {fault}; a bundle holds a network of single images")
    channels, size = channel_count(settings), settings["size_px"]
    target = Target.of_settings(settings)
    for place in ("configs", "models", "docs"):
        (folder / place).mkdir()
    network.eval()
    example = torch.zeros(1, channels, size, size)
    with warnings.catch_warnings(), torch.no_grad():
        # That sizes which the network computes are fixed, as is that of its images.
        warnings.simplefilter("ignore")
        scripted = torch.jit.trace(network, example, check_trace=False)
        torch.jit.save(scripted, folder / NETWORK)
    _write_json(folder / "configs/metadata.json", _metadata(model.name, settings, target))
    _write_json(folder / "configs/inference.json", _inference())
    about = ABOUT.format(
        name=model.name,
        network=NETWORK,
        channels=channels,
        size=size,
        outputs=target.channels,
        preparation=settings["preparation"],
    )
    card = (model / "README.md").read_text("utf-8") if (model / "README.md").exists() else ""
    (folder / CARD).write_text(about + card, "utf-8", newline="\n")
    if terms := terms_in(card):
        (folder / TERMS).write_text(f"{terms}\n", "utf-8", newline="\n")
    shutil.copyfile(model / "record.json", folder / "docs/record.json")


def terms_in(card: str) -> str:
    """The section of a model's card that says under which terms it may be used, "" without one."""
    found = re.search(r"^## Terms\n+(.*?)\s*(?=^## |\Z)", card, re.M | re.S)
    return found[1] if found else ""


def unfit(settings: Mapping[str, Any]) -> str:
    """Why a model cannot be a bundle; "" where it can."""
    if kind_of(settings).writes != "label map":
        return "it places points"
    if KINDS[settings["network"]].window > 1:
        return "it sees several frames together"
    if settings.get("members"):
        return "it is an ensemble"
    if settings.get("views", 1) > 1:
        return "it averages several views of an image"
    if Target.of_settings(settings).sigmoid:
        return "its tissues overlap"
    return ""


def _metadata(name: str, settings: Mapping[str, Any], target: Target) -> dict[str, Any]:
    size = [settings["size_px"]] * 2
    sequences = [sequence.name for sequence in channels_of(settings["sequence"])]
    seen = sequences + ["labels of a coarse model"] * (channel_count(settings) - len(sequences))
    plain = {"is_patch_data": False, "dtype": "float32", "spatial_shape": size}
    return {
        "schema": SCHEMA,
        "name": name,
        "version": VERSION,
        "changelog": {VERSION: "exported"},
        "monai_version": MONAI,
        "pytorch_version": torch.__version__.partition("+")[0],
        "numpy_version": np.__version__,
        "required_packages_version": {},
        "task": f"segmentation of {sequences[0]}",
        "description": f"{settings['network']}, {', '.join(r.name for r in target.regions)}. "
        "Research use, not a medical device",
        "authors": "see docs/README.md",
        "copyright": "see docs/README.md",
        "network_data_format": {
            "inputs": {
                "image": {
                    "type": "image",
                    "format": "magnitude",
                    "modality": "MR",
                    "num_channels": len(seen),
                    "value_range": [0, 1],
                    "channel_def": {str(i): text for i, text in enumerate(seen)},
                    **plain,
                }
            },
            "outputs": {
                "pred": {
                    "type": "image",
                    "format": "segmentation",
                    "num_channels": target.channels,
                    "value_range": [],
                    "channel_def": {
                        "0": "background",
                        **{str(i): r.name for i, r in enumerate(target.regions, start=1)},
                    },
                    **plain,
                }
            },
        },
    }


def _inference() -> dict[str, Any]:
    return {
        "imports": ["$import glob", "$import numpy as np", "$import os", "$import torch"],
        "bundle_root": ".",
        "images_dir": "$os.path.join(@bundle_root, 'images')",
        "output_dir": "$os.path.join(@bundle_root, 'eval')",
        "device": "$torch.device('cuda' if torch.cuda.is_available() else 'cpu')",
        "network_def": (
            f"$torch.jit.load(os.path.join(@bundle_root, '{NETWORK}'), map_location=@device)"
        ),
        "network": "$@network_def.to(@device).eval()",
        "files": "$sorted(glob.glob(os.path.join(@images_dir, '*.npy')))",
        "preprocessing": {
            "_target_": "Compose",
            "transforms": [
                {"_target_": "LoadImaged", "keys": "image", "reader": "NumpyReader"},
                {"_target_": "EnsureTyped", "keys": "image", "dtype": "$torch.float32"},
            ],
        },
        "inferer": {"_target_": "SimpleInferer"},
        "postprocessing": {"_target_": "AsDiscrete", "argmax": True},
        # Defaults of arguments, as a name of the config is not known within a function.
        "segment": (
            "$lambda path, read=@preprocessing, device=@device, infer=@inferer, net=@network, "
            "decide=@postprocessing: decide(infer(read({'image': path})['image'][None].to(device), "
            "net)[0])"
        ),
        "save": (
            "$lambda path, segment=@segment, folder=@output_dir: np.save(os.path.join(folder, "
            "os.path.basename(path)), np.asarray(segment(path).cpu(), np.uint8)[0])"
        ),
        "run": ["$os.makedirs(@output_dir, exist_ok=True)", "$list(map(@save, @files))"],
    }


def _write_json(path: Path, content: Mapping[str, Any]) -> None:
    path.write_text(json.dumps(content, indent=2) + "\n", "utf-8", newline="\n")
