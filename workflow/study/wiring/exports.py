"""Inputs and params of the export of label maps for a challenge."""

from typing import Any

from study.exports import exported
from study.study import Study
from study.wiring.cohorts import HERE, Rows
from study.wiring.raw import Raw
from study.wiring.wildcards import Wildcards

EXPORT = f"{HERE}/export/{{labeller}}"


class Exports:
    """What of a study can be exported."""

    def __init__(self, study: Study, raw: Raw):
        self.study, self._raw = study, raw
        self.pairs = exported(study)

    @property
    def cohorts(self) -> list[str]:
        return sorted({cohort for cohort, _ in self.pairs})

    @property
    def labellers(self) -> list[str]:
        return sorted({labeller for _, labeller in self.pairs})

    def raw(self, wildcards: Wildcards) -> list[str]:
        """The folders with the cohort's image files, whose grids the export has."""
        return self._raw.folders(wildcards.cohort)

    def rows(self, wildcards: Wildcards) -> Rows:
        """Subject and study of a whole cohort."""
        rows = self.study.import_rows(wildcards.cohort)
        return [{key: row[key] for key in ("subject", "study")} for row in rows]

    def settings(self, wildcards: Wildcards) -> dict[str, Any]:
        """Layout and sequences of the cohort, and the sequence of the labels."""
        cohort = wildcards.cohort
        return {
            "layout": self.study.cohorts[cohort]["layout"],
            "sequences": self.study.sequences(cohort),
            "sequence": self.study.sequence_of(cohort, wildcards.labeller).key,
        }

    def of_models(self) -> list[str]:
        """The folders of all models."""
        return [
            EXPORT.format(study=self.study.name, cohort=cohort, labeller=labeller)
            for cohort, labeller in self.pairs
            if self.study.is_model(labeller)
        ]
