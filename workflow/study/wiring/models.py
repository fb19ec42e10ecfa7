"""What the rules of models ask of the models table: rows, slices, starts, scores."""

from typing import Any

from cmrseg.measure.confidence import THRESHOLDS
from study.study import IMAGENET, Study
from study.wiring.cohorts import Cohorts
from study.wiring.wildcards import Wildcards


class Models:
    """Models that the study trains, and those that label."""

    def __init__(self, study: Study, cohorts: Cohorts):
        self.study, self.cohorts = study, cohorts

    # -- trained here ------------------------------------------------------------------------

    def row(self, wildcards: Wildcards) -> dict[str, Any]:
        return self.study.models[wildcards.model]

    def rows(self, wildcards: Wildcards) -> list[dict[str, Any]]:
        """The rows of all models by name: their order in the table is no matter."""
        return [self.study.models[model] for model in sorted(self.study.models)]

    def training(self, wildcards: Wildcards) -> dict[str, Any]:
        """What a training depends on in the row."""
        return self.study.training(wildcards.model)

    def is_phantom(self, wildcards: Wildcards) -> bool:
        """Whether a model's images show the digital heart; its card says so."""
        return self.row(wildcards)["cohort"] in self.study.phantoms()

    def sequences(self) -> list[str]:
        """Images of all models, as the folders of their slices name them."""
        return sorted({row["sequence"].replace(",", "-") for row in self.study.models.values()})

    def slices_of(self, model: str) -> str:
        """The folder of the slices that a model is trained on."""
        row = self.study.models[model]
        above = f"results/{self.study.name}/slices/{row['cohort']}/{row['labeller']}"
        return f"{above}/{self.study.slices_name(model)}"

    def slices(self, wildcards: Wildcards) -> str:
        return self.slices_of(wildcards.model)

    def start(self, wildcards: Wildcards) -> str | list[str]:
        """The weights a model starts from: a file, or nothing for random weights."""
        row = self.row(wildcards)
        if row["start"] == "random":
            return []
        if row["start"] == "imagenet":
            return IMAGENET.format(encoder=row["encoder"])
        return self.study.weights(row["start"])

    def start_state(self, wildcards: Wildcards) -> str:
        return self.study.weights_state(self.row(wildcards)["start"])

    def scores(self, wildcards: Wildcards) -> str | list[str]:
        """The confidence table, for models that are trained on one of its sets."""
        if self.row(wildcards)["subset"] not in THRESHOLDS:
            return []
        return self.cohorts.confidence_tables()[0]

    # -- labelling, also given ---------------------------------------------------------------

    def labelling(self, wildcards: Wildcards) -> dict[str, Any]:
        """What labelling has to know of a model."""
        return self.study.model(wildcards.labeller)

    def weights(self, wildcards: Wildcards) -> str:
        return self.study.weights(wildcards.labeller)

    def weights_state(self, wildcards: Wildcards) -> str:
        return self.study.weights_state(wildcards.labeller)
