"""The published study: its tables, and those of each figure. Not part of any study of a user."""

from study.code import code_of
from study.tables import REPOSITORY
from study.wiring.wildcards import Wildcards

# The paper's numbers as printed. They are part of the repository and tracked by their content.
PUBLISHED_NUMBERS = ["resources/published_kaggle.tsv", "resources/published_7t.tsv"]
PUBLISHED_FIGURES = {
    "method_errors": ["kaggle_ef_error"],
    "volumes_by_method": ["kaggle_ef_error"],
    "confidence_sets": ["kaggle_metadata"],
    "manual_agreement": ["manual_dice", "manual_volumes"],
    "dice_distributions": ["seven_tesla_dice"],
    "dice_by_slice": ["seven_tesla_dice"],
    "dice_maps": ["seven_tesla_dice"],
    "volume_maps": ["seven_tesla_cavity"],
    "published_curves": ["learning_curves", "smoothed_curves", "seven_tesla_dice"],
    "data_requirements": ["learning_curves", "smoothed_curves"],
    "observer_table": ["observers"],
}


def published_numbers(wildcards: Wildcards, input: object) -> list[str]:
    """Where these are.

    What is made of `input` is not compared: another place of them re-runs nothing.
    """
    return [str(REPOSITORY / path) for path in PUBLISHED_NUMBERS]


def published_figure_tables(wildcards: Wildcards) -> dict[str, str]:
    return {name: f"results/published/{name}.tsv" for name in PUBLISHED_FIGURES[wildcards.drawn]}


def published_figure_code(wildcards: Wildcards) -> list[str]:
    return code_of(f"published/{wildcards.drawn}.py")
