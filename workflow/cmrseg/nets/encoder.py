"""What the ImageNet encoders share: first weights, published weights and halves to freeze."""

from collections.abc import Mapping
from functools import partial

import torch
from torch import nn

from cmrseg.nets.images import ImageNetInput
from cmrseg.nets.network import Network, initialise_layers

# Parts of the published classifiers that a segmentation encoder does not have.
CLASSIFIER_PREFIXES = ("fc.", "classifier.")
# Counts batches only; files of older PyTorch versions lack it.
OPTIONAL_SUFFIX = ".num_batches_tracked"


class Encoder(nn.Module):
    """Base of the encoders: images (n, 3, y, x) to a list of maps, from fine to coarse.

    `channels` holds the channels of these maps and `strides` their pixel size in image
    pixels. Names and shapes of the weights are torchvision's, so that its files fit.
    """

    channels: list[int]
    strides: list[int]

    def halves(self) -> tuple[list[nn.Module], list[nn.Module]]:
        """Modules of the early and of the late half, the two groups that are frozen at first."""
        raise NotImplementedError

    def initialise(self, generator: torch.Generator) -> None:
        """Draw all weights as torchvision does: Kaiming normal by fan out, biases 0, norms 1 and 0.

        He et al. 2015, doi:10.1109/ICCV.2015.123.
        """
        draw = partial(
            nn.init.kaiming_normal_, mode="fan_out", nonlinearity="relu", generator=generator
        )
        initialise_layers(self.modules(), draw)

    def load_imagenet(self, state_dict: Mapping[str, torch.Tensor]) -> None:
        """Take the weights of a torchvision classifier of the same kind; its classifier is dropped.

        Raises ValueError that lists missing and unexpected names and wrong shapes.
        """
        given = {k: v for k, v in state_dict.items() if not k.startswith(CLASSIFIER_PREFIXES)}
        own = self.state_dict()
        missing = sorted(k for k in own.keys() - given.keys() if not k.endswith(OPTIONAL_SUFFIX))
        problems = [f"missing {name}" for name in missing]
        problems += [f"unexpected {name}" for name in sorted(given.keys() - own.keys())]
        problems += [
            f"{name} is {tuple(given[name].shape)}, expected {tuple(own[name].shape)}"
            for name in own
            if name in given and given[name].shape != own[name].shape
        ]
        if problems:
            raise ValueError(
                f"ImageNet weights do not fit {type(self).__name__}: {'; '.join(problems)}; "
                "use torchvision's file of the same encoder (published width: 64)"
            )
        self.load_state_dict(own | given)


class EncodedNetwork(Network):
    """Base of the networks whose encoder is chosen, which may have ImageNet weights."""

    def __init__(self, encoder: Encoder, channels: int = 1) -> None:
        super().__init__(channels)
        self.input = ImageNetInput()
        self.encoder = encoder

    def initialise(self, generator: torch.Generator) -> None:
        """Encoder as its own; Kaiming normal by fan in for the rest, biases 0, norms 1 and 0."""
        self.encoder.initialise(generator)
        rest = [m for name, m in self.named_modules() if not name.startswith("encoder.")]
        draw = partial(nn.init.kaiming_normal_, nonlinearity="relu", generator=generator)
        initialise_layers(rest, draw)

    def halves(self) -> tuple[list[nn.Module], list[nn.Module]]:
        return self.encoder.halves()
