"""Import of a Kaggle tree as it was published, with pydicom, scikit-image and nibabel.

Every file is read for the headers table, again for its place in time, and again for its pixels;
every frame is scaled and turned, also where that changes nothing; one float32 NIfTI per study.
Steps and order: Ankenbrand et al. 2021, doi:10.1002/mrm.28822, supplement. For intact series of
equal geometry, so without the repairs. Arguments: the tree's `<set>` folder, a folder to fill.
"""

import json
import re
import sys
import time
import warnings
from collections import Counter
from pathlib import Path

import nibabel
import numpy as np
import pandas as pd
import pydicom
from skimage.transform import rescale, rotate

LARGEST_PX = 256
# Numbers of real data that are no valid ones; to tell of each takes time and helps nobody.
warnings.simplefilter("ignore")
FIRST = re.compile(r"IM-\d+-0001.*\.dcm")


def headers(study: Path) -> pd.DataFrame:
    rows = []
    for path in sorted(study.glob("sax_*/*.dcm")):
        row = {"file": path.name, "dir": path.parent.name, "pid": study.parent.name}
        for element in pydicom.dcmread(path):
            if element.VR != "SQ" and not element.VR.startswith("O"):
                name = element.keyword or f"{element.name} {element.tag}"
                row[name] = element.value
        rows.append(row)
    return pd.DataFrame(rows)


def largest_mode(values):
    return max(Counter(values).items(), key=lambda item: (item[1], item[0]))[0]


def fitted(image: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """Cropped or zero-padded, the odd pixel on the low side."""
    for axis, size in enumerate(shape):
        more = size - image.shape[axis]
        low = (abs(more) + 1) // 2
        if more > 0:
            widths = [(0, 0), (0, 0)]
            widths[axis] = (low, more - low)
            image = np.pad(image, widths)
        elif more < 0:
            image = np.take(image, range(low, low + size), axis)
    return image


def convert(study: Path, target: Path) -> None:
    headers(study).to_csv(target / f"{study.parent.name}.tsv", sep="\t", index=False)
    first = [p for p in sorted(study.glob("sax_*/*.dcm")) if FIRST.fullmatch(p.name)]
    slices = sorted(
        ((pydicom.dcmread(p), p) for p in first), key=lambda s: float(s[0].SliceLocation)
    )
    data = [d for d, _ in slices]
    rows, columns = largest_mode((int(d.Rows), int(d.Columns)) for d in data)
    spacing = largest_mode(tuple(float(v) for v in d.PixelSpacing) for d in data)
    phases = largest_mode(int(d.CardiacNumberOfImages) for d in data)
    gaps = np.diff([float(d.SliceLocation) for d in data])
    distance = min(Counter(np.round(gaps, 2)).items(), key=lambda item: (-item[1], item[0]))[0]
    factor = min(1.0, LARGEST_PX / max(rows, columns))
    shape = round(columns * factor), round(rows * factor)
    voxels = np.zeros((*shape, len(slices), phases), np.float32)
    for z, (_, path) in enumerate(slices):
        files = sorted(path.parent.glob(path.name.replace("-0001", "-*", 1)))
        files.sort(key=lambda p: float(pydicom.dcmread(p).TriggerTime))
        for t, file in enumerate(files[:phases]):
            image = pydicom.dcmread(file).pixel_array.T
            # The version of that time took the range of the type for the range of the values.
            scaled = rescale(image / 65535, factor, mode="reflect", anti_aliasing=factor < 1)
            voxels[:, :, z, t] = fitted(rotate(scaled, 0.0), shape)
    axes = np.round([float(v) for v in data[0].ImageOrientationPatient], 3)
    x, y = axes[:3] * (-1, -1, 1), axes[3:] * (-1, -1, 1)
    affine = np.eye(4)
    affine[:3, 0], affine[:3, 1] = x * spacing[1] / factor, y * spacing[0] / factor
    affine[:3, 2] = np.cross(x, y) * distance
    affine[:3, 3] = np.array([float(v) for v in data[0].ImagePositionPatient]) * (-1, -1, 1)
    image = nibabel.Nifti1Image(voxels, affine)
    image.header.set_xyzt_units("mm", "sec")
    folder = target / study.parent.name
    folder.mkdir(exist_ok=True)
    nibabel.save(image, folder / "sa.nii.gz")


studies = sorted(Path(sys.argv[1]).glob("*/study"))
for _ in sys.stdin:
    started = time.process_time()
    for folder in studies:
        convert(folder, Path(sys.argv[2]))
    print(json.dumps({"seconds": time.process_time() - started}), flush=True)
