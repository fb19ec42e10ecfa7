"""What headers of cardiac examinations hold, as three makers of scanners write them."""

from collections.abc import Mapping
from dataclasses import dataclass, field

# What a series is; the second cine is taken after contrast.
CINE, LOCALISER, ENHANCEMENT, PERFUSION, FLOW = "cine", "localiser", "lge", "perfusion", "flow"
SECOND_CINE = "second cine"
T1_SOURCE, T1_MAP = "t1 source", "t1 map"
LONG_AXES = ("2ch", "3ch", "4ch")
# What a picture shows: magnitude, velocity, or a time.
MAGNITUDE, PHASE, MAP = "M", "P", "T1"


@dataclass(frozen=True)
class Vendor:
    """How one maker writes an examination.

    elements: of every image, keyword -> value. number_step: distance of series numbers, which start
    at 1. bits: stored ones. signed: whether pixels are. slope: of magnitude pictures, scanner units
    a stored unit. image_types: of a kind of series and what its pictures show. descriptions: of
    series, by kind; sequences: SequenceName where it is not that of a cine. temporal: whether
    images say their TemporalPositionIdentifier. dynamic: whether AcquisitionNumber counts the
    frames of perfusion and T1. location: "normal", or "axis" for a SliceLocation along the nearest
    axis of the patient, as GE has it. private_class: SOP class of an object without an image.
    """

    elements: Mapping[str, object]
    image_types: Mapping[tuple[str, str], list[str]]
    descriptions: Mapping[str, str]
    private_class: str
    sequences: Mapping[str, str] = field(default_factory=dict)
    number_step: int = 1
    bits: int = 12
    signed: bool = False
    slope: float | None = None
    temporal: bool = False
    dynamic: bool = False
    location: str = "normal"
    usual_type: list[str] = field(default_factory=lambda: ["ORIGINAL", "PRIMARY", "OTHER"])

    def image_type(self, kind: str, shows: str) -> list[str]:
        """ImageType of a picture."""
        return self.image_types.get((kind, shows), self.usual_type)


_RETRO = ["ORIGINAL", "PRIMARY", "M", "RETRO", "NORM", "DIS2D"]
SIEMENS = Vendor(
    elements={"Manufacturer": "SIEMENS", "ScanOptions": ["CT", "FS"]},
    usual_type=["ORIGINAL", "PRIMARY", "M", "NORM", "DIS2D"],
    image_types={
        **{(kind, MAGNITUDE): _RETRO for kind in (CINE, SECOND_CINE, *LONG_AXES)},
        (FLOW, MAGNITUDE): ["ORIGINAL", "PRIMARY", "M", "RETRO", "DIS2D"],
        (FLOW, PHASE): ["ORIGINAL", "PRIMARY", "P", "RETRO", "DIS2D"],
        (T1_MAP, MAP): ["DERIVED", "PRIMARY", "T1 MAP", "NORM", "DIS2D"],
    },
    descriptions={
        LOCALISER: "localizer",
        "2ch": "trufi_cine_retro_2ch",
        "3ch": "trufi_cine_retro_3ch",
        "4ch": "trufi_cine_retro_4ch",
        CINE: "trufi_cine_retro_sax",
        SECOND_CINE: "trufi_cine_retro_sax_post",
        T1_SOURCE: "MOLLI_5(3)3_sax",
        T1_MAP: "MOLLI_5(3)3_sax_T1_MAP",
        FLOW: "fl2d_flow_aorta_v150",
        PERFUSION: "tfl_sr_perf_3sl_rest",
        ENHANCEMENT: "tfl_ir_lge_sax_MAG",
    },
    sequences={
        LOCALISER: "*tfi2d1_176",
        T1_SOURCE: "*tfi2d1_35",
        T1_MAP: "*tfi2d1_35",
        FLOW: "*fl2d1_v150in",
        PERFUSION: "*tfl2d1_60",
        ENHANCEMENT: "*tfl2d1_25",
    },
    private_class="1.3.12.2.1107.5.9.1",
    dynamic=True,
)
PHILIPS = Vendor(
    elements={
        "Manufacturer": "Philips Medical Systems",
        "ManufacturerModelName": "Achieva",
        "SoftwareVersions": ["5.1.7", "5.1.7.2"],
        "SequenceName": None,
        "ScanOptions": "OTHER",
        "PresentationLUTShape": "IDENTITY",
    },
    usual_type=["ORIGINAL", "PRIMARY", "M_FFE", "M", "FFE"],
    image_types={
        (FLOW, MAGNITUDE): ["ORIGINAL", "PRIMARY", "M_PCA", "M", "PCA"],
        (FLOW, PHASE): ["ORIGINAL", "PRIMARY", "PHASE CONTRAST M", "P", "PCA"],
        (ENHANCEMENT, MAGNITUDE): ["ORIGINAL", "PRIMARY", "M_IR", "M", "IR"],
        (T1_SOURCE, MAGNITUDE): ["ORIGINAL", "PRIMARY", "M_IR", "M", "IR"],
        (T1_MAP, MAP): ["DERIVED", "PRIMARY", "T1 MAP", "T1", "UNSPECIFIED"],
    },
    descriptions={
        LOCALISER: "Survey",
        "2ch": "sBTFE_BH 2CH",
        "3ch": "sBTFE_BH 3CH",
        "4ch": "sBTFE_BH 4CH",
        CINE: "sBTFE_BH SA M2D",
        SECOND_CINE: "sBTFE_BH SA M2D POST",
        T1_SOURCE: "MOLLI 5s(3s)3s",
        T1_MAP: "MOLLI 5s(3s)3s T1 map",
        FLOW: "QFlow_BH AAo",
        PERFUSION: "Perf_sTFE_Dyn",
        ENHANCEMENT: "IR_TFE_BH SA",
    },
    private_class="1.3.46.670589.11.0.0.12.2",
    number_step=100,
    slope=0.5,
    temporal=True,
)
GE = Vendor(
    elements={
        "Manufacturer": "GE MEDICAL SYSTEMS",
        "ManufacturerModelName": "SIGNA HDx",
        "SoftwareVersions": ["14", "LX", "MR Software release:14.0_M4_0629.a"],
        "SequenceName": None,
        "SequenceVariant": "SS",
        "ScanOptions": ["FAST_GEMS", "CG", "SEQ_GEMS"],
    },
    # Magnitude and phase have one ImageType; which a picture is, a private element tells.
    image_types={(T1_MAP, MAP): ["DERIVED", "SECONDARY", "T1 MAP"]},
    descriptions={
        LOCALISER: "3-Plane Loc FIESTA",
        "2ch": "2CH FIESTA CINE",
        "3ch": "3CH FIESTA CINE",
        "4ch": "4CH FIESTA CINE",
        CINE: "SA FIESTA CINE",
        SECOND_CINE: "SA FIESTA CINE POST",
        T1_SOURCE: "SA MOLLI",
        T1_MAP: "SA MOLLI T1 map",
        FLOW: "FastCine PC Ao",
        PERFUSION: "FGRE Time Course",
        ENHANCEMENT: "SA MDE",
    },
    private_class="1.2.840.10008.5.1.4.1.1.66",
    bits=16,
    signed=True,
    location="axis",
)
VENDORS = {"siemens": SIEMENS, "philips": PHILIPS, "ge": GE}
