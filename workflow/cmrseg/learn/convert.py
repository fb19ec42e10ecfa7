"""Conversion of published weights as a job: downloaded files in, safetensors out."""

import pickle
import re
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from cmrseg.files import check_plain, replacing, sha256
from cmrseg.learn.weights import save_weights
from cmrseg.model_card import count_parameters, published_card
from cmrseg.nets.build import make_encoder
from cmrseg.nets.published import model_variables, read_published
from cmrseg.nets.tensorbundle import data_file, index_file
from cmrseg.record import record

# Filters of the first level of torchvision's encoders.
IMAGENET_WIDTH = 64
# Files of torch end in the first digits of their sha256: resnet34-b627a593.pth.
HASHED_NAME = re.compile(r"-([0-9a-f]{8,})\.pth")


def convert_weights(
    name: str,
    weights: Mapping[str, Any],
    folder: str | Path,
    outputs: Mapping[str, str],
    code: list[str],
) -> None:
    """Make a model's folder of a published checkpoint.

    name: of the model. weights: its entry in resources/weights.yaml. folder: holds the
    checkpoint. outputs: weights, record, card. The settings in the record are the entry, which
    has all that labelling needs. Raises FileNotFoundError naming a file that is not there,
    ValueError as `read_published` does.
    """
    started = time.time()
    prefix = Path(folder) / weights["file"]
    files = [index_file(prefix), data_file(prefix)]
    absent = [str(file) for file in files if not file.is_file()]
    if absent:
        raise FileNotFoundError(f"weights {name}: no {', '.join(absent)}; fetch the files again")
    save_weights(read_published(prefix, weights), outputs["weights"])
    with replacing(outputs["card"]) as temporary:
        parameters = count_parameters(model_variables(weights))
        temporary.write_text(published_card(name, weights, parameters), encoding="utf-8")
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


def convert_imagenet(folder: str | Path, encoder: str, output: str | Path) -> None:
    """Write an encoder's weights from torchvision's file, without the classifier.

    folder: holds the file, the only one that ends in .pth.
    Raises FileNotFoundError if there is none or more than one, ValueError as `read_torchvision`.
    """
    files = sorted(Path(folder).glob("*.pth"))
    if len(files) != 1:
        raise FileNotFoundError(
            f"{folder}: {len(files)} files end in .pth, expected torchvision's file of {encoder}"
        )
    save_weights(read_torchvision(files[0], encoder), output)


def read_torchvision(
    file: Path, encoder: str, width: int = IMAGENET_WIDTH
) -> dict[str, torch.Tensor]:
    """State dict of an encoder from torchvision's file of the classifier.

    Raises ValueError naming the file if it is damaged or holds anything but tensors (code in it
    is never run), and naming the weights that do not fit.
    """
    check_plain(file)
    wanted = HASHED_NAME.search(file.name)
    if wanted and not sha256(file).startswith(wanted[1]):
        raise ValueError(f"{file}: its sha256 is not the one in its name; fetch the file again")
    try:
        state = torch.load(file, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        raise ValueError(
            f"{file}: holds more than tensors and was not opened, as it could run code "
            f"({str(error).splitlines()[0]}); use torchvision's file"
        ) from error
    except Exception as error:  # whatever a damaged archive makes of its index
        raise ValueError(f"{file}: not a file of torch ({error}); fetch it again") from error
    if not isinstance(state, Mapping) or not all(map(torch.is_tensor, state.values())):
        raise ValueError(f"{file}: holds no state dict; use torchvision's file of {encoder}")
    network = make_encoder(encoder, width)
    try:
        network.load_imagenet(state)
    except ValueError as error:
        raise ValueError(f"{file}: {error}") from error
    return network.state_dict()
