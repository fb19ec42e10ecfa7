"""The vocabulary of the audit: what can be wrong with a series, and what was done about it."""

import re
from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd

from cmrseg.dicom.origin import Origin

COLUMNS = ["subject", "problem", "resolution", "image", "detail"]

# Known inconsistencies of the Kaggle data and their repair (Ankenbrand et al. 2021, supplement),
# then damaged files. A problem always has the same resolution within a mode.
REPEATED_STACK = ("repeated stack", "split")
ORIENTATION = ("orientation", "slice removed")
COLLISION = ("collision", "slice removed")
SPACING_METADATA = ("slice spacing: metadata", "none")
SPACING_EMPIRICAL = ("slice spacing: empirical/metadata", "none")
SPACING_MISSING = ("slice spacing: missing", "previous slice copied")
SPACING_OUTLIER = ("slice spacing: outlier", "slice removed")
SPACING_INTERSPERSED = ("slice spacing: interspersed", "slice removed")
SPACING_TOP = ("slice spacing: top", "slice removed")
SPACING_BOTTOM = ("slice spacing: bottom", "slice removed")
SPACING_SPECIAL = ("slice spacing: special", "none")
LARGE_IMAGE = ("image size >256", "scaled")
IMAGE_SIZE = ("image size", "scaling/padding/cropping")
PIXEL_SPACING = ("pixel spacing", "scaling/padding/cropping")
ROTATION = ("rotation", "rotation")
DISPLACED = ("slice displaced in plane", "shifted")  # corrected mode; compat does not look
MISSING_FRAME = ("missing frame", "previous frame copied")
AXIS_SCALING = ("axis scaling", "none")
WIDE_IMAGE = ("rows < columns", "rotated")  # corrected mode: the affine follows
WIDE_IMAGE_COPY = ("rows < columns", "rotated copy")  # compat mode: <subject>_rot90
TWO_SLICES = ("two slices in one folder", "separated")
EMPTY_FOLDER = ("empty folder", "folder ignored")
NOT_DICOM = ("not a DICOM file", "file ignored")
NOT_MR = ("not a greyscale MR image", "file ignored")  # corrected mode
COMPRESSED = ("compressed transfer syntax", "decoded")
LOSSY = ("lossy compression", "none")  # corrected mode
UNEXPECTED_NAME = ("unexpected file name", "file ignored")
FRAME_COUNT = ("frame count: metadata", "files counted")  # corrected mode
FRAME_ORDER = ("frame order", "another tag used")  # corrected mode
UNKNOWN_INTERVAL = ("frame interval", "set to unknown")
COPY = ("duplicate file", "file ignored")
OTHER_SERIES = ("other series", "series excluded")
OTHER_DAMAGED = ("unreadable file in another series", "file ignored")
EXTRA_FRAME = ("extra frame", "frame ignored")  # compat mode ignores them silently
# For NIfTI, whose axes may have any order.
MIRRORED = ("rows from bottom to top", "rows reversed")
SLICE_ORDER = ("slices from base to apex", "slices reversed")
FROM_APEX = ("slices from apex to base", "slices reversed")  # tagged cines
AXES = ("axes in another order", "axes reordered")
SLICE_AXIS = ("slice axis unclear", "third axis used")
UNUSUAL_PLANE = ("unusual short-axis orientation", "none")
SHEARED = ("slices displaced along the stack", "slice positions kept")
FORMS = ("sform and qform differ", "sform used")
# For tagged cines in HDF5.
EMPTY_FRAME = ("empty frame", "landmarks unknown")
# For a cohort with several sequences; the subject keeps the others.
WITHOUT_SEQUENCE = ("sequence missing or unreadable", "sequence excluded")
# For the zip files of UK Biobank and their manifests (`layouts.ukbb_dicom`).
DAMAGED_ZIP = ("damaged zip file", "zip file ignored")
NO_MANIFEST = ("manifest missing or unreadable", "SeriesDescription used")
NOT_IN_MANIFEST = ("files not in the manifest", "SeriesDescription used")
MANIFEST_LINES = ("malformed lines of a manifest", "lines ignored")
MANIFEST_FILES = ("files of the manifest are missing", "none")
REPEATED_SERIES = ("repeated series", "series excluded")
NO_CONTOURS = ("unreadable contours", "contours ignored")
MIXED_SERIES = ("several slices or views in one series", "separated")
DAMAGED_UNKNOWN = ("unreadable file of an unknown series", "file ignored")
DAMAGED_FRAME = ("unreadable frame", "file ignored")  # compat mode
# These exclude the subject: it is absent from all later stages.
UNREADABLE = ("unreadable file", "subject excluded")
MISSING_TAG = ("missing tag", "subject excluded")
UNCLEAR = ("several cines", "subject excluded")
NO_CINE = ("no short-axis cine", "subject excluded")
NO_TAGS = ("no tagged cine", "subject excluded")
FEW_FRAMES = ("frames lost", "subject excluded")
LOST_SLICES = ("slices lost", "subject excluded")
MIXED_STACKS = ("interleaved stacks", "subject excluded")
SAME_IMAGE = ("duplicate image", "subject excluded")
TWO_EXAMINATIONS = ("two examinations in one folder", "subject excluded")
TWO_PATIENTS = ("two patients in one folder", "subject excluded")
NO_IMAGES = ("no images", "subject excluded")
OTHER = ("other", "subject excluded")


