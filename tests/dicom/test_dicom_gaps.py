"""Gaps between slices as the published log of the cleaning tells them."""

import re

import numpy as np
import pandas as pd
import pytest

from cmrseg.dicom.geometry import Slice
from cmrseg.dicom.spacing import drop_irregular, fill_missing
from slice_lists import an_audit

audit = pytest.fixture(an_audit)


def published_rows(data, patient):
    """(problem, series folder, gaps named) of a patient's spacing rules."""
    path = data / "published" / "analysis" / "kaggle" / "conversion.log"
    names = ["pid", "problem", "resolution", "image", "extra"]
    log = pd.read_csv(path, sep="\t", names=names, dtype=str, keep_default_na=False)
    log = log[(log["pid"] == patient) & log["problem"].str.startswith("slice spacing: ")]
    rows = []
    for row in log[log["image"] != ""].itertuples():
        gaps = re.search("actual: (.*?)(, next|$)", row.extra).group(1)
        rows.append(
            (row.problem, row.image.split("/")[-2], [float(g) for g in gaps.split(" and ")])
        )
    return rows


def series(names, gaps):
    """Slices of these folders with the given distances between them."""
    numbers = range(1, len(names) + 1)
    places = np.cumsum([0.0, *gaps])
    return [Slice(n, i, z) for n, i, z in zip(names, numbers, places, strict=True)]


def regular(count, prefix="x"):
    return [f"{prefix}{i}" for i in range(count)]


# Slices in order of location: names as in the log where it gives them, x and y elsewhere; and their
# distances, from the log, with regular ones where the log is silent (there is nothing to log).
LOGGED = {
    "611": (
        [*regular(8), "sax_65", "sax_66", "sax_67", "sax_68"],
        [10] * 7 + [32.000068287315, 5.999997674022, 6.0000327447, 5.9999615262],
        10.0,
    ),
    "755": (["sax_11", *regular(8)], [61.804591094556706] + [10] * 7, 10.0),
    "436": (
        [
            "sax_41",
            *regular(3),
            "sax_39",
            "y0",
            "sax_38",
            "sax_37",
            "y1",
            "sax_34",
            *regular(3, "z"),
        ],
        [
            *(6.000000954032004, 10.02, 10.02, 5.999996172121996, 3.9599713123390075),
            *(2.040005223462998, 6.000001186839995, 1.9799917671970064),
            *(4.02001728662799, 6.000001225641, 10.02, 10.02),
        ],
        10.02,
    ),
    "506": (
        [*regular(4), "sax_60", "sax_59", "y0", "sax_57", "sax_58", *regular(3, "z")],
        [
            *(10, 10, 10, 3.2998852910859995, 3.9999993218249976, 2.7001144466970004),
            *(1.2998814170749995, 4.000001339768005, 4.700115291021994, 10, 10),
        ],
        10.0,
    ),
    "280": (
        [*regular(3), "sax_18", "sax_17", "sax_19", "sax_16", *regular(2, "z")],
        [
            *(10, 10, 6.871496218800999, 1.2647863513988007, 1.8637212023686),
            *(8.13627837823956, 10, 10),
        ],
        10.0,
    ),
    "546": (
        [*regular(3), "sax_45", "y0", "sax_44", "y1", "sax_43", "sax_9", "sax_42", "z0", "z1"],
        [
            *(10, 10, 6.266806618918, 3.7331956079486996, 6.2668043060876, 3.7331956079485),
            *(6.266804306087599, 3.7331956079486, 6.266805672086999, 10, 10),
        ],
        10.0,
    ),
    "679": (
        [
            *regular(2),
            "sax_53",
            "y0",
            "sax_54",
            *regular(3, "z"),
            "sax_52",
            "sax_51",
            "sax_50",
            "w",
        ],
        [
            *(10, 6.0000002338687, 3.9999606112806, 2.0000425972088, 7.9999590857574),
            *(10, 10, 10, 6.000001721179, 6.000000233869001, 6.000001587042499),
        ],
        10.0,
    ),
    "514": (
        [*regular(6), "sax_8", "y0", "sax_7"],
        [10] * 5 + [2.849848230315004, 7.1501527946909995, 2.8498458844039973],
        10.0,
    ),
    "578": (
        [*regular(5), "sax_9", "y0", "sax_8", "y1", "sax_7"],
        [
            *(10, 10, 10, 10, 4.405701572101002, 5.594298592600001),
            *(4.405701791393998, 5.594300492665001, 4.405701892312999),
        ],
        10.0,
    ),
}


@pytest.mark.parametrize("patient", LOGGED)
def test_logged_gaps_give_the_logged_decisions(data, audit, patient):
    names, gaps, spacing_mm = LOGGED[patient]
    slices = series(names, gaps)
    filled = fill_missing(slices, spacing_mm, audit)
    drop_irregular(filled, spacing_mm, audit)
    expected = published_rows(data, patient)
    decided = []
    for _, problem, _, image, detail in audit.rows:
        actual = re.search("actual: (.*?)(, next|$)", detail).group(1)
        measured = [float(gap.removesuffix(" mm")) for gap in actual.split(" and ")]
        decided.append((problem, image, measured))
    assert [(p, i) for p, i, _ in decided] == [(p, i) for p, i, _ in expected]
    for (_, _, ours), (_, _, logged) in zip(decided, expected, strict=True):
        assert ours == pytest.approx(logged, abs=0.0051)
