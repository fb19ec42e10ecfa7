"""How severe a fault of the raw data is: the number behind its name, as in `missing_slice:2`."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Severity:
    """What the number of a fault means. unit: "" for a share. whole: a count."""

    unit: str
    lowest: float
    highest: float
    whole: bool = False


SLICES = Severity("slices", 1, 4, whole=True)
FRAMES = Severity("frames", 1, 10, whole=True)
# Faults without an entry have one severity.
SEVERITIES = {
    "spacing_empirical": Severity("", 0.01, 0.9),
    "outlier_slices": Severity("slices", 1, 2, whole=True),
    "missing_slice": SLICES,
    "interspersed_single": SLICES,
    "collision_two_series": SLICES,
    "plane_not_parallel": SLICES,
    "rotated_slice": Severity("degrees", 1, 90),
    "other_pixel_spacing": Severity("", 0.01, 1.0),
    "displaced_slice": Severity("mm", 1, 60),
    "missing_frames": FRAMES,
    "missing_frame_file": FRAMES,
}


def split_severity(fault: str) -> tuple[str, float | None]:
    """Name and severity of a fault as a cell says it: `missing_slice:2`, or the name alone.

    Severities: unit and range in SEVERITIES. Raises ValueError naming the fault and what is
    expected.
    """
    name, colon, text = fault.partition(":")
    if not colon:
        return name, None
    known = SEVERITIES.get(name)
    if known is None:
        raise ValueError(
            f"fault {name} has no severity; those that have one are {', '.join(SEVERITIES)}"
        )
    try:
        amount = float(text)
    except ValueError:
        amount = float("nan")
    if not known.lowest <= amount <= known.highest or (known.whole and amount % 1):
        kind = "a whole number" if known.whole else "a number"
        raise ValueError(
            f"fault {fault}: expected {kind} from {known.lowest:g} to {known.highest:g}"
            + (f" ({known.unit})" if known.unit else "")
        )
    return name, amount
