"""Inputs and params of exports of label maps for other programs."""

from typing import Any

from cmrseg.measure.by_sequence import has_phases
from study.exports import FORMS, bundled, exported, exported_as
from study.study import Study
from study.wiring.cohorts import HERE, Rows
from study.wiring.raw import Raw
from study.wiring.wildcards import Wildcards

EXPORT = f"{HERE}/export/{{labeller}}"
VOLUMES = f"{HERE}/volumes/{{labeller}}.tsv"


class Exports:
    """What of a study can be exported."""

    def __init__(self, study: Study, raw: Raw):
        self.study, self._raw = study, raw
        self.pairs = exported(study)
        self.bundled = bundled(study)
        self.by_form = {form: exported_as(study, form) for form in FORMS}

    @property
    def cohorts(self) -> list[str]:
        return sorted({cohort for cohort, _ in self.pairs})

    @property
    def labellers(self) -> list[str]:
        return sorted({labeller for _, labeller in self.pairs})

    def cohorts_of(self, form: str) -> list[str]:
        return sorted({cohort for cohort, _ in self.by_form[form]})

    def labellers_of(self, form: str) -> list[str]:
        return sorted({labeller for _, labeller in self.by_form[form]})

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

    def import_rows(self, wildcards: Wildcards) -> Rows:
        """What the import knows of the subjects of a whole cohort."""
        return self.study.import_rows(wildcards.cohort)

    def layout(self, wildcards: Wildcards) -> str:
        return self._raw.layout(wildcards)

    def volumes(self, wildcards: Wildcards) -> list[str]:
        """The table of a labeller's measures, of a sequence that shows the whole ventricles."""
        pair = wildcards.cohort, wildcards.labeller
        if not has_phases(self.study.sequence_of(*pair)):
            return []
        names = {"cohort": wildcards.cohort, "labeller": wildcards.labeller}
        return [VOLUMES.format(study=self.study.name, **names)]

    def by(self, wildcards: Wildcards) -> str:
        """How a labeller's maps were made, in the words of DICOM."""
        if self.study.is_model(wildcards.labeller):
            return "AUTOMATIC"
        propagated = wildcards.labeller in self.study.propagated(wildcards.cohort)
        return "SEMIAUTOMATIC" if propagated else "MANUAL"

    def of_models(self) -> list[str]:
        """The folders of all models, for the MyoPS challenge."""
        return self._folders(self.pairs, "")

    def of_form(self, form: str) -> list[str]:
        """The folders of all models in a form."""
        return self._folders(self.by_form[form], f".{form}")

    def bundles(self) -> list[str]:
        """The MONAI bundles of all models that are trained here."""
        return [f"results/{self.study.name}/models/{model}.monai" for model in self.bundled]

    def _folders(self, pairs: list[tuple[str, str]], ending: str) -> list[str]:
        return [
            EXPORT.format(study=self.study.name, cohort=cohort, labeller=labeller) + ending
            for cohort, labeller in pairs
            if self.study.is_model(labeller)
        ]
