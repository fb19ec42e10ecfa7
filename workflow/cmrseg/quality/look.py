"""What is unusual about one labelled subject, in a line, without a judge that has learnt."""

import numpy as np

from cmrseg.quality.features import features
from cmrseg.quality.reasons import excess, picture_reasons, subject_reasons

# With fewer frames in a beat neighbours in time differ much, and nothing is said about them.
LEAST_FRAMES = 15
OVER_TIME = ("time_", "roughness_", "opening")


def worth_a_look(
    labels: np.ndarray, image: np.ndarray, spacing_mm: tuple[float, float, float]
) -> str:
    """The pictures that are furthest from usual, and what is unusual about the subject.

    labels: (t, z, y, x) of the short axis. image: of the same shape. spacing_mm: along z, y, x.
    A picture counts by how far it is beyond the usual limits of `reasons`, and by its labelled
    pixels. Slices that are the last labelled one in any frame are left out: the base moves through
    them. Slices and frames count from 1. Returns "" where nothing is unusual.
    """
    pictures, row = features(labels, image, spacing_mm, "the cine")
    ends = set(pictures.loc[pictures["end_distance"] == 0, "slice"]) if len(pictures) else set()
    if len(labels) < LEAST_FRAMES:
        pictures = pictures.drop(columns=pictures.filter(regex=f"^({'|'.join(OVER_TIME)})"))
        row = {name: value for name, value in row.items() if not name.startswith(OVER_TIME)}
    rows = [entry for entry in pictures.to_dict("records") if entry["slice"] not in ends]
    largest = max((entry["pixels"] for entry in rows), default=1)
    for entry in rows:
        entry["reasons"] = picture_reasons(entry)
        # Where nothing is labelled a whole picture is wrong.
        entry["excess"] = excess(entry) * entry["pixels"] / largest if entry["pixels"] else np.inf
    rows.sort(key=lambda entry: -entry["excess"])
    # One picture of each slice.
    of_slice = {entry["slice"]: entry for entry in reversed(rows) if entry["excess"] > 0}
    return subject_reasons(row, sorted(of_slice.values(), key=lambda entry: -entry["excess"]))
