"""Made copies of the MyoPS challenge's folder: its names, types, values and grids."""

from collections.abc import Iterable
from pathlib import Path

import nibabel as nib
import numpy as np

from cmrseg.labels import Tissue
from cmrseg.layouts.myops_codes import CODES

# A plane of the sample case: 0.76 mm, 14 mm between slices, axes left, superior, posterior.
LSP = np.array(
    [
        [-0.521198, -0.314990, 8.409477, 128.6808],
        [-0.495481, -0.020030, -10.626982, 231.7563],
        [-0.251131, 0.693250, 3.513953, -129.6277],
        [0, 0, 0, 1],
    ]
)
# A heart that points more to the left: axes posterior, superior, right.
PSR = np.array(
    [
        [-0.348701, -0.347101, 11.230571, 80],
        [-0.627661, -0.003569, -8.005117, 190],
        [-0.187911, 0.656025, 5.898507, -120],
        [0, 0, 0, 1],
    ]
)
TRAINING, TESTING = range(101, 126), range(201, 221)
SHAPE = (24, 20, 4)
CODE = {tissue: code for code, tissue in CODES.items()}


def heart(shape: tuple[int, int, int] = SHAPE, scar: bool = True) -> np.ndarray:
    """Tissues (x, y, z): a cavity, its wall with scar and oedema, and the right ventricle."""
    x, y = np.mgrid[: shape[0], : shape[1]]
    far = np.hypot(x - shape[0] / 2, y - shape[1] / 2)
    plane = np.zeros(shape[:2], np.uint8)
    plane[(far < 9) & (x < shape[0] / 2 - 2)] = Tissue.RV
    plane[far < 6] = Tissue.MYO
    if scar:
        plane[(far < 6) & (y > shape[1] / 2 + 2)] = Tissue.EDEMA
        plane[(far < 5) & (y > shape[1] / 2 + 3)] = Tissue.SCAR
    plane[far < 3] = Tissue.LV
    return np.repeat(plane[..., None], shape[2], axis=2)


def as_codes(tissues: np.ndarray) -> np.ndarray:
    """Tissues in the challenge's values, int16."""
    codes = np.zeros(256, np.int16)
    for tissue, code in CODE.items():
        codes[tissue] = code
    return codes[tissues]


def save(path: Path, voxels: np.ndarray, affine: np.ndarray = LSP, placed: bool = True) -> None:
    """Write voxels (x, y, z), with a qform as the challenge's files have one, or without place."""
    path.parent.mkdir(parents=True, exist_ok=True)
    image = nib.Nifti1Image(voxels, affine)
    image.header.set_xyzt_units("mm", "sec")
    image.set_sform(None, code=0)
    image.set_qform(affine, code=1 if placed else 0)
    nib.save(image, path)


def grey(case: int, sequence: int, shape: tuple[int, ...] = SHAPE) -> np.ndarray:
    """Voxels that are of one case and sequence alone; int16."""
    return np.random.default_rng([case, sequence]).integers(0, 3000, shape).astype(np.int16)


def challenge(folder: Path, cases: Iterable[int] = (*TRAINING, *TESTING)) -> Path:
    """The folder as the challenge's three archives make it. Affines of every third case differ."""
    for case in cases:
        kind = "training" if case in TRAINING else "test"
        affine = PSR if case % 3 == 0 else LSP
        where = folder / ("train25" if case in TRAINING else "test20")
        for i, name in enumerate(("C0", "DE", "T2")):
            save(where / f"myops_{kind}_{case}_{name}.nii.gz", grey(case, i), affine)
        if case in TRAINING:
            labels = as_codes(heart(scar=case != 105))
            save(folder / f"train25_myops_gd/myops_{kind}_{case}_gd.nii.gz", labels, affine)
    return folder
