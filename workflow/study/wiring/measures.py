"""Params of the rules that measure and evaluate: tissues of a labeller, rows, known volumes."""

from typing import Any

from study.code import content_of
from study.study import Study
from study.tables import own_file
from study.wiring.cohorts import Cohorts, Rows
from study.wiring.wildcards import Wildcards


class Measures:
    """Settings and rows of volumes and evaluations."""

    def __init__(self, study: Study, cohorts: Cohorts):
        self.study, self.cohorts = study, cohorts

    def _maps(self, cohort: str, labeller: str) -> dict[str, Any]:
        """Sequence of a labeller's maps, and tissues of a model's; those of an annotator tell."""
        sequence = {"sequence": self.study.sequence_of(cohort, labeller).key}
        if not self.study.is_model(labeller):
            return sequence
        return {**sequence, "tissues": self.study.model(labeller)["tissues"]}

    # -- volumes -----------------------------------------------------------------------------

    def labeller_maps(self, wildcards: Wildcards) -> dict[str, Any]:
        return self._maps(wildcards.cohort, wildcards.labeller)

    def volume_settings(self, wildcards: Wildcards) -> dict[str, Any]:
        return {"ed": self.study.ed(wildcards.cohort, wildcards.labeller)}

    def known_rows(self, wildcards: Wildcards) -> Rows:
        """Rows of the table of known volumes, with the volumes if the subject table has them."""
        keys = ["subject", "study", "split", "set"]
        if self.study.cohorts[wildcards.cohort]["known_volumes"] == "table":
            keys += ["edv_ml", "esv_ml"]
        return self.study.subjects[wildcards.cohort][keys].to_dict("records")

    # -- evaluations -------------------------------------------------------------------------

    def evaluation_settings(self, wildcards: Wildcards) -> dict[str, Any]:
        cohort, labeller = wildcards.cohort, wildcards.labeller
        sequence = self.study.sequence_of(cohort, labeller).key
        return {
            "ed": self.study.ed(cohort, labeller),
            "reference_ed": self.study.ed(cohort, self.cohorts.reference_name(wildcards)),
            "frames": self.study.evaluated_frames(cohort, sequence),
        }

    def evaluated_rows(self, wildcards: Wildcards) -> Rows:
        """Subject and split of a whole cohort, and end-systole where the table has it."""
        table = self.study.subjects[wildcards.cohort]
        rows = self.cohorts.measured_rows(wildcards)
        if "es_frame" in table:
            for row, frame in zip(rows, table["es_frame"], strict=True):
                if frame == frame and frame is not None:
                    row["es_frame"] = int(frame)
        return rows

    def compared_maps(self, wildcards: Wildcards) -> dict[str, dict[str, Any]]:
        cohort = wildcards.cohort
        return {
            "labeller": self._maps(cohort, wildcards.labeller),
            "reference": self._maps(cohort, self.cohorts.reference_name(wildcards)),
        }

    # -- published values --------------------------------------------------------------------

    def published_subjects(self, wildcards: Wildcards) -> str:
        about = self.study.config["published_values"]
        here = f"results/{self.study.name}/evaluation/{about['labeller']}/{about['cohort']}"
        return f"{here}/subjects.tsv"

    def published_table(self, wildcards: Wildcards, input: object) -> str:
        """Where the published numbers are.

        Snakemake does not compare params that use `input`; `published_settings` has the content.
        """
        return own_file(self.study.config["published_values"]["table"])

    def published_settings(self, wildcards: Wildcards) -> dict[str, Any]:
        about = self.study.config["published_values"]
        return {"splits": about["splits"], "content": content_of(own_file(about["table"]))}

    def published_output(self) -> list[str]:
        """The table of published numbers next to ours, if the study has one."""
        wanted = "published_values" in self.study.config
        return [f"results/{self.study.name}/evaluation/published.tsv"] if wanted else []
