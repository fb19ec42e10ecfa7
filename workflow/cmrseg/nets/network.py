"""What all networks have in common: the answers that training and labelling ask for."""

from collections.abc import Callable, Iterable

import torch
from torch import nn

# Four times the filters of the published encoders.
MOST_WIDTH = 256


class Network(nn.Module):
    """Base of the networks: images (n, channels, y, x) float32 in 0..1 to (n, outputs, y, x).

    Layers whose shape depends on the number of outputs are below `logits`. over_frames: names of
    the weights that a network over time has beside those of the network of single frames that it
    may start from begin so.
    """

    over_frames: tuple[str, ...] = ()

    def __init__(self, channels: int = 1) -> None:
        super().__init__()
        self.channels = channels

    def heads(self, images: torch.Tensor) -> list[torch.Tensor]:
        """Logits (n, classes, y, x) of each head, which training holds against the labels.

        The last ones are those of `forward`; most networks have no others.
        """
        return [self(images)]

    def initialise(self, generator: torch.Generator) -> None:
        """Draw all first weights from `generator`."""
        raise NotImplementedError

    def halves(self) -> tuple[list[nn.Module], list[nn.Module]]:
        """Modules of the early and of the late half of its encoder, which are frozen at first."""
        raise NotImplementedError

    def groups(self) -> list[list[nn.Parameter]]:
        """Parameters of the encoder's early half, its late half, and of the rest."""
        early, late = ([p for m in half for p in m.parameters()] for half in self.halves())
        encoder = {id(p) for p in (*early, *late)}
        return [early, late, [p for p in self.parameters() if id(p) not in encoder]]


def initialise_layers(modules: Iterable[nn.Module], draw: Callable[[torch.Tensor], object]) -> None:
    """First weights of layers, in their order: biases 0, batch norms 1 and 0.

    draw: fills the weights (out, in, y, x) of a convolution, or (out, in), in place.
    """
    for module in modules:
        if isinstance(module, (nn.Conv2d, nn.Linear)):
            draw(module.weight)
            if module.bias is not None:
                nn.init.zeros_(module.bias)
        elif isinstance(module, nn.BatchNorm2d):
            module.reset_parameters()
