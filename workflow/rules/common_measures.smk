# What measuring asks of the study: who labelled, and which tissues it knows.


def classes_known(labeller):
    """Classes of a model's network; nothing for an annotator, whose maps tell."""
    return STUDY.models[labeller]["classes"] if labeller in STUDY.models else None


def labeller_classes(wildcards):
    return classes_known(wildcards.labeller)


def reference_name(wildcards):
    return STUDY.reference(wildcards.cohort)


def compared_classes(wildcards):
    return {
        "labeller": classes_known(wildcards.labeller),
        "reference": classes_known(reference_name(wildcards)),
    }
