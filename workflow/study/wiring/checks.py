"""Checks that not too many subjects, or labels, of a cohort were lost."""

import re
from collections.abc import Callable, Iterable
from pathlib import Path

from study.study import Study
from study.wiring.cohorts import Cohorts
from study.wiring.wildcards import Wildcards

# In the sentence that a check writes, see cmrseg.dicom.audit.check_losses.
LOST_OF_ALL = re.compile(r": (\d+) of (\d+) subjects ")


class Checks:
    """Files which show that a check passed.

    exists: whether a path exists, as Snakemake sees it.
    """

    def __init__(self, study: Study, cohorts: Cohorts, exists: Callable[[str], bool]):
        self.study, self.cohorts, self.exists = study, cohorts, exists

    def passed(self, cohorts: Iterable[str]) -> list[str]:
        """Files which show that not too many subjects of some cohorts were lost.

        Every target has them as inputs: a failed check leaves no file, so it runs again.
        """
        top = f"results/{self.study.name}/cohorts"
        return [f"{top}/{cohort}/import/passed.txt" for cohort in sorted(set(cohorts))]

    def labels_passed(self, cohort: str, labellers: Iterable[str]) -> list[str]:
        """Files which show that not too many labels of a cohort's annotators were lost.

        Propagated labels exist for the subjects that their annotator labelled.
        """
        propagated = self.study.propagated(cohort)
        drawn_by = {propagated.get(labeller, labeller) for labeller in labellers}
        return [
            f"results/{self.study.name}/cohorts/{cohort}/labels/{labeller}.passed.txt"
            for labeller in sorted(drawn_by & set(self.study.annotators(cohort)))
        ]

    def passed_of(self, cohort: str, *labellers: str) -> list[str]:
        return self.passed([cohort]) + self.labels_passed(cohort, labellers)

    def labeller_passed(self, wildcards: Wildcards) -> list[str]:
        return self.passed_of(wildcards.cohort, wildcards.labeller)

    def evaluation_passed(self, wildcards: Wildcards) -> list[str]:
        reference = self.cohorts.reference_name(wildcards)
        return self.passed_of(wildcards.cohort, wildcards.labeller, reference)

    def panel_passed(self, wildcards: Wildcards) -> list[str]:
        about = self.study.config["panels"][wildcards.panel]
        return self.passed_of(wildcards.cohort, *about["labellers"])

    def model_passed(self, wildcards: Wildcards) -> list[str]:
        """The same for the cohort and labels that a model is trained on."""
        row = self.study.models[wildcards.model]
        return self.passed_of(row["cohort"], row["labeller"])

    def losses_allowed(self, wildcards: Wildcards, input: object) -> float:
        """The limit.

        Snakemake does not compare params that use `input`: no result depends on it, see `within`.
        """
        allowed: float = self.study.config["max_failed_fraction"]
        return allowed

    def within(self, passed: str) -> bool:
        """Whether the losses in a passed check are within the current limit of the study."""
        text = Path(passed).read_text("utf-8") if self.exists(passed) else ""
        found = LOST_OF_ALL.search(text)
        allowed = self.study.config["max_failed_fraction"]
        return found is None or int(found[1]) <= allowed * int(found[2])

    def subjects_within(self, wildcards: Wildcards) -> bool:
        return self.within(*self.passed([wildcards.cohort]))

    def labels_within(self, wildcards: Wildcards) -> bool:
        return self.within(*self.labels_passed(wildcards.cohort, [wildcards.labeller]))
