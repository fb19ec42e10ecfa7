"""Label maps that somebody corrects: a slice at a time. Volumes follow, edited slices are known."""

import shutil
from dataclasses import replace

import numpy as np

from app.contents import Labelled, Loaded
from app.phases import frames_of
from app.session import Refused, Session
from cmrseg.labels import UNLABELLED
from cmrseg.measure.by_sequence import curve_columns
from cmrseg.measure.islands import remove_islands
from cmrseg.measure.volumes import volume_curves

# In the session's folder: what is shown and measured; the model's own labels; the labels with all
# edits, of which SHOWN may have the largest pieces only. The last two are there once needed.
SHOWN, MODEL, EDITED = "labels.u8", "model.u8", "edited.u8"
CHANGED = "The segmentation has been replaced meanwhile; this edit is of the previous one."


def forget_edits(session: Session) -> None:
    """Delete what belongs to a previous segmentation."""
    for name in (MODEL, EDITED):
        (session.folder / name).unlink(missing_ok=True)


def edit_slice(session: Session, number: int, frame: int, slice_: int, content: bytes) -> Labelled:
    """Take the labels of a slice, rows by columns of uint8, as the page shows it.

    number: of the result that the page edits. frame, slice_: from 0. Only pixels that differ from
    what is shown are edited. Raises Refused for another result, a place that is none, and labels
    that the model does not know.
    """
    with session.editing:
        loaded, labelled = _current(session, number)
        shown = _opened(session, loaded, SHOWN)
        given = _checked(loaded, labelled, shown, frame, slice_, content)
        edited, model = (_opened(session, loaded, name) for name in (EDITED, MODEL))
        changed = given != shown[frame, slice_]
        edited[frame, slice_][changed] = given[changed]
        is_same = (edited[frame, slice_] == model[frame, slice_]).all()
        marked = labelled.edited - {(frame, slice_)} if is_same else labelled.edited
        marked = marked if is_same else marked | {(frame, slice_)}
        labelled = replace(labelled, edited=frozenset(marked))
        session.labelled = _measured(session, loaded, labelled, [frame])
        return session.labelled


def model_slice(session: Session, number: int, frame: int, slice_: int) -> bytes:
    """The labels of a slice as the model gave them."""
    with session.editing:
        loaded, _ = _current(session, number)
        _check_place(loaded, frame, slice_)
        return bytes(_opened(session, loaded, MODEL)[frame, slice_].tobytes())


def keep_largest(session: Session, number: int, wanted: bool) -> Labelled:
    """Show and measure the largest piece of each tissue in each frame only, or all of them."""
    with session.editing:
        loaded, labelled = _current(session, number)
        frames = list(range(loaded.shape[0]))
        labelled = replace(labelled, largest=wanted)
        session.labelled = _measured(session, loaded, labelled, frames)
        return session.labelled


def _current(session: Session, number: int) -> tuple[Loaded, Labelled]:
    if session.loaded is None or session.labelled is None:
        raise Refused("There is no segmentation yet; segment the images first.", 409)
    if session.labelled.number != number:
        raise Refused(CHANGED, 409)
    if session.busy.locked():
        raise Refused("This page is still busy; wait until it has finished.", 409)
    return session.loaded, session.labelled


def _opened(session: Session, loaded: Loaded, name: str) -> np.memmap:
    """Labels (t, z, y, x) of the session's folder, to be written to."""
    path = session.folder / name
    if not path.is_file():
        # Before the first edit all three are what the model gave.
        shutil.copyfile(session.folder / SHOWN, path)
    return np.memmap(path, np.uint8, "r+", shape=loaded.shape)


def _check_place(loaded: Loaded, frame: int, slice_: int) -> None:
    frames, slices = loaded.shape[:2]
    if not (0 <= frame < frames and 0 <= slice_ < slices):
        raise Refused(f"Frames must be 1 to {frames}, slices 1 to {slices}.")


def _checked(
    loaded: Loaded, labelled: Labelled, shown: np.ndarray, frame: int, slice_: int, content: bytes
) -> np.ndarray:
    _check_place(loaded, frame, slice_)
    rows, columns = loaded.shape[2:]
    if len(content) != rows * columns:
        raise Refused(f"A slice has {rows} x {columns} labels, got {len(content)}.")
    given = np.frombuffer(content, np.uint8).reshape(rows, columns)
    known = (0, *labelled.tissues)
    wrong = ~np.isin(given, known) & ~((given == UNLABELLED) & (shown[frame, slice_] == given))
    if wrong.any():
        raise Refused(f"The label {given[wrong][0]} is none of this model.")
    return given


def _measured(session: Session, loaded: Loaded, labelled: Labelled, frames: list[int]) -> Labelled:
    """What is shown of some frames, after their edits; their volumes, and the phases."""
    shown, edited = (_opened(session, loaded, name) for name in (SHOWN, EDITED))
    curves = labelled.curves.copy()
    columns = list(curve_columns(labelled.sequence).values())
    z, y, x = labelled.spacing_mm
    for frame in frames:
        labels = np.array(edited[frame : frame + 1])
        if labelled.largest:
            labels, _ = remove_islands(labels, "largest")
        shown[frame] = labels[0]
        one = volume_curves(labels, (z, y, x), loaded.name, labelled.tissues, labelled.sequence)
        curves.loc[frame, columns] = one.loc[0, columns]
    ed_frame, es_frame = frames_of(curves, labelled.sequence, labelled.interval_s)
    return replace(labelled, curves=curves, ed_frame=ed_frame, es_frame=es_frame)
