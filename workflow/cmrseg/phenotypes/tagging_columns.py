"""Columns of strain from tagged cines: what is measured at which places, and in which convention.

`tag_ecc_green_midwall_es_mid_percent` is circumferential (`ecc`; radial: `err`) Green strain of the
mid-wall at end-systole, of the mid-ventricular slice.
"""

from dataclasses import dataclass

from cmrseg.measure.aha_segments import GLOBAL, LEVELS
from cmrseg.measure.ring_strain import Along

SHORT = {"circumferential": "ecc", "radial": "err"}
PLACES = (*LEVELS, GLOBAL)


@dataclass(frozen=True)
class Strain:
    """A strain curve that columns are made of, and what is said of it.

    column: of `ring_curves`. convention: in column names. said: of SAID.
    """

    direction: Along
    layer: str
    column: str
    convention: str
    said: tuple[str, ...]

    @property
    def key(self) -> str:
        """Beginning of its columns."""
        return f"tag_{SHORT[self.direction]}_{self.convention}_{self.layer}"

    def name(self, said: str, place: str) -> str:
        """A column of it at a place."""
        return f"{self.key}_{said}_{place}_{SAID[said]}"


# What is said of a curve, with the unit: at end-systole, the peak, its time from the frame of
# reference, also as part of the cine, the fastest change in systole and in early diastole, and what
# is left in the last frame.
SAID = {
    "es": "percent",
    "peak": "percent",
    "time_to_peak": "ms",
    "relative_time_to_peak": "percent",
    "systolic_rate": "per_s",
    "diastolic_rate": "per_s",
    "last": "percent",
}
AROUND: Along = "circumferential"
ACROSS: Along = "radial"
MAIN = tuple(SAID)
STRAINS = (
    Strain(AROUND, "midwall", "green_percent", "green", MAIN),
    Strain(ACROSS, "wall", "green_percent", "green", MAIN),
    *(
        Strain(AROUND, layer, "green_percent", "green", ("es",))
        for layer in ("endo", "subendo", "subepi", "epi", "wall")
    ),
    Strain(AROUND, "midwall", "lagrangian_percent", "lagrangian", ("es", "peak")),
    Strain(ACROSS, "wall", "lagrangian_percent", "lagrangian", ("es", "peak")),
    # The summed length of the endocardial contour, as in feature tracking.
    Strain(AROUND, "endo", "lagrangian_contour_percent", "lagrangian_contour", ("es", "peak")),
)
# Endocardium minus epicardium.
GRADIENT = "tag_ecc_green_gradient_es_{}_percent"
ES_FRAME, ES_MS = "tag_es_frame", "tag_es_ms"
COLUMNS = (
    ES_FRAME,
    ES_MS,
    *(s.name(said, place) for s in STRAINS for said in s.said for place in PLACES),
    *(GRADIENT.format(place) for place in PLACES),
)
# Those that are also given by segment.
BY_SEGMENT = tuple((s, said) for s in STRAINS[:2] for said in ("es", "peak"))
