"""Jobs of a session, in a thread: one at a time, cancelled by closing the page."""

import errno
import logging
import math
import re
import shutil
from collections.abc import Callable

import numpy as np

from app.calibrated import calibration_of
from app.channels import images_for
from app.checks import interval_fault, model_warnings, spacing_fault, species
from app.contents import Labelled, Loaded, Tracked
from app.edits import SHOWN, forget_edits
from app.intake import RECEIVED, UNPACKED
from app.models import TOY, Model
from app.phases import frames_of
from app.series import KEPT
from app.session import Closed, Refused, Session, Sessions
from app.tracked import POINTS
from cmrseg.apply_tags import strain_of
from cmrseg.cine import Cine
from cmrseg.dicom.audit import SubjectError
from cmrseg.fetch.checks import FULL
from cmrseg.files import replacing, sha256
from cmrseg.labels import Tissue, tissues_of
from cmrseg.layouts.tag_check import without_tags
from cmrseg.learn.coarse_labels import coarse_labels
from cmrseg.learn.label import WEIGHTS, load_model
from cmrseg.learn.predict import predict_cine
from cmrseg.learn.track import track_cine
from cmrseg.measure.by_sequence import has_phases
from cmrseg.measure.volumes import volume_curves
from cmrseg.quality.look import worth_a_look
from cmrseg.sequences import labelled_sequence
from cmrseg.tasks.kinds import kind_of

logger = logging.getLogger(__name__)

# numpy reports no more than this if the disk is full.
SHORT = re.compile(r"\d+ requested and \d+ written")


def start(sessions: Sessions, session: Session, work: Callable[[], None]) -> None:
    """Start a job for a claimed session, which is released when the job ends."""
    others = any(s.busy.locked() for s in sessions.all() if s is not session)
    session.doing = "Waiting for another page's job" if others else "Starting"
    session.part = None
    sessions.worker.submit(_run, session, work)


def claim(session: Session) -> None:
    """Claim a session for a job; the caller passes it to `start` or calls `release`."""
    if not session.busy.acquire(blocking=False):
        raise Refused("This page is still busy; wait until it has finished.", 409)
    if session.closed.is_set():
        release(session)
        raise Refused("This page's session has ended; reload the page.", 404)
    session.fault = ""


def release(session: Session) -> None:
    """End a session's job; if the page was closed meanwhile, its folder is deleted now."""
    session.doing, session.part = "", None
    session.busy.release()
    # After the lock is free, as `close` deletes the folder only then.
    if session.closed.is_set():
        shutil.rmtree(session.folder, ignore_errors=True)


def _run(session: Session, work: Callable[[], None]) -> None:
    try:
        if not session.closed.is_set():
            work()
    except Closed:
        pass
    except (Refused, ValueError, SubjectError, FileNotFoundError) as error:
        session.fault = _sentence(session, str(error))
    except MemoryError:
        session.fault = "This machine does not have enough memory for these images."
    except OSError as error:
        if error.errno not in (*FULL, errno.ENOMEM) and not SHORT.search(str(error)):
            logger.exception("work ended")
        full = "The disk is full" if SHORT.search(str(error)) else ""
        sentence = full or error.strerror or "Reading or writing a file failed"
        session.fault = _sentence(session, sentence)
    except Exception:
        logger.exception("work ended")
        session.fault = "Unexpected error; see the terminal for details."
    finally:
        release(session)


def _sentence(session: Session, text: str) -> str:
    """An error message without paths of this machine."""
    own = session.folder
    for place in (own / UNPACKED, own / RECEIVED, own / KEPT, own, own.parent):
        text = text.replace(f"{place}/", "").replace(str(place), "the upload")
    text = text.lstrip(": ") + ("" if text.endswith(".") else ".")
    # A file name at the start of a message is kept.
    return text if text.split()[0].endswith(":") else text[:1].upper() + text[1:]


