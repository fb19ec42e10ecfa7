"""Downloads that are folders: labels as a BIDS derivative dataset, the model as a MONAI bundle."""

import tempfile
from pathlib import Path

import pandas as pd

from app.contents import Labelled
from app.dicom import drawn_by
from app.measured import result, values_at
from app.passing_on import withheld
from app.session import Refused, Session
from app.uploads import safe_name, stem
from cmrseg.export.bids import export_bids
from cmrseg.export.version import VERSION
from cmrseg.files import sha256
from cmrseg.labels import SHORT_NAMES
from cmrseg.learn.label import WEIGHTS
from cmrseg.measure.by_sequence import has_phases, measures_of_curve
from cmrseg.measure.labellers import LabelMaps
from cmrseg.sequences import image_path

CARD = "README.md"


def bids_files(
    session: Session, labels: bytes, edited: pd.DataFrame, ed_frame: int, es_frame: int
) -> dict[str, bytes]:
    """A BIDS derivative dataset of the examination, its files by their paths.

    labels: the label maps as a file (.nii.gz). edited: of the slices that were edited by hand, as
    the page lists them. Measures are those at the given frames (from 0). Raises Refused for a frame
    that does not exist.
    """
    loaded, labelled = result(session)
    subject, key = stem(loaded.name), labelled.sequence.key
    with tempfile.TemporaryDirectory(dir=session.folder) as place:
        maps, made = Path(place) / "maps", Path(place) / "bids"
        path = image_path(maps / subject, key)
        path.parent.mkdir(parents=True)
        path.write_bytes(labels)
        made.mkdir()
        tissues = ",".join(SHORT_NAMES[tissue] for tissue in labelled.tissues)
        labeller = LabelMaps(drawn_by(labelled)[0], subject, [maps], tissues, key)
        measures = _measures(labelled, subject, ed_frame, es_frame)
        export_bids(labeller, False, measures, VERSION, made, {subject: _sidecar(edited)})
        return _inside(made, f"{subject}_bids")


def _measures(labelled: Labelled, subject: str, ed_frame: int, es_frame: int) -> pd.DataFrame:
    """The row of the examination in a table of measures."""
    if has_phases(labelled.sequence):
        values = values_at(labelled, ed_frame, es_frame)
    else:
        values = measures_of_curve(labelled.curves, labelled.sequence)
    return pd.DataFrame([{"subject": subject, **values, "edited": len(labelled.edited)}])


def _sidecar(edited: pd.DataFrame) -> dict[str, object]:
    """What the JSON file beside the label maps says of edits; nothing without any."""
    if edited.empty:
        return {}
    return {
        "EditedSlices": edited.to_dict("records"),
        "EditedSlicesDescription": "Slices edited by hand: frame and slice as on the page, "
        "slice_in_file along the third axis of the label maps; all counted from 1",
    }


def bundle_files(session: Session) -> tuple[str, dict[str, bytes]]:
    """Name of a MONAI bundle of the model that segmented, and its files by their paths.

    Raises Refused for a model that cannot be a bundle, has changed since, has no card, or whose
    terms forbid passing it on.
    """
    # It loads torch, which other downloads do not need.
    from cmrseg.export.monai import write_bundle

    _, labelled = result(session)
    folder, model = labelled.folder, labelled.model
    if not (folder / WEIGHTS).is_file() or sha256(folder / WEIGHTS) != labelled.weights_sha256:
        raise Refused(
            f"The model {model} has changed since the images were segmented; segment them again.",
            409,
        )
    if not (folder / CARD).is_file():
        raise Refused(
            f"There is no bundle of {model}, as its folder has no card ({CARD}), which says on "
            "what terms the model may be used.",
            409,
        )
    name = f"{safe_name(folder.resolve().name)}_monai"
    with tempfile.TemporaryDirectory(dir=session.folder) as place:
        try:
            if reason := withheld(folder, model):
                raise Refused(f"{reason}.", 403)
            write_bundle(folder, Path(place))
        except ValueError as error:
            raise Refused(f"There is no bundle of {error}.", 409) from error
        return name, _inside(Path(place), name)


def _inside(folder: Path, name: str) -> dict[str, bytes]:
    """All files of a folder, by their paths within one of another name."""
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {f"{name}/{path.relative_to(folder).as_posix()}": path.read_bytes() for path in files}
