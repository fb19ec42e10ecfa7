"""Annotators of a folder of raw files: who drew, in which form, and of which study."""

from collections.abc import Iterable
from pathlib import Path

from cmrseg.annotations.point_forms import TABLE_ENDINGS
from cmrseg.contours.workspaces import ENDINGS
from cmrseg.describe.found import ANNOTATIONS, Found, entries
from cmrseg.layouts.inputs import SUFFIXES

# Forms that a layout may have, and the endings of their files.
FILES = {
    "qmass": (".con",),
    "cvi42": ENDINGS,
    "nifti": SUFFIXES,
    "masks": (".png",),
    "points": TABLE_ENDINGS,
}
FORMS = {
    "folder": ("qmass", "cvi42", "text", "nifti", "points"),
    "ukbb_dicom": ("cvi42", "nifti", "points"),
    "kaggle": ("masks", "nifti"),
    "nifti": ("nifti", "points"),
    "tagging": ("points",),
}


def add_annotators(found: Found) -> None:
    """Add the annotators in `annotations` beside the studies, and what of theirs fits no study."""
    top = found.raw / ANNOTATIONS
    if not top.is_dir():
        return
    for folder in entries(top):
        form = _form(folder, FORMS.get(found.layout, ())) if folder.is_dir() else None
        if form is None:
            known = ", ".join(FORMS.get(found.layout, ())) or "none"
            reason = f"no labels in a form that layout {found.layout} has: {known}"
            found.unclear.append((f"{ANNOTATIONS}/{folder.name}", reason))
            continue
        names = _annotated(folder, form)
        found.annotators[_key(folder.name)] = (
            form if _key(folder.name) == folder.name else _elsewhere(form, folder)
        )
        found.labelled |= names & set(found.studies)
        for name in sorted(names - set(found.studies)):
            reason = "labels of no study that was found; see `annotation` in docs/data.md"
            found.unclear.append((f"{ANNOTATIONS}/{folder.name}/{name}", reason))


def _elsewhere(form: str, folder: Path) -> dict[str, str]:
    """The setting of an annotator whose folder has a name that no annotator can have."""
    return {"form": form, "folder": f"{ANNOTATIONS}/{folder.name}"}


def _key(name: str) -> str:
    """The name of an annotator: small letters, digits and _."""
    return "".join(c if c.isascii() and (c.isalnum() or c == "_") else "_" for c in name.lower())


def _form(folder: Path, forms: Iterable[str]) -> str | None:
    """The form of the files in an annotator's folder, the one with most files."""
    names = [path.name for path in folder.rglob("*") if path.is_file()]
    counts = {form: sum(_is(name, form) for name in names) for form in forms}
    best = max(counts, key=lambda form: counts[form], default="")
    return best if counts.get(best) else None


def _is(name: str, form: str) -> bool:
    if form == "text":
        return name.endswith(".txt") and "contour" in name
    return name.endswith(FILES[form])


def _annotated(folder: Path, form: str) -> set[str]:
    """Names of the studies that an annotator labelled, by those of files and folders."""
    if form == "masks":
        return {path.parent.name for path in folder.glob("*/*/*/study")}
    names = set()
    for path in entries(folder):
        if path.is_dir() and any(_is(p.name, form) for p in path.rglob("*")):
            names.add(path.name)
        elif ending := next((e for e in FILES.get(form, ()) if path.name.endswith(e)), None):
            stem, _, frame = path.name.removesuffix(ending).rpartition("_frame")
            names.add(stem if stem and frame.isdigit() else path.name.removesuffix(ending))
    return names
