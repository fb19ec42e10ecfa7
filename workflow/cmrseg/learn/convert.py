"""Conversion of published weights as a job: downloaded files in, safetensors out."""

import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from cmrseg.learn.weights import save_weights
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
    that labelling needs. Raises FileNotFoundError naming a file that is not there,
    ValueError as `read_published` does.
    """
    started = time.time()
    prefix = Path(folder) / weights["file"]
    files = [index_file(prefix), data_file(prefix)]
    absent = [str(file) for file in files if not file.is_file()]
    if absent:
        raise FileNotFoundError(f"weights {name}: no {', '.join(absent)}; fetch the files again")
    save_weights(read_published(prefix, weights), outputs["weights"])
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
