"""What the rules of folds and ensembles ask: the patients of a cohort, and files of members."""

from typing import Any

from study.ensembles import Ensemble
from study.spreads import spreads
from study.study import Study
from study.subjects import patients
from study.wiring.cohorts import Rows
from study.wiring.wildcards import Wildcards, one_of


class Ensembles:
    """Folds of cohorts, and models that are made of several."""

    def __init__(self, study: Study):
        self.study = study

    def _ensemble(self, wildcards: Wildcards) -> Ensemble:
        return self.study.ensembles[wildcards.model]

    # -- folds -------------------------------------------------------------------------------

    def fold_rows(self, wildcards: Wildcards) -> Rows:
        """Subject and patient of some splits of a cohort."""
        table = self.study.subjects[wildcards.cohort]
        table = table[table["split"].isin(wildcards.splits.split("-"))]
        return table.assign(patient=patients(table))[["subject", "patient"]].to_dict("records")

    def slices_names(self) -> str:
        """A wildcard constraint: the folders of slices that are divided into folds."""
        names = {
            self.study.slices_name(member)
            for ensemble in self.study.ensembles.values()
            for member in ensemble.members
        }
        return one_of(sorted(names))

    def folds_of_labeller(self, wildcards: Wildcards) -> str | list[str]:
        """The folds by which an ensemble labels a cohort that it was trained on, else nothing."""
        folds = self.study.folds(wildcards.labeller, wildcards.cohort)
        return folds.table(self.study.name) if folds else []

    # -- spread ------------------------------------------------------------------------------

    def members_of_labeller(self, wildcards: Wildcards) -> dict[str, int]:
        """Fold of each member of an evaluated ensemble, by name."""
        return dict(self.study.ensembles[wildcards.labeller].members)

    def spread_inputs(self, wildcards: Wildcards) -> dict[str, str | list[str]]:
        """Evaluations of an ensemble and of its members by subject, and the folds they left out."""
        labeller, cohort = wildcards.labeller, wildcards.cohort
        referred = (labeller, cohort) in self.study.evaluations()
        table = "subjects" if referred else "known_volumes"
        top = f"results/{self.study.name}/evaluation"
        members = self.members_of_labeller(wildcards)
        found: dict[str, str | list[str]] = {
            "ensemble": f"{top}/{labeller}/{cohort}/{table}.tsv",
            "members": [f"{top}/{member}/{cohort}/{table}.tsv" for member in members],
        }
        if folds := self.study.folds(labeller, cohort):
            found["folds"] = folds.table(self.study.name)
        return found

    def spread_tables(self) -> list[str]:
        top = f"results/{self.study.name}/evaluation"
        return [f"{top}/{name}/{cohort}/spread.tsv" for name, cohort in spreads(self.study)]

    # -- ensembles ---------------------------------------------------------------------------

    def row(self, wildcards: Wildcards) -> dict[str, Any]:
        """The row of an ensemble, with the fold of each member."""
        return self._ensemble(wildcards).row | {"members": dict(self.members(wildcards))}

    def members(self, wildcards: Wildcards) -> dict[str, int]:
        return dict(self._ensemble(wildcards).members)

    def files(self, name: str) -> list[str]:
        """Targets of all ensembles."""
        top = f"results/{self.study.name}/models"
        return [f"{top}/{ensemble}/{name}" for ensemble in self.study.ensembles]

    def weights(self, wildcards: Wildcards) -> list[str]:
        return self._of_members(wildcards, "weights.safetensors")

    def histories(self, wildcards: Wildcards) -> list[str]:
        return self._of_members(wildcards, "history.tsv")

    def _of_members(self, wildcards: Wildcards, file: str) -> list[str]:
        top = f"results/{self.study.name}/models"
        return [f"{top}/{member}/{file}" for member in self._ensemble(wildcards).members]
