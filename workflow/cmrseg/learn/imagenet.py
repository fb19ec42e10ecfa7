"""Published weights of encoders: torchvision's file in, safetensors out."""

import pickle
import re
from collections.abc import Mapping
from pathlib import Path

import torch

from cmrseg.files import check_plain, sha256
from cmrseg.learn.weights import save_weights
from cmrseg.nets.build import make_encoder

# Filters of the first level of torchvision's encoders.
IMAGENET_WIDTH = 64
# Files of torch end in the first digits of their sha256: resnet34-b627a593.pth.
HASHED_NAME = re.compile(r"-([0-9a-f]{8,})\.pth")


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
