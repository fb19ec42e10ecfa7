"""The published tables of the Kaggle data: truth, image sizes, images, predicted pixels.

Columns and file names as in the repository of Ankenbrand et al. 2021, doi:10.1002/mrm.28822.
"""

from pathlib import Path

import numpy as np
import pandas as pd

from cmrseg.measure.known_volumes import kaggle_volumes
from cmrseg.measure.volumes import pixel_volume_ml

# Folder of the tables in the published repository.
TABLES = Path("analysis/kaggle")

# Columns of ids; the first one of the automatic volumes has no name.
TEXT = ("Id", "pid", "subject", "set", "Unnamed: 0")


def read(folder: Path, name: str, **options) -> pd.DataFrame:
    """A published table with ids as text."""
    separator = "," if name.endswith(".csv") else "\t"
    text = dict.fromkeys(TEXT, str)
    return pd.read_csv(folder / TABLES / name, sep=separator, dtype=text, **options)


def patient_of(study: str) -> str:
    """The patient of a study: repeated measurements of 123 are 123_a and 123_b."""
    return study.partition("_")[0]


def by_number(subject: str) -> tuple[int, str]:
    """Key that sorts ids by the patient's number, then by the suffix."""
    return int(patient_of(subject)), subject


def known_volumes(folder: Path) -> pd.DataFrame:
    """The true volumes of every study: subject, split, set, edv_ml, esv_ml, sorted by number.

    split, set: Kaggle's partition. Both measurements of a patient have the patient's truth.
    """
    studies = read(folder, "patient_metadata.tsv")[["pid", "set"]]
    rows = [
        {"subject": study, "study": patient_of(study), "set": part, "split": part}
        for study, part in sorted(studies.itertuples(index=False), key=lambda s: by_number(s.pid))
    ]
    return kaggle_volumes(rows, [folder / TABLES / "truth"])


def sizes(folder: Path) -> pd.DataFrame:
    """Image size and spacing of every study after cleaning, by study: X, Y, pixelSpacingX, ..."""
    return read(folder, "patient_dimensions.tsv").set_index("pid")


def pixel_volumes_ml(sizes: pd.DataFrame, size_px: int) -> pd.Series:
    """Volume of a pixel in the images of a network with this input size, by study."""
    volumes = [
        pixel_volume_ml(s.X, s.Y, s.pixelSpacingX, s.pixelSpacingY, s.sliceSpacing, size_px)
        for s in sizes.itertuples()
    ]
    return pd.Series(volumes, sizes.index)


def automatic_volumes(folder: Path) -> pd.DataFrame:
    """Volumes by the UK Biobank network of all ids, with rotated copies: subject, edv_ml, esv_ml.

    End-diastole is the first frame, not the frame with the largest volume; volumes of other frames
    were not published.
    """
    table = read(folder, "ukbb_ventricular_volumes.csv")
    names = {table.columns[0]: "subject", "LVEDV (mL)": "edv_ml", "LVESV (mL)": "esv_ml"}
    return table.rename(columns=names)[list(names.values())]


def images(folder: Path) -> pd.DataFrame:
    """Every image, by its file name: subject and frame, including rotated copies.

    Raises ValueError naming an image whose name has another format.
    """
    table = read(folder, "image_list.tsv.xz", names=["subject", "file"])
    form = r"^images/(?P<folder>[^/]+)/(?P<subject>.+)-frame(?P<frame>\d{3})-slice\d{3}\.png$"
    parts = table["file"].str.extract(form)
    odd = table.loc[parts["subject"].ne(table["subject"]), "file"]
    if not odd.empty:
        raise ValueError(
            f"image_list.tsv.xz: {odd.iloc[0]} is not images/<id>/<id>-frame000-slice000.png"
        )
    parts.index = pd.Index(table["file"])
    return parts.astype({"subject": "category", "frame": int})[["subject", "frame"]]


def extreme_pixels(folder: Path, name: str, images: pd.DataFrame) -> pd.DataFrame:
    """LV pixels of every id in its largest and smallest frame: columns ed_px, es_px, by id.

    name: name of the table of predictions, a row per image with file and lv_pixels. images: from
    `images`. Pixels of a frame are summed over slices.
    Raises ValueError naming the table if its images are not those of the list.
    """
    table = read(folder, f"predictions/{name}.tsv.xz", usecols=["file", "lv_pixels"])
    # Some predictions were made in the parent folder.
    places = images.index.get_indexer(table["file"].str.removeprefix("nifti/"))
    found = np.bincount(
        places + 1, minlength=len(images) + 1
    )  # number of occurrences; the first value is for images not listed
    if found[0] or not (found[1:] == 1).all():
        raise ValueError(
            f"{name}: {found[0]} of its {len(table)} images are not in the list, and "
            f"{(found[1:] != 1).sum()} of the list are not in it once"
        )
    of_row = images.iloc[places].reset_index(drop=True)
    frames = table["lv_pixels"].groupby([of_row["subject"], of_row["frame"]]).sum()
    curves = frames.groupby(level="subject")
    return pd.DataFrame({"ed_px": curves.max(), "es_px": curves.min()})
