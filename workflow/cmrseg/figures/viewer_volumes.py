"""Contents of the viewer: selected subjects, their images and label maps."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from cmrseg.cine import Cine
from cmrseg.figures.viewer import Volume
from cmrseg.labels import SHORT_NAMES, Tissue
from cmrseg.sequences import USUAL, image_path
from cmrseg.splits import upright_rows


def spread(images: pd.DataFrame, count: int, tissue: Tissue = Tissue.LV) -> list[str]:
    """Test subjects from the best to the worst mean Dice of a tissue, spread over the ranks.

    images: rows with subject, split, dice_lv, ... Training subjects are only used if there are no
    others; if a subject has a rotated copy, only the copy is used.
    """
    images = upright_rows(images)
    held_out = images[images["split"] != "train"]
    table = images if held_out.empty else held_out
    order = (
        table.groupby("subject")[f"dice_{SHORT_NAMES[tissue]}"].mean().sort_values(ascending=False)
    )
    places = np.linspace(0, len(order) - 1, min(count, len(order))).round().astype(int)
    return [str(order.index[place]) for place in places]


def read_viewer_volumes(
    subjects: Sequence[str],
    images: Mapping[str, Path],
    layers: Mapping[str, Mapping[str, Path]],
    sequence: str = USUAL,
) -> list[Volume]:
    """Images of some subjects with the label maps of every labeller that has them.

    images: folder of each subject. layers: by labeller, folder of each subject.
    """
    return [
        Volume(
            name=subject,
            image=Cine.load(image_path(images[subject], sequence)),
            layers=[
                (labeller, Cine.load(image_path(folders[subject], sequence)))
                for labeller, folders in layers.items()
                if subject in folders
            ],
        )
        for subject in subjects
    ]
