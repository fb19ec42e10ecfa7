# Checks that few enough subjects, or labels, of a cohort are lost: what waits for which.
import re
from pathlib import Path

# In the sentence that a check leaves, see cmrseg.dicom.audit.check_losses.
LOST_OF_ALL = re.compile(r": (\d+) of (\d+) subjects ")


def cohort_subjects(wildcards):
    return list(STUDY.subjects[wildcards.cohort]["subject"])


def passed_checks(cohorts):
    """What says that few enough subjects of some cohorts were lost.

    Every target names it: a check that failed leaves nothing behind, and is made again.
    """
    return expand(
        "results/{study}/cohorts/{cohort}/import/passed.txt",
        study=STUDY.name,
        cohort=sorted(set(cohorts)),
    )


def label_checks(cohort, labellers):
    """What says that few enough labels of a cohort's annotators were lost."""
    return [
        f"results/{STUDY.name}/cohorts/{cohort}/labels/{labeller}.passed.txt"
        for labeller in sorted(set(labellers) & set(STUDY.annotators(cohort)))
    ]


def passed_of(cohort, *labellers):
    return passed_checks([cohort]) + label_checks(cohort, labellers)


def labeller_passed(wildcards):
    return passed_of(wildcards.cohort, wildcards.labeller)


def evaluation_passed(wildcards):
    cohort = wildcards.cohort
    return passed_of(cohort, wildcards.labeller, reference_of(cohort, wildcards.labeller))


def losses_allowed(wildcards, input):
    """The limit. What is made of `input` is not compared: no result depends on it, see `within`."""
    return STUDY.config["max_failed_fraction"]


def within(passed):
    """Whether the losses that passed a check are allowed by the study as it is now."""
    found = (
        LOST_OF_ALL.search(Path(passed).read_text("utf-8")) if exists(passed) else None
    )
    allowed = STUDY.config["max_failed_fraction"]
    return found is None or int(found[1]) <= allowed * int(found[2])


def subjects_within(wildcards):
    return within(*passed_checks([wildcards.cohort]))


def labels_within(wildcards):
    return within(*label_checks(wildcards.cohort, [wildcards.labeller]))
