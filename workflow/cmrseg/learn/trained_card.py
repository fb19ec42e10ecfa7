"""The model card of a trained model, made from its files.

Without torch, which takes longer to import than a card to write.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from cmrseg.calibrate.model_file import calibration_in
from cmrseg.files import read_table, replacing
from cmrseg.results.history import result_row
from cmrseg.results.model_card import Training, count_parameters, trained_card
from cmrseg.results.shapes import shapes_in


def write_card(
    model: Mapping[str, Any], inputs: Mapping[str, Any], path: str, phantom: bool
) -> None:
    """Write the card of a trained row of the models table.

    inputs: weights, history and record of its training, and its calibration, if it has one.
    phantom: whether the images show the digital heart.
    """
    data = json.loads(Path(inputs["record"]).read_text("utf-8"))["data"]
    training = Training(
        subjects={name: part["subjects"] for name, part in data.items()},
        images={name: part["images"] for name, part in data.items()},
        last_epoch=result_row(read_table(inputs["history"])),
        phantom=phantom,
        calibration=calibration_in(inputs.get("calibration", "")),
    )
    parameters = count_parameters(shapes_in(inputs["weights"]))
    text = trained_card(model, parameters, training)
    with replacing(path) as temporary:
        temporary.write_text(text, encoding="utf-8")
