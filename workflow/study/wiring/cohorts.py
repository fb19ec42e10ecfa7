"""Inputs and params of rules that concern cohorts: shards, rows of subjects, reference annotator.

Rows and their order are params, compared as written.
"""

from typing import Any

from study.ensembles import OUT_OF_FOLD
from study.study import Study
from study.tables import StudyError
from study.wiring.wildcards import Wildcards

Rows = list[dict[str, Any]]
HERE = "results/{study}/cohorts/{cohort}"
IMAGES = f"{HERE}/images/{{shard}}"
LABELS = f"{HERE}/labels/{{labeller}}/{{shard}}"


class Cohorts:
    """Files and rows of the cohorts of a study."""

    def __init__(self, study: Study):
        self.study = study

    # -- shards ------------------------------------------------------------------------------

    def shards_of(self, pattern: str, cohort: str, **names: str) -> list[str]:
        """The pattern's paths over all shards of a cohort; {study} is filled in."""
        names |= {"study": self.study.name, "cohort": cohort}
        return [pattern.format(shard=shard, **names) for shard in self.study.shards(cohort)]

    def images_of(self, cohort: str) -> list[str]:
        return self.shards_of(IMAGES, cohort)

    def labels_of(self, cohort: str, labeller: str) -> list[str]:
        return self.shards_of(LABELS, cohort, labeller=labeller)

    def audit_shards(self, wildcards: Wildcards) -> list[str]:
        return self.shards_of(f"{HERE}/import/{{shard}}.audit.tsv", wildcards.cohort)

    def header_shards(self, wildcards: Wildcards) -> list[str]:
        return self.shards_of(f"{HERE}/import/{{shard}}.headers.tsv.gz", wildcards.cohort)

    def image_shards(self, wildcards: Wildcards) -> list[str]:
        return self.images_of(wildcards.cohort)

    def label_audit_shards(self, wildcards: Wildcards) -> list[str]:
        pattern, labeller = f"{LABELS}.audit.tsv", wildcards.labeller
        return self.shards_of(pattern, wildcards.cohort, labeller=labeller)

    def label_shards(self, wildcards: Wildcards) -> list[str]:
        return self.labels_of(wildcards.cohort, wildcards.labeller)

    def reference_shards(self, wildcards: Wildcards) -> list[str]:
        return self.labels_of(wildcards.cohort, self.reference_name(wildcards))

    # -- rows --------------------------------------------------------------------------------

    def shard_rows(self, wildcards: Wildcards) -> Rows:
        return self.study.rows(wildcards.cohort, wildcards.shard)

    def shard_import_rows(self, wildcards: Wildcards) -> Rows:
        return self.study.import_rows(wildcards.cohort, wildcards.shard)

    def shard_annotation_rows(self, wildcards: Wildcards) -> Rows:
        return self.study.annotation_rows(wildcards.cohort, wildcards.shard)

    def annotation_rows(self, wildcards: Wildcards) -> Rows:
        return self.study.annotation_rows(wildcards.cohort)

    def rows(self, wildcards: Wildcards) -> Rows:
        """Subject and split of a whole cohort."""
        table = self.study.subjects[wildcards.cohort]
        return table[["subject", "split"]].to_dict("records")

    def measured_rows(self, wildcards: Wildcards) -> Rows:
        """Subject and split of a whole cohort, as measures of a labeller's maps name it.

        What an ensemble was trained on, by folds, is out of fold: no member that labelled a subject
        has seen it.
        """
        rows = self.rows(wildcards)
        if self.study.folds(wildcards.labeller, wildcards.cohort) is None:
            return rows
        learnt = self.study.ensembles[wildcards.labeller].row["splits"].split(",")
        return [r | ({"split": OUT_OF_FOLD} if r["split"] in learnt else {}) for r in rows]

    def subjects(self, wildcards: Wildcards) -> list[str]:
        return list(self.study.subjects[wildcards.cohort]["subject"])

    # -- labellers ---------------------------------------------------------------------------

    @property
    def annotators(self) -> list[str]:
        """The annotators of all cohorts."""
        return sorted({a for cohort in self.study.cohorts for a in self.study.annotators(cohort)})

    @property
    def propagated(self) -> list[str]:
        """The propagated labellers of all cohorts."""
        return sorted({p for cohort in self.study.cohorts for p in self.study.propagated(cohort)})

    def drawn_labels(self, wildcards: Wildcards) -> str:
        """A shard of the labels that are propagated to all frames."""
        drawn_by = self.study.propagated(wildcards.cohort)[wildcards.labeller]
        names = {"study": self.study.name, "cohort": wildcards.cohort, "shard": wildcards.shard}
        return LABELS.format(labeller=drawn_by, **names)

    def sequence(self, wildcards: Wildcards) -> str:
        """The sequence that a labeller segments."""
        return self.study.sequence_of(wildcards.cohort, wildcards.labeller).key

    def reference_in(self, cohort: str, sequence: str) -> str:
        """The reference annotator for a sequence of a cohort."""
        reference = self.study.reference(cohort, sequence)
        if reference is None:
            raise StudyError(
                f"cohort {cohort}: no reference for labels of {sequence}; `evaluate` of "
                "the study needs an entry with a `reference` for it"
            )
        return reference

    def reference_of(self, cohort: str, labeller: str) -> str:
        """The reference annotator for a labeller of a cohort."""
        return self.reference_in(cohort, self.study.sequence_of(cohort, labeller).key)

    def reference_name(self, wildcards: Wildcards) -> str:
        return self.reference_of(wildcards.cohort, wildcards.labeller)

    # -- confidence --------------------------------------------------------------------------

    def confidence_cohorts(self) -> list[str]:
        """The cohort whose labels have confidence scores, if there is one."""
        return [self.study.config["confidence"]["cohort"]] if self.confidence_tables() else []

    def confidence_tables(self) -> list[str]:
        """The tables of these scores, that of the main labeller first."""
        return [self.confidence_table(*scored) for scored in self.study.scored()]

    def confidence_table(self, cohort: str, labeller: str) -> str:
        here = HERE.format(study=self.study.name, cohort=cohort)
        return f"{here}/confidence/{labeller}.tsv"
