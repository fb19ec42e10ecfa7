"""What an export holds, and which forms it can have."""

from dataclasses import dataclass

from cmrseg.phantom.pacs.vendors import (
    CINE,
    ENHANCEMENT,
    FLOW,
    LOCALISER,
    LONG_AXES,
    PERFUSION,
    T1_MAP,
    T1_SOURCE,
    VENDORS,
)

SCREENSHOT, REPORT, STATE, PRIVATE = "screenshot", "report", "presentation state", "private object"
DIRECTORY, TEXT = "directory", "text"
# Why a file is not the cine.
REASONS = {
    LOCALISER: "single pictures in three orthogonal orientations",
    **dict.fromkeys(LONG_AXES, "a cine of one plane along the long axis"),
    T1_SOURCE: "three planes at several inversion times, all at one time of the beat",
    T1_MAP: "derived: times in ms, one picture for each plane",
    FLOW: "phase contrast of one plane across the aorta: magnitude and velocity",
    PERFUSION: "three planes, each at one time of the beat in many heartbeats",
    ENHANCEMENT: "one picture for each plane of the cine",
    SCREENSHOT: "a colour picture of a screen, without a place in the patient",
    REPORT: "an object without pixels",
    STATE: "an object without pixels",
    PRIVATE: "an object without pixels",
    DIRECTORY: "an index of files",
    TEXT: "not DICOM",
}
KINDS = (CINE, *(kind for kind in REASONS if kind != T1_SOURCE))
# Those that show the patient.
PICTURES = (LOCALISER, *LONG_AXES, CINE, T1_MAP, FLOW, PERFUSION, ENHANCEMENT)
# The second examination has these alone.
SECOND_EXAMINATION = (CINE, "4ch", ENHANCEMENT)
CINE_AS = ("stack", "slices", "phases", "object")
AGAIN = ("", "resent", "acquired")


@dataclass(frozen=True)
class Variant:
    """What an export is like.

    vendor: siemens, philips or ge. cine_as: "stack", one series; "slices", one for each slice;
    "phases", one for each frame; "object", one Enhanced MR object. kinds: of KINDS, what is
    written (T1 maps with their sources). copies: files that lie there a second time, bit for bit.
    again: "resent", the cine twice under one SeriesNumber with other UIDs; "acquired", each slice
    acquired again in the same series. second_cine: another after contrast.
    second_examination: an earlier one of the same patient.
    """

    vendor: str = "siemens"
    cine_as: str = "stack"
    kinds: tuple[str, ...] = KINDS
    copies: int = 6
    again: str = ""
    second_cine: bool = False
    second_examination: bool = False

    def __post_init__(self):
        for name, value, known in [
            ("vendor", self.vendor, VENDORS),
            ("cine_as", self.cine_as, CINE_AS),
            ("again", self.again, AGAIN),
            *(("kinds", kind, KINDS) for kind in self.kinds),
        ]:
            if value not in known:
                raise ValueError(f"{name} is {value!r}, expected one of {', '.join(known)}")
        if not set(self.kinds) & set(PICTURES):
            raise ValueError(
                f"kinds are {', '.join(self.kinds)}, expected one or more of {', '.join(PICTURES)}"
            )
        if self.again and self.cine_as == "object":
            raise ValueError(
                f"again is {self.again!r}, which one object cannot be; choose another cine_as"
            )
