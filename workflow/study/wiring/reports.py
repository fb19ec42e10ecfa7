"""The report of a prediction: its inputs, and what was typed for it."""

from collections.abc import Mapping
from typing import Any

from study.calibration import calibrated_pairs
from study.study import Study
from study.wiring.cohorts import Cohorts
from study.wiring.wildcards import Wildcards


class Reports:
    """The report of the one subject and the one model of a prediction.

    typed: what was typed about the person (`study.prediction.prediction_report`), None where the
    study is no prediction.
    """

    def __init__(self, study: Study, cohorts: Cohorts, typed: Mapping[str, Any] | None):
        self.study, self.cohorts, self.typed = study, cohorts, typed

    def names(self) -> list[str]:
        """The path of the report, where there is one: of label maps that are measured."""
        if self.typed is None or not self.study.measured():
            return []
        return [f"results/{self.study.name}/report.pdf"]

    def inputs(self, wildcards: Wildcards) -> dict[str, str | list[str]]:
        ((cohort, model),) = self.study.measured()
        here = f"results/{self.study.name}/cohorts/{cohort}"
        calibrated = (cohort, model) in calibrated_pairs(self.study)
        return {
            "intervals": f"{here}/intervals/{model}.tsv" if calibrated else [],
            "images": self.cohorts.images_of(cohort),
            "labels": self.cohorts.labels_of(cohort, model),
            "volumes": f"{here}/volumes/{model}.tsv",
            "curves": f"{here}/volumes/{model}.curves.tsv",
            "audit": f"{here}/audit.tsv",
            "weights": f"{self.study.given[model]['folder']}/weights.safetensors",
        }

    def settings(self, wildcards: Wildcards) -> dict[str, Any]:
        ((_, model),) = self.study.measured()
        return {
            **(self.typed or {}),
            "model": model,
            "sequence": self.study.model(model)["sequence"],
        }
