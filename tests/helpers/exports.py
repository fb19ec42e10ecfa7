"""Small exports like a PACS makes them, of the digital heart, for tests."""

import zipfile
from dataclasses import replace
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import pydicom

from cmrseg.phantom.kaggle import Protocol
from cmrseg.phantom.pacs.export import Export, write_export
from cmrseg.phantom.pacs.variant import Variant
from cmrseg.phantom.population import draw_subjects

# Five slices of eight frames: writing a whole examination takes one to two seconds.
SMALL = Protocol("1.5T", 8, 48, 40, 6.5, 16.0, 8.0, slice_count=5)
ROW = draw_subjects(1, seed=5, diseases=["healthy"]).to_dict("records")[0]

# Forms of an export by name; each has the same subject, and Export.truth is its cine.
VARIANTS = {
    "siemens": Variant(),
    "philips": Variant(vendor="philips"),
    "ge": Variant(vendor="ge"),
    "one series per slice": Variant(cine_as="slices"),
    "one series per slice, philips": Variant(vendor="philips", cine_as="slices"),
    "one series per frame": Variant(cine_as="phases"),
    "one object": Variant(vendor="philips", cine_as="object"),
    "second cine": Variant(second_cine=True),
    "two examinations": Variant(second_examination=True),
    "resent": Variant(again="resent"),
    "acquired again": Variant(again="acquired"),
    "cine alone": Variant(kinds=("cine",), copies=0),
    "no cine": Variant(kinds=("localiser", "2ch", "3ch", "4ch", "lge", "report")),
}


def small_export(folder: Path, variant: str | Variant = "siemens", seed: int = 0) -> Export:
    """Write a small export below `folder`; variant: a name of VARIANTS, or one of its own."""
    export, files = made(VARIANTS[variant] if isinstance(variant, str) else variant, seed)
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    return replace(export, files=export.files.copy())


@cache
def made(variant: Variant, seed: int) -> tuple[Export, dict[str, bytes]]:
    """An export, made once, and its files."""
    with TemporaryDirectory() as folder:
        export = write_export(Path(folder), ROW, SMALL, variant, seed)
        return export, {name: (Path(folder) / name).read_bytes() for name in export.files["file"]}


def zipped(folder: Path, name: str = "export.zip") -> Path:
    """A zip of a folder, beside it."""
    path = folder.with_name(name)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for file in sorted(folder.rglob("*")):
            if file.is_file():
                archive.write(file, file.relative_to(folder.parent))
    return path


@cache
def read(path: Path) -> pydicom.Dataset:
    """The data set of a file, read once."""
    return pydicom.dcmread(path)


def values(data: pydicom.Dataset):
    """Pixels of one picture or of an enhanced object's frames, after its slope."""
    source = data
    if "SharedFunctionalGroupsSequence" in data:
        source = data.SharedFunctionalGroupsSequence[0].PixelValueTransformationSequence[0]
    slope = float(source.get("RescaleSlope", 1))
    return data.pixel_array * slope + float(source.get("RescaleIntercept", 0))
