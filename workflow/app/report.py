"""The report of a session's result: a PDF of one page."""

from typing import Any

import numpy as np

from app.channels import short_name
from app.contents import Labelled, Loaded
from app.edits import SHOWN
from app.kept import voxels_path
from app.measured import measured, result
from app.session import Refused, Session
from cmrseg.figures.report_words import image_words, model_words, notes_of
from cmrseg.measure.by_sequence import has_phases


def report_pdf(session: Session, ed_frame: int, es_frame: int) -> bytes:
    """The report at the given frames (from 0).

    Nothing on it is from a header that may name a person, nor the name of the file; a title is as
    typed. Raises Refused for a frame that
    does not exist, and for a title that cannot be printed.
    """
    # matplotlib is loaded here, as it takes a second.
    from cmrseg.figures.pdf import pdf_of
    from cmrseg.figures.report import UNTITLED, Curve, Report, figure, rows_of

    loaded, labelled = result(session)
    content = measured(session, ed_frame, es_frame)
    told = content.get("origin", "")
    report = Report(
        title=session.title,
        facts=_facts(session, loaded, labelled, content),
        strips=_strips(session, loaded, labelled, content),
        affine=np.asarray(labelled.affine, float),
        rows=rows_of(content["rows"]),
        curves=[
            Curve(line["tissue"], np.array(content["curves"][line["key"]], float))
            for line in content["lines"]
        ],
        unit=content["unit"],
        interval_s=labelled.interval_s,
        marks=[("ED", ed_frame), ("ES", es_frame)] if content["has_phases"] else [],
        warnings=[*content["warnings"], *([doubt] if (doubt := session.person.doubt()) else [])],
        edited=frozenset((z, frame) for frame, z in labelled.edited),
        notes=[*notes_of(content["rows"]), *([f"Interval: {told}"] if told else [])],
    )
    try:
        return pdf_of(figure(report), session.title or UNTITLED)
    except ValueError as error:
        raise Refused(str(error)) from None


def _facts(
    session: Session, loaded: Loaded, labelled: Labelled, content: dict[str, Any]
) -> list[tuple[str, str]]:
    images = image_words(loaded.shape, labelled.spacing_mm, labelled.interval_s, loaded.series)
    model = model_words(labelled.model, labelled.weights_sha256)
    kind = "digital heart, simulated" if loaded.is_sample else labelled.sequence.name
    facts = [
        ("Model", f"{model}; {labelled.toy}" if labelled.toy else model),
        ("Images", f"{kind}: {images}"),
    ]
    if content["has_phases"]:
        parts = [
            f"{name} {content[key] + 1} ({'by volume' if same else 'set by hand'})"
            for key, name in (("ed", "end-diastole"), ("es", "end-systole"))
            for same in [content[key] == content["found"][key]]
        ]
        facts.append(("Frames", ", ".join(parts)))
    if said := session.person.said():
        facts.append(("Person", said))
    return facts


def _strips(
    session: Session, loaded: Loaded, labelled: Labelled, content: dict[str, Any]
) -> list[Any]:
    """End-diastole above end-systole; the largest and the smallest area; or the sequences."""
    from cmrseg.figures.report import Strip

    labels = np.memmap(session.folder / SHOWN, np.uint8, "r", shape=loaded.shape)

    def strip(title: str, frame: int, key: str = "") -> Strip:
        voxels = np.load(voxels_path(session, loaded, key), mmap_mode="r", allow_pickle=False)
        return Strip(title, frame, np.array(voxels[frame]), np.array(labels[frame]))

    if len(loaded.sequences) > 1:
        return [strip(short_name(key), 0, key) for key in loaded.sequences]
    if loaded.shape[0] == 1:
        return [strip("", 0)]
    names = ("ED", "ES") if has_phases(labelled.sequence) else ("largest", "smallest")
    ends = zip(names, (content["ed"], content["es"]), strict=True)
    return [strip(f"{name}, frame {frame + 1}", frame) for name, frame in ends]