class SubjectError(Exception):
    """A subject cannot be imported: what is wrong, where, and what to do.

    origin, series_number: of the damaged file, if its header could be read.
    """

    origin: Origin | None = None
    series_number: int | None = None

    def __init__(self, kind: tuple[str, str], image: str, detail: str):
        # One line, as it becomes a table cell.
        detail = " ".join(detail.split())
        super().__init__(": ".join(part for part in (image, kind[0], detail) if part))
        self.kind, self.image, self.detail = kind, image, detail


@dataclass
class Audit:
    """The audit rows of one subject, in the order of the decisions.

    image: path of the folder or file relative to the subject's folder, with forward slashes.
    """

    subject: str
    rows: list[tuple[str, str, str, str, str]] = field(default_factory=list)

    def add(self, kind: tuple[str, str], image: str, detail: str = "") -> None:
        self.rows.append((self.subject, *kind, image, " ".join(detail.split())))

    def table(self) -> pd.DataFrame:
        return pd.DataFrame(self.rows, columns=COLUMNS)


def mm(length: float) -> str:
    """A length for the audit, rounded to 0.01 mm."""
    return f"{round(length, 2):g} mm"


def size(rows: int, columns: int) -> str:
    """A matrix for the audit, with the names of its axes."""
    return f"{rows} rows x {columns} columns"


def without_folders(text: str, folder: Path) -> str:
    """A message with paths relative to a study's folder; of other paths only the file name."""
    text = text.replace(f"{folder}/", "")
    return re.sub(r"(?<![\w.])/(?:[^/\s'\"]+/)+", "", text)


LOST = "subject excluded"


def lost_subjects(audit: pd.DataFrame) -> list[str]:
    """Excluded subjects, in the order of the audit."""
    return list(dict.fromkeys(audit.loc[audit["resolution"] == LOST, "subject"]))


def check_losses(
    audit: pd.DataFrame,
    subjects: list[str],
    max_fraction: float,
    cohort: str,
    what: str,
) -> str:
    """A sentence with the number of a cohort's excluded subjects.

    what: the predicate of the sentence, as "could not be imported". Raises ValueError if more than
    max_fraction of the subjects are excluded.
    """
    lost = [subject for subject in lost_subjects(audit) if subject in set(subjects)]
    sentence = f"{cohort}: {len(lost)} of {len(subjects)} subjects {what}"
    if len(lost) > max_fraction * len(subjects):
        first = audit[audit["resolution"] == LOST].iloc[0]
        raise ValueError(
            f"{sentence}, the limit is {max_fraction:.0%} (max_failed_fraction); "
            f"the first is {first['subject']}: {first['problem']} "
            f"({': '.join(part for part in first[['image', 'detail']] if part)}); "
            "see the audit of the cohort for all"
        )
    return sentence
