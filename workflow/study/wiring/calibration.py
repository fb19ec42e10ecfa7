"""Inputs and params of the rule that calibrates volumes."""

from typing import Any

from cmrseg.calibrate.model_file import FILE
from study.calibration import ABOUT, calibrated_pairs
from study.study import Study
from study.subjects import patients, plain_rows
from study.wiring.checks import Checks
from study.wiring.cohorts import HERE, Rows
from study.wiring.wildcards import Wildcards

# Settings that results depend on.
COMPARED = ("splits", "method", "covariates", "group", "coverage", "shift", "seed")
# Those that a model's calibration depends on.
OF_MODEL = ("cohort", "splits", "coverage", "seed")


class Calibration:
    """The section `calibrate` of a study, if it has one."""

    def __init__(self, study: Study, checks: Checks):
        self.study, self.checks = study, checks
        self.about: dict[str, Any] = study.config.get("calibrate", {})

    def cohorts(self) -> list[str]:
        """The calibrating cohort, and those that it calibrates besides."""
        return [self.about["cohort"], *self.about["also"]] if self.about else []

    def tables(self) -> list[str]:
        places = [HERE.format(study=self.study.name, cohort=cohort) for cohort in self.cohorts()]
        return [f"{place}/calibration/volumes.tsv" for place in places]

    def models(self) -> list[str]:
        """Models that get a calibration of their own."""
        return [name for name in self.about.get("labellers", ()) if self.study.is_model(name)]

    def files(self) -> list[str]:
        return [self._file(name) for name in self.models()]

    def of_model(self, wildcards: Wildcards) -> str | list[str]:
        """The calibration of a model, if the study makes one; its card tells of it."""
        return self._file(wildcards.model) if wildcards.model in self.models() else []

    def model_inputs(self, wildcards: Wildcards) -> dict[str, list[str] | str]:
        """Volumes of a model in the calibrating cohort, known ones, and its weights."""
        cohort, model = self.about["cohort"], wildcards.model
        here = HERE.format(study=self.study.name, cohort=cohort)
        return {
            "volumes": f"{here}/volumes/{model}.tsv",
            "known": f"{here}/known.tsv",
            "weights": self.study.weights(model),
            "passed": self.checks.passed_of(cohort, model),
        }

    def model_settings(self, wildcards: Wildcards) -> dict[str, Any]:
        ed = self.study.ed(self.about["cohort"], wildcards.model)
        return {**{key: self.about[key] for key in OF_MODEL}, "ed": ed}

    def patients(self, wildcards: Wildcards) -> Rows:
        """The patient of each subject of the calibrating cohort."""
        table = self.study.subjects[self.about["cohort"]]
        return plain_rows(table[["subject"]].assign(patient=patients(table)))

    def interval_tables(self) -> list[str]:
        """Intervals of given models that were calibrated elsewhere."""
        return [
            f"{HERE.format(study=self.study.name, cohort=cohort)}/intervals/{name}.tsv"
            for cohort, name in calibrated_pairs(self.study)
        ]

    def given_file(self, wildcards: Wildcards) -> str:
        """The calibration in the folder of a given model."""
        return f"{self.study.given[wildcards.labeller]['folder']}/{FILE}"

    def interval_settings(self, wildcards: Wildcards) -> dict[str, Any]:
        return {"ed": self.study.ed(wildcards.cohort, wildcards.labeller)}

    def _file(self, model: str) -> str:
        return f"results/{self.study.name}/models/{model}/{FILE}"

    def inputs(self, wildcards: Wildcards) -> dict[str, list[str] | str]:
        """Tables of the calibrating cohort, and of the one that is calibrated if it is another."""
        own = self._tables(self.about["cohort"])
        passed = self.checks.passed_of(self.about["cohort"], *self.about["labellers"])
        if not self._is_new(wildcards):
            return {**own, "passed": passed}
        new = {f"new_{name}": paths for name, paths in self._tables(wildcards.cohort).items()}
        passed += self.checks.passed_of(wildcards.cohort, *self.about["labellers"])
        return {**own, **new, "passed": passed}

    def settings(self, wildcards: Wildcards) -> dict[str, Any]:
        return {key: self.about[key] for key in COMPARED}

    def labellers(self, wildcards: Wildcards) -> list[str]:
        return list(self.about["labellers"])

    def rows(self, wildcards: Wildcards) -> Rows:
        """Patients of the calibrating cohort, with the columns that calibration may use."""
        return self._rows(self.about["cohort"])

    def new_rows(self, wildcards: Wildcards) -> Rows:
        """The same of the cohort that is calibrated; none if it is the calibrating one."""
        return self._rows(wildcards.cohort) if self._is_new(wildcards) else []

    def _is_new(self, wildcards: Wildcards) -> bool:
        return bool(wildcards.cohort != self.about["cohort"])

    def _tables(self, cohort: str) -> dict[str, list[str] | str]:
        here = HERE.format(study=self.study.name, cohort=cohort)
        return {
            "volumes": [f"{here}/volumes/{name}.tsv" for name in self.about["labellers"]],
            "known": f"{here}/known.tsv",
            "headers": f"{here}/headers.tsv.gz",
        }

    def _rows(self, cohort: str) -> Rows:
        table = self.study.subjects[cohort]
        used = {*self.about["covariates"], self.about["group"]}
        names = [name for name in ABOUT if name in table and name in used]
        return plain_rows(table[["subject", *names]].assign(patient=patients(table)))
