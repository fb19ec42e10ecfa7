"""Numbers of a DICOM header, or an error that describes the problem."""

import math

import pydicom

from cmrseg.dicom.audit import MISSING_TAG, UNREADABLE, SubjectError


def numbers(data: pydicom.Dataset, name: str, keyword: str, count: int) -> tuple[float, ...]:
    """So many finite numbers of an element.

    Raises SubjectError (MISSING_TAG, UNREADABLE) naming the file and the element.
    """
    value = data.get(keyword)
    if value is None or value == "":
        raise SubjectError(
            MISSING_TAG, name, f"{keyword} is absent; export the series again with this tag"
        )
    try:
        found = tuple(float(v) for v in (value if count > 1 else [value]))
    except (TypeError, ValueError) as error:
        raise absurd(name, keyword, value, "numbers") from error
    if len(found) != count or not all(map(math.isfinite, found)):
        raise absurd(name, keyword, value, f"{count} finite number{'s' * (count > 1)}")
    return found


def optional(data: pydicom.Dataset, name: str, keyword: str, absent: float) -> float:
    """One number of an element that may be absent or empty."""
    value = data.get(keyword)
    return absent if value is None or value == "" else numbers(data, name, keyword, 1)[0]


def absurd(name: str, keyword: str, value: object, expected: str) -> SubjectError:
    """The error for an impossible value in a header."""
    # Text in place of numbers may be anything, so it is not quoted.
    shown = value if isinstance(value, (int, float, tuple)) else "not that"
    return SubjectError(
        UNREADABLE, name, f"{keyword} is {shown}, expected {expected}; repair the header"
    )
