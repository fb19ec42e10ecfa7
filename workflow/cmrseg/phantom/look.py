"""What decides how a beating heart looks in a picture, besides the signals of its tissues."""

from dataclasses import dataclass

from cmrseg.phantom.injury import Injury


@dataclass(frozen=True)
class Look:
    """What decides the look of a beat, besides the tissues' signals.

    edge_mm: softness of edges in the plane; step_mm: along the long axis. papillary, trabeculae:
    contrast of these muscles, 0 to 1. flow: strength of inflow and dephasing. grain: of textures.
    inflow: strength of the swirls in the left ventricle in mid-systole and early diastole.
    stasis: how bright blood is, as muscle, where it rests at the wall and in the apex, 0 to 1.
    injury: of an infarct, None where it looks like muscle. edge_px: softness of its borders.
    """

    edge_mm: float
    step_mm: float
    papillary: float
    trabeculae: float
    flow: float
    grain: float
    inflow: float = 0.0
    stasis: float = 0.0
    injury: Injury | None = None
    edge_px: float = 1.6