def label(
    session: Session,
    model: Model,
    device: str,
    given_mm: tuple[float, float] | None,
    given_interval_ms: float | None,
) -> None:
    """Segment the session's cine and measure it.

    given_mm: pixel spacing and slice spacing, for a cine without plausible ones in its header.
    given_interval_ms: frame interval, if the header has none. Raises ValueError, Refused or
    FileNotFoundError saying what is wrong.
    """
    loaded = session.loaded
    if loaded is None:
        raise Refused("There are no images yet; choose images first.", 409)
    session.doing = "Loading the model"
    try:
        network, settings = load_model(model.folder)
    except (ValueError, OSError) as error:
        sentence = str(error).replace(f"{model.folder}/", "").replace(str(model.folder), "it")
        raise Refused(f"The model {model.name} cannot be read: {sentence}") from error
    loaded, channels = images_for(session, model.name, settings["sequence"])
    sequence = labelled_sequence(settings["sequence"])
    spacing_mm = loaded.spacing_mm
    if loaded.spacing_fault:
        if given_mm is None:
            raise Refused(f"{loaded.spacing_fault} Enter the voxel size.")
        spacing_mm = (given_mm[1], given_mm[0], given_mm[0])
        if fault := spacing_fault(spacing_mm, not sequence.volumetric):
            raise Refused(fault)
    if not loaded.series and (fault := without_tags(channels[0], sequence.key)):
        raise Refused(f"{loaded.name}: {fault}.")
    affine = loaded.affine.copy()
    # For a file without a position in the patient; a NIfTI file keeps its own affine.
    if loaded.file_affine is None:
        affine[:3, :3] *= np.divide(spacing_mm, loaded.spacing_mm)[::-1]
    # The slice distance of a lone plane says nothing.
    kind = species(spacing_mm) or ("human" if not sequence.volumetric else None)
    interval_s = loaded.interval_s
    if math.isnan(interval_s) and given_interval_ms is not None:
        interval_s = given_interval_ms / 1000
        if fault := interval_fault(interval_s, loaded.shape[0], kind):
            raise Refused(fault)
    session.doing = "Labelling"
    session.progress(0, 1)
    try:
        coarse = coarse_labels(model.folder, settings, channels, device, loaded.name)
    except (ValueError, OSError) as error:
        # Folders of this machine are nobody's business.
        above = {f"{model.folder.parent}/", f"{model.folder.resolve().parent}/"}
        sentence = str(error)
        for folder in sorted(above, key=len, reverse=True):
            sentence = sentence.replace(folder, "")
        raise Refused(f"The model {model.name} cannot label: {sentence}") from error
    if kind_of(settings).writes == "points":
        session.doing = "Following the heart"
        cine = Cine(channels[0].voxels, affine, interval_s)
        points = track_cine(network, cine, settings, device, loaded.name, session.progress, coarse)
        _keep_points(session, model, cine, points, coarse, _toy(loaded, model))
        return
    labels = predict_cine(
        network, channels, settings, device, progress=session.progress, coarse=coarse
    )
    tissues = tissues_of(settings["tissues"])
    z, y, x = spacing_mm
    curves = volume_curves(labels, (z, y, x), loaded.name, tissues, sequence)
    ed_frame, es_frame = frames_of(curves, sequence, interval_s)
    look = ""
    if has_phases(sequence) and {Tissue.LV, Tissue.MYO} <= set(tissues):
        look = worth_a_look(labels, channels[0].voxels, (z, y, x))
    weights_sha256 = sha256(model.folder / WEIGHTS)
    calibration, uncalibrated = calibration_of(model.folder, weights_sha256)
    session.progress(1, 1)
    # Other requests may still be reading the previous labels, so their file is kept.
    with session.editing:
        with replacing(session.folder / SHOWN) as part:
            labels.tofile(part)
        forget_edits(session)
        session.tracked = None
        session.labelled = Labelled(
            number=session.next_number(),
            model=model.name,
            weights_sha256=weights_sha256,
            tissues=tissues,
            sequence=sequence,
            affine=affine,
            spacing_mm=spacing_mm,
            interval_s=interval_s,
            species=kind,
            curves=curves,
            ed_frame=ed_frame,
            es_frame=es_frame,
            warnings=[*model_warnings(spacing_mm, model.trained_mm), *_toy(loaded, model)],
            folder=model.folder,
            calibration=calibration,
            uncalibrated=uncalibrated,
            look=look,
            toy=TOY if model.is_toy else "",
        )


def _keep_points(
    session: Session,
    model: Model,
    cine: Cine,
    points: np.ndarray,
    box: np.ndarray | None,
    toy: list[str],
) -> None:
    """Measure strain of landmarks (t, z, 168, 2), and show it.

    box: (t, z, 2, 2), that in which they are, None of a model that found the heart by itself.
    Raises Refused where no heart was found.
    """
    if not np.isfinite(points[0]).any():
        raise Refused(f"The model {model.name} found no heart in these images.", 409)
    curves = strain_of(cine, points, "the cine").details
    session.progress(1, 1)
    with replacing(session.folder / POINTS) as part:
        points.astype("<f4").tofile(part)
    session.labelled = None
    session.tracked = Tracked(
        number=session.next_number(),
        model=model.name,
        weights_sha256=sha256(model.folder / WEIGHTS),
        affine=cine.affine,
        spacing_mm=cine.spacing_mm,
        interval_s=cine.frame_interval_s,
        points=points,
        box=np.full((*points.shape[:2], 2, 2), np.nan) if box is None else box,
        curves=curves,
        warnings=toy,
    )


def _toy(loaded: Loaded, model: Model) -> list[str]:
    """Whether a model trained only on digital hearts is applied to other images."""
    if loaded.is_sample or not model.is_toy:
        return []
    return ["The model was trained on digital hearts; it is not meant for real images."]
