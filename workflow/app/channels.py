"""Which of a session's images a model labels, and why these are not for it."""

import numpy as np

from app.contents import Loaded
from app.kept import keep, repairs, voxels_path
from app.session import Refused, Session
from app.uploads import UPLOADED, example_names
from cmrseg.apply import other_kind
from cmrseg.cine import Cine
from cmrseg.dicom.audit import Audit
from cmrseg.layouts.inputs import SUFFIXES, TAGGED
from cmrseg.layouts.nifti import turned_back, turned_to_pictures
from cmrseg.sequences import SEQUENCES, USUAL, Sequence, channels_of


def images_for(session: Session, model: str, wanted: str) -> tuple[Loaded, list[Cine]]:
    """The images of each channel of a model, (t, z, y, x) on one grid, and what is loaded.

    model: its name. wanted: the sequences of its settings. A NIfTI file is read again from what is
    loaded where pictures of its plane lie otherwise; the page then has other images. Raises Refused
    naming what is absent, or obviously of another kind.
    """
    loaded, channels = session.loaded, channels_of(wanted)
    if loaded is None:
        raise Refused("There are no images yet; choose images first.", 409)
    if len(channels) > 1 or len(loaded.sequences) > 1:
        _check_there(loaded, model, channels)
    (first, *_) = channels
    if fault := other_kind(loaded.shape, first):
        raise Refused(f"{loaded.name}: {fault}. The model {model} labels {_said(channels)}.")
    if len(loaded.sequences) == 1:
        loaded = _read_as(session, loaded, model, first)
    keys = loaded.sequences if len(loaded.sequences) == 1 else [c.key for c in channels]
    voxels = [np.load(voxels_path(session, loaded, key), allow_pickle=False) for key in keys]
    return loaded, [Cine(one, loaded.affine, loaded.interval_s) for one in voxels]


def _check_there(loaded: Loaded, model: str, channels: tuple[Sequence, ...]) -> None:
    needed = f"The model {model} labels {_said(channels)}"
    if len(loaded.sequences) == 1:
        raise Refused(
            f"{needed} together, and {loaded.name} has one image. Upload a zip with one NIfTI file "
            f"for each: {example_names(channels)}."
        )
    absent = [channel for channel in channels if channel.key not in loaded.sequences]
    if absent:
        raise Refused(
            f"{needed}, and {loaded.name} has no {_said(absent)}; it has "
            f"{_said([SEQUENCES[key] for key in loaded.sequences])}."
        )


def _read_as(session: Session, loaded: Loaded, model: str, sequence: Sequence) -> Loaded:
    """The images as pictures of a sequence's plane."""
    known = SEQUENCES[loaded.sequences[0]]
    # Slices of tagged cines are in another order than those of a short axis.
    alike = known.plane == sequence.plane and (known.key == TAGGED) == (sequence.key == TAGGED)
    # Wide pictures of a cine are turned, those of still images are not.
    if alike and (known.is_cine == sequence.is_cine or loaded.file_affine is None):
        return loaded
    if loaded.file_affine is None:
        if TAGGED in (known.key, sequence.key):
            raise Refused(
                f"{loaded.name}: read as {known.name}. The model {model} is for {sequence.name}; "
                "choose the file once more while this model is selected."
            )
        raise Refused(
            f"{loaded.name}: read as {known.name}. The model {model} labels {sequence.name}, "
            "which the page reads from a NIfTI file."
        )
    voxels = np.load(voxels_path(session, loaded), allow_pickle=False)
    stored = turned_back(Cine(voxels, loaded.affine, loaded.interval_s), loaded.file_affine)
    audit = Audit(loaded.name)
    cine = turned_to_pictures(stored, loaded.placed, loaded.name, audit, sequence)
    notes = repairs(audit.table())
    keep(session, [cine], loaded.name, loaded.file_affine, notes, sequences=(sequence.key,))
    assert session.loaded is not None
    return session.loaded


def described(wanted: str) -> str:
    """The images that a model labels, and their files, for the page."""
    channels = channels_of(wanted)
    if len(channels) > 1:
        named = ", ".join(short_name(channel.key) for channel in channels)
        return f"{named}: a .zip with one NIfTI file each ({example_names(channels)})"
    if channels[0].key == TAGGED:
        return f"a tagged short-axis cine: {UPLOADED}"
    if channels[0].key == USUAL:
        return f"a short-axis cine: {UPLOADED}"
    return f"{_said(channels)}: a NIfTI file ({', '.join(SUFFIXES)}), or a .zip of one"


def _said(channels: tuple[Sequence, ...] | list[Sequence]) -> str:
    names = [f"{channel.name} ({channel.key})" for channel in channels]
    return " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)


def short_name(key: str) -> str:
    """A sequence beside its picture: its contrast, and how challenges call it."""
    sequence = SEQUENCES[key]
    if sequence.is_cine:
        return sequence.name
    same = sequence.contrast.lower() == key
    return sequence.contrast if same else f"{sequence.contrast} ({key.upper()})"
