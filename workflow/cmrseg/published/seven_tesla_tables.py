"""The published tables of the 7T data: confusion matrices, ED and ES frames, pixels, subsets.

Columns and file names as in the repository of Ankenbrand et al. 2021, doi:10.1002/mrm.28822.
"""

from pathlib import Path

import pandas as pd

from cmrseg.measure.cohort_summary import image_counts
from cmrseg.measure.volumes import pixel_volume_ml

# Folder of the tables in the published repository.
TABLES = Path("analysis/7T")

# The two observers, and the names of the networks in the published figures.
FIRST, SECOND = "WS", "TR"
BASE, UKBB = "base", "ukbb"
PLAIN, IMAGENET, DOUBLE = "plainLearn", "imagenetTransferLearn", "doubleTransferLearn"
DOUBLE_ESED = "doubleTransferLearn_esed"

# File of each pair of reference and method.
PAIRS = {
    (FIRST, SECOND): "WS_TR",
    (FIRST, BASE): "WS_base",
    (FIRST, PLAIN): "WS_plainLearn",
    (FIRST, IMAGENET): "WS_imagenetTransferLearn",
    (FIRST, DOUBLE): "WS_doubleTransferLearn",
    (FIRST, DOUBLE_ESED): "WS_doubleTL-esed",
    (FIRST, UKBB): "WS_ukbbCardiac",
    (SECOND, DOUBLE): "TR_doubleTransferLearn",
}

# Columns that identify a row in a table of images.
KEYS = ["image", "set", "volunteer", "slice", "frame", "reference", "method"]

# Labels were compared on images of this size, so a confusion table has this size squared pixels.
SIZE_PX = 256

# Pixels of 0.625 mm on images with a longer side of 512; slice spacing 6 mm.
ML_PER_PIXEL = pixel_volume_ml(512, 472, 0.625, 0.625, 6.0, SIZE_PX)

IMAGE_NAME = r"^(?P<volunteer>\d+)_slice(?P<slice>\d+)_frame(?P<frame>\d+)"


def confusion_tables(folder: Path) -> dict[tuple[str, str], pd.DataFrame]:
    """All confusion tables by (reference, method): KEYS and the counts bg_bg, bg_lv, ...

    Rows in the order of the file. Counts are those of measure.cohort_summary.image_counts, the
    reference's class first. Raises ValueError naming the file and an image for names that are not
    <volunteer>_slice<n>_frame<n> and for counts that do not add up to a whole image.
    """
    return {pair: _confusion(folder, *pair, name) for pair, name in PAIRS.items()}


def _confusion(folder: Path, reference: str, method: str, name: str) -> pd.DataFrame:
    path = folder / TABLES / "confusion_tables" / f"confusion_{name}.tsv"
    table = pd.read_csv(path, sep="\t", dtype={"image": str, "set": str})
    table = table.drop(columns=["methodA", "methodB"]).assign(reference=reference, method=method)
    table = _with_place(table, "image", path)
    pixels = image_counts(table).sum(axis=(1, 2))
    if (pixels != SIZE_PX**2).any():
        worst = (pixels != SIZE_PX**2).argmax()
        raise ValueError(
            f"{path}: counts of {table['image'].iloc[worst]} sum to {pixels[worst]}, "
            f"expected {SIZE_PX**2}; fetch the file again"
        )
    return table[[*KEYS, *table.columns.difference(KEYS, sort=False)]]


def end_frames_table(folder: Path) -> pd.DataFrame:
    """Published end-systolic and end-diastolic frames: subject, es_frame, ed_frame.

    A volunteer without contours has a row for each pair of frames, and is excluded here.
    """
    table = pd.read_csv(folder / TABLES / "esed_frames.tsv", sep="\t", dtype={"Id": str})
    table = table.rename(columns={"Id": "subject", "es": "es_frame", "ed": "ed_frame"})
    return table[~table["subject"].duplicated(keep=False)].reset_index(drop=True)


def pixels_table(folder: Path) -> pd.DataFrame:
    """Pixels of the first observer's masks at full size: subject, slice, frame, lv_pixels, image.

    Volunteer 24 has empty masks only.
    """
    path = folder / TABLES / "pixel_counts_by_class.tsv"
    table = _with_place(pd.read_csv(path, sep="\t"), "file", path)
    names = {"volunteer": "subject", "lv": "lv_pixels"}
    table["image"] = table["file"].str.removesuffix("-mask.png")
    return table.rename(columns=names)[["subject", "slice", "frame", "lv_pixels", "image"]]


def subsets_table(folder: Path) -> pd.DataFrame:
    """The training images with their published subsets: subject, slice, frame, lv_pixels, image,
    and a logical column for each subset.

    Raises ValueError naming an image that has no pixel counts.
    """
    path = folder / TABLES / "image_subsets.tsv"
    table = pd.read_csv(path, sep="\t", dtype={"Id": str})
    table["image"] = table["file"].str.removesuffix("-image.png")
    subsets = table.drop(columns=["file", "Id", "slice", "frame"])
    pixels = pixels_table(folder)
    missing = sorted(set(subsets["image"]) - set(pixels["image"]))
    if missing:
        raise ValueError(
            f"{path}: {len(missing)} images have no row in pixel_counts_by_class.tsv, "
            f"first {missing[0]}; fetch both files again"
        )
    return subsets.merge(pixels, on="image", validate="one_to_one")


def _with_place(table: pd.DataFrame, column: str, path: Path) -> pd.DataFrame:
    place = table[column].str.extract(IMAGE_NAME)
    unknown = place["volunteer"].isna()
    if unknown.any():
        raise ValueError(
            f"{path}: {table.loc[unknown, column].iloc[0]!r} is no image, "
            "expected <volunteer>_slice<number>_frame<number>"
        )
    return table.assign(
        volunteer=place["volunteer"],
        slice=place["slice"].astype(int),
        frame=place["frame"].astype(int),
    )
