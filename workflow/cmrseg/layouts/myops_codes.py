"""Values in label files of the MyoPS challenge."""

import numpy as np

from cmrseg.labels import NAMES, UNLABELLED, Tissue

# Li et al. 2023, doi:10.1016/j.media.2023.102808.
CODES = {
    0: Tissue.BACKGROUND,
    200: Tissue.MYO,
    500: Tissue.LV,
    600: Tissue.RV,
    1220: Tissue.EDEMA,
    2221: Tissue.SCAR,
}
# None of these.
NO_CODE = -1


def as_codes(labels: np.ndarray) -> np.ndarray:
    """Labels, `Tissue` of any shape, in the challenge's values; int16.

    Raises ValueError naming tissues that it has no value for, and voxels that nobody labelled.
    """
    codes = np.full(UNLABELLED + 1, NO_CODE, np.int16)
    for code, tissue in CODES.items():
        codes[tissue] = code
    found = codes[labels]
    wrong = np.unique(labels[found == NO_CODE]).tolist()
    if wrong:
        words = ["unlabelled" if w == UNLABELLED else NAMES[Tissue(w)] for w in wrong]
        raise ValueError(
            f"{(found == NO_CODE).sum()} voxels are {' or '.join(words)}, for which the challenge "
            "has no value; export a labeller that labels whole images with its tissues"
        )
    return found
