"""The model card of a trained model, made from its files."""

from collections.abc import Mapping
from typing import Any

from cmrseg.files import read_table, replacing
from cmrseg.learn.batches import training_rows
from cmrseg.learn.schedule import result_row
from cmrseg.learn.slices import Slices
from cmrseg.learn.weights import load_weights
from cmrseg.results.model_card import Training, count_parameters, trained_card
from cmrseg.tasks.build import task_of


def write_card(
    model: Mapping[str, Any], inputs: Mapping[str, Any], path: str, phantom: bool
) -> None:
    """Write the card of a trained row of the models table.

    inputs: weights, history, slices (folder) and confidence (table, or empty) of its training.
    phantom: whether the images show the digital heart.
    """
    confidence = read_table(inputs["confidence"]) if inputs["confidence"] else None
    rows = training_rows(Slices.load(inputs["slices"]), model, confidence, task_of(model).samples)
    parts = dict(zip(("training", "validation"), rows, strict=True))
    training = Training(
        subjects={name: part["subject"].nunique() for name, part in parts.items()},
        images={name: len(part) for name, part in parts.items()},
        last_epoch=result_row(read_table(inputs["history"])),
        phantom=phantom,
    )
    weights = load_weights(inputs["weights"])
    shapes = {name: tuple(value.shape) for name, value in weights.items()}
    text = trained_card(model, count_parameters(shapes), training)
    with replacing(path) as temporary:
        temporary.write_text(text, encoding="utf-8")
