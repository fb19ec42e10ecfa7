"""Columns by AHA segment in the tables of phenotypes, and the measures that make them."""

from dataclasses import dataclass

from cmrseg.measure.aha_segments import GLOBAL, LONG_AXIS_ROWS, SHORT_AXIS_ROWS


@dataclass(frozen=True)
class Segmental:
    """A quantity of each of the 16 segments of the short axis, and of all of them.

    key: beginning of the column names. measure: of a panel. unit: end of the column names. name: in
    words.
    """

    key: str
    measure: str
    unit: str
    name: str

    def column(self, segment: str) -> str:
        """segment: of SHORT_AXIS_ROWS."""
        return f"{self.key}_{segment}_{self.unit}"

    @property
    def columns(self) -> dict[int, str]:
        """The columns of the segments, by number."""
        return {int(s): self.column(s) for s in SHORT_AXIS_ROWS if s != GLOBAL}


SEGMENTAL = {
    quantity.key: quantity
    for quantity in (
        Segmental("wt", "wall_thickness", "mm", "wall thickness"),
        Segmental("wt_max", "wall_thickness", "mm", "largest wall thickness"),
        Segmental("thickening", "wall_thickness", "percent", "wall thickening"),
        Segmental("ecc", "strain", "percent", "peak circumferential strain"),
        Segmental("err", "strain", "percent", "peak radial strain"),
        Segmental("transmurality", "scar", "percent", "transmurality of scar"),
        Segmental("scar", "scar", "percent", "scar in the wall"),
        Segmental("edema", "scar", "percent", "oedema in the wall"),
        Segmental(
            "tag_ecc_green_midwall_es",
            "tagging",
            "percent",
            "circumferential Green strain, tagging",
        ),
        Segmental(
            "tag_ecc_green_midwall_peak",
            "tagging",
            "percent",
            "peak circumferential Green strain, tagging",
        ),
        Segmental("tag_err_green_wall_es", "tagging", "percent", "radial Green strain, tagging"),
        Segmental(
            "tag_err_green_wall_peak", "tagging", "percent", "peak radial Green strain, tagging"
        ),
    )
}

# Columns of segments by measure of a panel.
SEGMENT_COLUMNS: dict[str, tuple[str, ...]] = {
    measure: tuple(
        quantity.column(segment)
        for quantity in SEGMENTAL.values()
        if quantity.measure == measure
        for segment in SHORT_AXIS_ROWS
    )
    for measure in ("wall_thickness", "strain", "scar", "tagging")
}
SEGMENT_COLUMNS["strain"] += tuple(f"ell_{segment}_percent" for segment in LONG_AXIS_ROWS)
