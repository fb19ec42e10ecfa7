"""Inputs and params of the rules for models: rows, slices, start weights, scores."""

from typing import Any

from study.coarse import coarse_ending, coarse_settings
from study.study import IMAGENET, Study
from study.wiring.cohorts import LABELS, Cohorts
from study.wiring.wildcards import Wildcards, one_of


class Models:
    """Models that the study trains, and models that segment."""

    def __init__(self, study: Study, cohorts: Cohorts):
        self.study, self.cohorts = study, cohorts

    # -- trained here ------------------------------------------------------------------------

    def row(self, wildcards: Wildcards) -> dict[str, Any]:
        return self.study.models[wildcards.model]

    def rows(self, wildcards: Wildcards) -> list[dict[str, Any]]:
        """The rows of the table sorted by name, as their order does not matter."""
        return [self.study.declared[model] for model in sorted(self.study.declared)]

    def training(self, wildcards: Wildcards) -> dict[str, Any]:
        """The settings of a row that its training depends on."""
        return self.study.training(wildcards.model)

    def is_phantom(self, wildcards: Wildcards) -> bool:
        """Whether a model's images show the digital heart; its card says so."""
        return self.study.declared_of(wildcards.model)["cohort"] in self.study.phantoms()

    def sequences(self) -> list[str]:
        """Sequences of all models, as in the names of their slices' folders."""
        return sorted({row["sequence"].replace(",", "-") for row in self.study.models.values()})

    def slices_of(self, model: str) -> str:
        """The folder of the slices that a model is trained on; a member of folds has its own."""
        row, name = self.study.models[model], self.study.slices_name(model)
        ensemble = self.study.ensemble_of(model)
        if ensemble is not None and ensemble.folds is not None:
            fold = ensemble.members[model]
            return ensemble.folds.slices(self.study.name, fold, row["labeller"], name)
        return f"results/{self.study.name}/slices/{row['cohort']}/{row['labeller']}/{name}"

    def coarse_endings(self) -> str:
        """A wildcard constraint: the last part of folders of slices, which may be empty."""
        endings = {coarse_ending(row) for row in self.study.models.values()} - {""}
        return f"({one_of(sorted(endings))})?"

    def coarse_settings(self, wildcards: Wildcards) -> dict[str, str]:
        """The coarse model of slices, by the last part of their folder."""
        rows = self.study.models.values()
        return next((coarse_settings(r) for r in rows if coarse_ending(r) == wildcards.coarse), {})

    def coarse_shards(self, wildcards: Wildcards) -> list[str]:
        """The labels of the coarse model of slices, if they have one."""
        about = self.coarse_settings(wildcards)
        return self.cohorts.labels_of(wildcards.cohort, about["coarse"]) if about else []

    def slices(self, wildcards: Wildcards) -> str:
        return self.slices_of(wildcards.model)

    def start(self, wildcards: Wildcards) -> str | list[str]:
        """The weights that a model starts from: a file, or empty for random weights."""
        row = self.row(wildcards)
        if row["start"] == "random":
            return []
        if row["start"] == "imagenet":
            return IMAGENET.format(encoder=row["encoder"])
        return self.study.weights(row["start"])

    def start_state(self, wildcards: Wildcards) -> str:
        return self.study.weights_state(self.row(wildcards)["start"])

    def scores(self, wildcards: Wildcards) -> str | list[str]:
        """The confidence table, for models whose images its scores select."""
        row = self.row(wildcards)
        labeller = self.study.scores_of(row)
        if labeller is None:
            return []
        return self.cohorts.confidence_table(row["cohort"], labeller)

    # -- labelling, also given ---------------------------------------------------------------

    def labelling(self, wildcards: Wildcards) -> dict[str, Any]:
        """The settings of a model that segmentation depends on."""
        return self.study.model(wildcards.labeller)

    def coarse_labels(self, wildcards: Wildcards) -> str | list[str]:
        """A shard of the labels of a labeller's coarse model, if it has one."""
        if not (coarse := self.study.coarse(wildcards.labeller)):
            return []
        names = {"study": self.study.name, "cohort": wildcards.cohort, "shard": wildcards.shard}
        return LABELS.format(labeller=coarse, **names)

    def weights(self, wildcards: Wildcards) -> str:
        return self.study.weights(wildcards.labeller)

    def weights_state(self, wildcards: Wildcards) -> str:
        return self.study.weights_state(wildcards.labeller)
