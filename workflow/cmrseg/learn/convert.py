"""Conversion of published weights as a job: downloaded files in, safetensors out."""

import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from cmrseg.files import sha256
from cmrseg.learn.weights import save_weights
from cmrseg.nets.keras_hdf5 import read_unet3plus
from cmrseg.nets.published import read_published
from cmrseg.nets.tensorbundle import data_file, index_file
from cmrseg.record import record


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
    that labelling needs. Raises FileNotFoundError naming a file that is not there, ValueError
    naming one whose content is not that of the entry's `sha256`, or as `read_published` and
    `read_unet3plus` do.
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
        state = read_unet3plus(path, weights["width"], weights["classes"])
    else:
        state = read_published(path, weights)
    save_weights(state, outputs["weights"])
    record(
        outputs["record"],
        settings={"model": name, **weights},
        code=code,
        inputs=files,
        seed=None,
        device="cpu",
        started=started,
        scores={},
    )


def _check_content(name: str, file: Path, expected: str | None) -> None:
    if expected is not None and (found := sha256(file)) != expected:
        raise ValueError(
            f"weights {name}: {file} has {file.stat().st_size:,} bytes and sha256 {found}, "
            f"expected is {expected}; fetch it again (of Git LFS the file itself, not its pointer)"
        )
