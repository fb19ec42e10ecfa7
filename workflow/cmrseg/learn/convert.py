"""Conversion of published weights as a job: downloaded files in, safetensors out."""

import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from cmrseg.files import sha256
from cmrseg.learn.weights import save_weights
from cmrseg.nets.keras_hdf5 import CLASSES, keras_width, read_unet3plus
from cmrseg.nets.network import MOST_WIDTH
from cmrseg.nets.published import read_published, sizes_of
from cmrseg.nets.tensorbundle import data_file, index_file, read_index
from cmrseg.results.record import record


def convert_weights(
    name: str,
    weights: Mapping[str, Any],
    folder: str | Path,
    outputs: Mapping[str, str],
    code: list[str],
) -> None:
    """Make a model's folder of a published checkpoint.

    name: of the model. weights: its entry in resources/weights.yaml. folder: holds the
    checkpoint. outputs: weights, record. The settings in the record are the entry, which has all
    that labelling needs, with the width and the number of classes that the file's arrays have.
    Raises FileNotFoundError naming a file that is not there, ValueError naming one whose content
    is not that of the entry's `sha256`, or that has another width or number of classes than the
    entry says, or as `read_published` and `read_unet3plus` do.
    """
    started = time.time()
    path = Path(folder) / weights["file"]
    keras = weights["format"] == "keras"
    files = [path] if keras else [index_file(path), data_file(path)]
    absent = [str(file) for file in files if not file.is_file()]
    if absent:
        raise FileNotFoundError(f"weights {name}: no {', '.join(absent)}; fetch the files again")
    if keras:
        _check_content(name, path, weights.get("sha256"))
        sizes = {"width": keras_width(path), "classes": len(CLASSES)}
    else:
        sizes = sizes_of(read_index(files[0]), weights["network"], files[0])
    settings = {**weights, **_checked(name, files[0], weights, sizes)}
    if keras:
        state = read_unet3plus(path, settings["width"], settings["classes"])
    else:
        state = read_published(path, settings)
    save_weights(state, outputs["weights"])
    record(
        outputs["record"],
        settings={"model": name, **settings},
        code=code,
        inputs=files,
        seed=None,
        device="cpu",
        started=started,
        scores={},
    )


def _checked(
    name: str, file: Path, weights: Mapping[str, Any], sizes: Mapping[str, int]
) -> Mapping[str, int]:
    """What a file's arrays say of the network, if the entry says the same or nothing."""
    for setting, size in sizes.items():
        if weights.get(setting, size) != size:
            raise ValueError(
                f"weights {name}: {file} has a network with {setting} {size}, its entry in "
                f"resources/weights.yaml says {weights[setting]}; write {setting}: {size} there, "
                "or fetch the file again"
            )
    if sizes["width"] > MOST_WIDTH:
        raise ValueError(
            f"weights {name}: {file} has a network with width {sizes['width']}, expected at most "
            f"{MOST_WIDTH}; fetch the file again"
        )
    return sizes


def _check_content(name: str, file: Path, expected: str | None) -> None:
    if expected is not None and (found := sha256(file)) != expected:
        raise ValueError(
            f"weights {name}: {file} has {file.stat().st_size:,} bytes and sha256 {found}, "
            f"expected is {expected}; fetch it again (of Git LFS the file itself, not its pointer)"
        )
