"""What all networks have in common: the answers that training and labelling ask for."""

import torch
from torch import nn

# Four times the filters of the published encoders.
MOST_WIDTH = 256


class Network(nn.Module):
    """Base of the networks: images (n, 1, y, x) float32 in 0..1 to logits (n, classes, y, x).

    Layers whose shape depends on the number of classes are below `logits`.
    """

    def heads(self, images: torch.Tensor) -> list[torch.Tensor]:
        """Logits (n, classes, y, x) of each head, which training holds against the labels.

        The last ones are those of `forward`; most networks have no others.
        """
        return [self(images)]

    def initialise(self, generator: torch.Generator) -> None:
        """Draw all first weights from `generator`."""
        raise NotImplementedError

    def groups(self) -> list[list[nn.Parameter]]:
        """Parameters of the encoder's early half, its late half, and of the rest."""
        raise NotImplementedError
