"""The card of an ensemble, made from its files; without torch, as that of a trained model."""

from collections.abc import Mapping
from typing import Any

from cmrseg.calibrate.model_file import calibration_in
from cmrseg.files import read_table, replacing
from cmrseg.results.ensemble_card import ensemble_card, mean_scores
from cmrseg.results.history import result_row
from cmrseg.results.model_card import count_parameters
from cmrseg.results.shapes import shapes_in


def write_ensemble_card(
    model: Mapping[str, Any],
    weights: str,
    histories: Mapping[str, str],
    path: str,
    phantom: bool,
    calibration: str = "",
) -> dict[str, float]:
    """Write the card of a row of the models table with folds or seeds; returns its mean scores.

    weights: of all members. histories: file of each member's training, by its name. phantom:
    whether the images show the digital heart. calibration: its file, "" for none.
    """
    members = {name: result_row(read_table(file)) for name, file in histories.items()}
    parameters = count_parameters(shapes_in(weights))
    text = ensemble_card(model, parameters, members, phantom, calibration_in(calibration))
    with replacing(path) as temporary:
        temporary.write_text(text, encoding="utf-8")
    return mean_scores(members)
