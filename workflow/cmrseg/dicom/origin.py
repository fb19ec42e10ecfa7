"""Where an image comes from, as its header tells it."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Origin:
    """What a header says of where an image comes from; empty or -1 where it says nothing.

    study, series: unique identifiers of the examination and the series. kind: that of the storage
    class. protocol: names of the scanner for what it acquires. tagging: GRID, LINE or NONE. echo,
    acquisition: numbers. echo_ms, inversion_ms, flip_deg: what the pulse sequence was set to.
    """

    study: str = ""
    series: str = ""
    kind: str = ""
    modality: str = ""
    image_type: tuple[str, ...] = ()
    description: str = ""
    protocol: str = ""
    tagging: str = ""
    acquisition: int = -1
    echo: int = -1
    echo_ms: float = -1.0
    inversion_ms: float = -1.0
    flip_deg: float = -1.0
