"""Contours over the images of another sequence on the same grid."""

import numpy as np
import pandas as pd
import pytest

from cmrseg.cine import Cine
from cmrseg.figures.cases import read_cases
from cmrseg.labels import Tissue
from cmrseg.sequences import SEQUENCES

ROWS = pd.DataFrame(
    {
        **{"kind": ["best"], "subject": ["7"], "slice": [1], "frame": [0]},
        **{"dice_lv": [0.9], "dice_my": [0.8], "dice_scar": [0.7], "dice_rv": [0.6]},
    }
)


@pytest.fixture
def folders(tmp_path):
    """Images c0 of 1 and de of 2, and labels of the LV, of one subject."""
    for key, value in (("c0", 1), ("de", 2)):
        Cine(np.full((1, 2, 4, 4), value, np.int16), np.eye(4)).save(tmp_path / f"{key}.nii.gz")
    labels = tmp_path / "labels"
    labels.mkdir()
    lv = np.full((1, 2, 4, 4), Tissue.LV, np.uint8)
    Cine(lv, np.eye(4)).save(labels / "c0.nii.gz")
    return {"7": tmp_path}, {"7": labels}


@pytest.mark.parametrize(("shown", "grey"), [("", 1), ("de", 2)])
def test_the_picture_is_of_the_sequence_that_is_asked_for(folders, shown, grey):
    images, labels = folders
    (case,) = read_cases(ROWS, images, labels, labels, SEQUENCES["c0"], shown)
    assert (case.image == grey).all()
    assert (case.prediction == Tissue.LV).all()


def test_the_dice_of_scar_is_shown_beside_that_of_the_wall(folders):
    images, labels = folders
    (case,) = read_cases(ROWS, images, labels, labels, SEQUENCES["c0"])
    assert case.dice == {Tissue.LV: 0.9, Tissue.MYO: 0.8, Tissue.SCAR: 0.7}
