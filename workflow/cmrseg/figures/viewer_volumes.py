"""What the viewer shows: which subjects, and their images and label maps."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from cmrseg.cine import Cine
from cmrseg.figures.viewer import Volume
from cmrseg.sequences import USUAL, image_path
from cmrseg.splits import upright_rows


def spread(images: pd.DataFrame, count: int) -> list[str]:
    """Held-out subjects from the best to the worst mean LV Dice, evenly spread over the ranks.

    images: rows with subject, split, dice_lv. Subjects that a model was trained on count only
    where there are no others, a subject with a rotated copy as the copy.
    """
    images = upright_rows(images)
    held_out = images[images["split"] != "train"]
    table = images if held_out.empty else held_out
    order = table.groupby("subject")["dice_lv"].mean().sort_values(ascending=False)
    places = np.linspace(0, len(order) - 1, min(count, len(order))).round().astype(int)
    return [str(order.index[place]) for place in places]


def read_viewer_volumes(
    subjects: Sequence[str],
    images: Mapping[str, Path],
    layers: Mapping[str, Mapping[str, Path]],
) -> list[Volume]:
    """Cines of some subjects with the label maps of every labeller that has them.

    images: folder of each subject. layers: by labeller, folder of each subject.
    """
    return [
        Volume(
            name=subject,
            image=Cine.load(image_path(images[subject], USUAL)),
            layers=[
                (labeller, Cine.load(image_path(folders[subject], USUAL)))
                for labeller, folders in layers.items()
                if subject in folders
            ],
        )
        for subject in subjects
    ]
