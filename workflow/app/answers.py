"""Answers to the page: the setup, once, and the state of its session on every request."""

import math
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from app.channels import described, short_name
from app.contents import Labelled
from app.edit_requests import edited_of
from app.models import NONE, TOY, Model, model_id
from app.samples import MAKE, SAMPLES, model_for, species_of
from app.session import Session
from app.uploads import UPLOADED, UPLOADS
from cmrseg.labels import COLOURS, NAMES, Tissue
from cmrseg.layouts.inputs import TAGGED
from cmrseg.sequences import SEQUENCES


def setup_of(session: Session, models: Sequence[Model], most_bytes: int) -> dict[str, Any]:
    """The models and samples to choose from, and the name of the session."""
    return {
        "session": session.name,
        "most_bytes": most_bytes,
        "endings": UPLOADS,
        "uploaded": UPLOADED,
        **models_of(models),
        "tissues": [
            {"value": int(t), "name": NAMES[t], "colour": COLOURS[t]}
            for t in Tissue
            if t != Tissue.BACKGROUND
        ],
    }


def models_of(models: Sequence[Model]) -> dict[str, Any]:
    """The models to choose from, and the samples with the model that suits each."""
    return {
        "models": [
            {
                "id": model_id(model),
                "name": model.name,
                "network": model.network,
                "sequence": model.sequence,
                "images": described(model.sequence),
                "tracks": model.sequence == TAGGED,
                "facts": dict(model.facts),
                "trained_mm": model.trained_mm,
                "toy": TOY if model.is_toy else "",
                "fault": model.fault,
            }
            for model in models
        ],
        "no_models": "" if models else NONE,
        "samples": [
            {"id": key, "name": sample[0], **_suited(key, models)}
            for key, sample in SAMPLES.items()
        ],
    }


def _suited(sample: str, models: Sequence[Model]) -> dict[str, str]:
    """The model for a sample, or how to make one."""
    model = model_for(sample, models)
    if model is not None:
        return {"model": model_id(model), "advice": ""}
    made = MAKE[species_of(sample)]
    return {
        "model": "",
        "advice": f"No model here was trained on such hearts; this command trains one: {made}",
    }


def _person(session: Session) -> dict[str, Any]:
    """What somebody typed about the person in the images."""
    person = session.person
    surface = {"bsa_m2": person.bsa_m2, "doubt": person.doubt()}
    return {**asdict(person), "title": session.title, **surface}


def state_of(session: Session) -> dict[str, Any]:
    """The state of a session for the page; nan becomes null."""
    loaded, found = session.loaded, session.labelled or session.tracked
    image = loaded and {
        "number": loaded.number,
        "name": loaded.name,
        "shape": loaded.shape,
        "spacing_mm": loaded.spacing_mm,
        "spacing_fault": loaded.spacing_fault,
        "interval_s": None if math.isnan(loaded.interval_s) else loaded.interval_s,
        "notes": loaded.notes,
        "is_file": loaded.file_affine is not None,
        "series": loaded.series,
        "person": _person(session),
        "channels": [
            {"key": key, "name": short_name(key), "plane": SEQUENCES[key].plane}
            for key in loaded.sequences
        ],
    }
    result = found and {
        "number": found.number,
        "kind": "labels" if session.labelled else "points",
        "model": found.model,
        "spacing_mm": found.spacing_mm,
        "interval_s": None if math.isnan(found.interval_s) else found.interval_s,
        **(_labels_of(session.labelled) if session.labelled else {}),
    }
    return {
        "busy": session.busy.locked(),
        "doing": session.doing,
        "part": session.part,
        "fault": session.fault,
        "image": image,
        "series": session.offer and session.offer.number,
        "result": result,
    }


def _labels_of(labelled: Labelled) -> dict[str, Any]:
    return {"tissues": [int(tissue) for tissue in labelled.tissues], **edited_of(labelled)}
