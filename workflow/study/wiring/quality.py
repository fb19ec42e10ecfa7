"""Inputs and params of the rules that judge labels without a truth."""

from typing import Any

from study.quality import MEASURED, learnt_splits, members_compared, trained_on, unseen_splits
from study.study import Study
from study.subjects import patients, plain_rows
from study.wiring.checks import Checks
from study.wiring.cohorts import HERE, Cohorts, Rows
from study.wiring.wildcards import Wildcards

Inputs = dict[str, list[str] | str]


class Quality:
    """The section `quality` of a study, if it has one."""

    def __init__(self, study: Study, cohorts: Cohorts, checks: Checks):
        self.study, self.of, self.checks = study, cohorts, checks
        self.about: dict[str, Any] = study.config.get("quality", {})

    def learnt_from(self) -> list[str]:
        """The cohort from which judges learn, if there is one."""
        return [self.about["cohort"]] if self.about else []

    def cohorts(self) -> list[str]:
        """That cohort, and those that are judged besides."""
        return [self.about["cohort"], *self.about["also"]] if self.about else []

    def tables(self) -> list[str]:
        return [
            f"{self._place(cohort)}/{labeller}.tsv"
            for cohort in self.cohorts()
            for labeller in self.about["labellers"]
        ]

    # -- features ----------------------------------------------------------------------------

    def members(self, wildcards: Wildcards) -> list[str]:
        if wildcards.labeller not in self.about["labellers"]:
            return []  # of the images that a model was trained on
        return members_compared(self.study, wildcards.labeller)

    def member_shards(self, wildcards: Wildcards) -> list[str]:
        """Shards of the first member, then of the second one, and so on."""
        members = self.members(wildcards)
        return [p for m in members for p in self.of.labels_of(wildcards.cohort, m)]

    # -- judges ------------------------------------------------------------------------------

    def learnt_inputs(self, wildcards: Wildcards) -> Inputs:
        """Features, their truth, and those of the images that the labeller was trained on."""
        return {
            **self._measured(wildcards),
            **self._truth(wildcards),
            "trained_on": self._trained_on(wildcards.labeller),
        }

    def scored_inputs(self, wildcards: Wildcards) -> Inputs:
        """The judge, features, and their truth where there is one."""
        judge = f"{self._place(self.about['cohort'])}/{wildcards.labeller}.judge.json"
        return {"judge": judge, **self._measured(wildcards), **self._truth(wildcards)}

    def settings(self, wildcards: Wildcards) -> dict[str, Any]:
        return {"threshold": self.about["needs_look_below"], "seed": self.about["seed"]}

    def rows(self, wildcards: Wildcards) -> Rows:
        """Subject, split and patient of a whole cohort."""
        table = self.study.subjects[wildcards.cohort]
        return plain_rows(table[["subject", "split"]].assign(patient=patients(table)))

    def splits(self, wildcards: Wildcards) -> list[str]:
        return learnt_splits(self.study, wildcards.labeller)

    def unseen(self, wildcards: Wildcards) -> list[str]:
        return unseen_splits(self.study, wildcards.cohort, wildcards.labeller)

    def _place(self, cohort: str) -> str:
        return HERE.format(study=self.study.name, cohort=cohort) + "/quality"

    def _measured(self, wildcards: Wildcards) -> Inputs:
        here = f"{self._place(wildcards.cohort)}/{wildcards.labeller}"
        return {name: here + ending for name, ending in MEASURED.items()}

    def _truth(self, wildcards: Wildcards) -> Inputs:
        there = (wildcards.labeller, wildcards.cohort) in self.study.evaluations()
        here = f"results/{self.study.name}/evaluation/{wildcards.labeller}/{wildcards.cohort}"
        tables = {"true_pictures": "images", "true_subjects": "subjects"}
        return {name: f"{here}/{table}.tsv" if there else [] for name, table in tables.items()}

    def _trained_on(self, labeller: str) -> str | list[str]:
        """Features of a model's training images within its training labels, if both are here."""
        learnt = trained_on(self.study, labeller)
        return f"{self._place(learnt[0])}/{learnt[1]}{MEASURED['subjects']}" if learnt else []
