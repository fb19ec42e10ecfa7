"""What a measure of a subject is: a row, from which tables and comparisons take columns."""

from dataclasses import dataclass
from typing import Literal

from cmrseg.labels import Tissue

# As published, faults included, or with these corrected.
Mode = Literal["corrected", "compat"]
# How a measure is made of a curve. An atrium empties twice, an artery gives way to a pressure.
VentricularKind = Literal["volume", "stroke", "fraction", "output", "mass"]
CurveKind = Literal["largest", "smallest", "distensibility"]
AtrialKind = Literal["pre_contraction", "passive_fraction", "active_fraction"]


@dataclass(frozen=True)
class Measure:
    """One measure of a subject.

    name: its column, with the unit. tissue: whose volume or area it is made of. phase: "ed" or
    "es", "" if it takes both, or none. quantity, unit: what it is, in summaries and published
    numbers. kind: how it is made of the curve of its tissue. compared: whether two labellers are
    compared by it.
    """

    name: str
    tissue: Tissue
    phase: Literal["ed", "es", ""]
    quantity: str
    unit: str
    kind: VentricularKind | CurveKind | AtrialKind
    compared: bool = True

    @property
    def summary(self) -> str:
        """Its quantity in summaries, where the mass is that of end-diastole if nothing is said."""
        return "es_mass" if (self.kind, self.phase) == ("mass", "es") else self.quantity
