"""Settings of small networks, as a model's record has them."""

from typing import Any


def network_of(
    network: str,
    width: int,
    tissues: str = "lv,my,rv",
    encoder: str = "",
    sequence: str = "sa",
) -> dict[str, Any]:
    """All that decides on a network that segments; see nets.build.SETTINGS."""
    about = {"network": network, "encoder": encoder, "width": width}
    return about | {"task": "segment", "sequence": sequence, "tissues": tissues}
