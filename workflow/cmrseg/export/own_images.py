"""A subject's labels on its DICOM images, and where these lie."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from cmrseg.cine import Cine
from cmrseg.dicom.study import study_folder
from cmrseg.export.own_pixels import OwnLabels, of_images
from cmrseg.export.source_images import Sources, read_sources
from cmrseg.layouts.ukbb_bulk import find_bulk


@dataclass(frozen=True)
class Study:
    """A subject's labels on the pixels of its DICOM images, and these images."""

    images: Sequence[OwnLabels]
    sources: Sources
    copied: int


def own_labels(labels: Cine, table: pd.DataFrame, folder: Path) -> Study:
    """Label maps of a cine on its DICOM images.

    table: of sources. folder: of the study's raw files. Errors as `of_images` and `read_sources`.
    """
    images = list(of_images(labels.voxels, table))
    copied = int(table["copied"].astype(bool).sum())
    # Of all images, whoever labelled some of them: identifiers may be made of theirs.
    return Study(images, read_sources(folder, table["file"].unique()), copied)


def raw_folder(row: Mapping[str, Any], raw: Iterable[Path], layout: str) -> Path:
    """Where the files of a subject are that its sources name.

    row: of the subject table. raw: folders of raw files. Raises ValueError where it is in none.
    """
    places = []
    for place in raw:
        if layout == "ukbb_dicom":
            try:
                return find_bulk(place, row["study"], row["series"])[0]
            except ValueError:
                places.append(row["study"])
                continue
        found = study_folder(pd.Series(dict(row)), place, {"layout": layout})
        if found.is_dir():
            return found
        places.append(found.name)
    raise ValueError(f"no raw files {', '.join(dict.fromkeys(places))}; put them back")
