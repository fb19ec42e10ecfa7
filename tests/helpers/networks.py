"""Settings of small networks, as a model's record has them."""

from typing import Any

from cmrseg.nets.kinds import KINDS


def network_of(
    network: str,
    width: int,
    tissues: str = "lv,my,rv",
    encoder: str = "",
    sequence: str = "sa",
) -> dict[str, Any]:
    """All that decides on a network that segments, or places points; see nets.build.SETTINGS."""
    about: dict[str, Any] = {"network": network, "encoder": encoder, "width": width}
    if KINDS[network].points:
        about |= {"task": "track", "sequence": "tag", "tissues": tissues, "size_px": 128}
        return about
    return about | {"task": "segment", "sequence": sequence, "tissues": tissues}
