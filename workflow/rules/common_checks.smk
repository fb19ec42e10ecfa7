# Checks that few enough subjects, or labels, of a cohort are lost: what waits for which.


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
    return passed_of(cohort, wildcards.labeller, STUDY.reference(cohort))
