"""Numbers of an annotator's files, tissues or coordinates, checked before any job starts."""

import re
from typing import Any

from cmrseg.labels import UNLABELLED
from study.tables import StudyError

# Forms whose files contain numbers of tissues.
NUMBERED = ("masks", "nifti", "frames")
# Forms whose files contain coordinates.
DRAWN = ("qmass", "text", "cvi42")


def check_numbers(annotator: str, about: str | dict[str, Any]) -> None:
    """Raise StudyError if an annotator's numbers cannot be those of its files.

    annotator: its name and cohort, for the error. about: its form, or form, folder and numbers.
    """
    if isinstance(about, str):
        return
    if "first_pixel" in about and about["form"] not in DRAWN:
        raise StudyError(
            f"{annotator} has first_pixel, which is for contours ({', '.join(DRAWN)}); "
            f"{about['form']} has no coordinates"
        )
    if "numbers" not in about:
        return
    if about["form"] not in NUMBERED:
        raise StudyError(
            f"{annotator} has numbers, which are for label files ({', '.join(NUMBERED)}); "
            f"{about['form']} has its own"
        )
    for number in about["numbers"]:
        if not (re.fullmatch("[0-9]{1,3}", str(number)) and 0 < int(number) < UNLABELLED):
            raise StudyError(
                f"{annotator} has numbers for {number!r}, expected 1 to {UNLABELLED - 1}; 0 is "
                f"background and {UNLABELLED} not labelled in all labels"
            )
