# What measuring asks of the study: who labelled, and which tissues it knows.


def classes_known(labeller):
    """Classes of a model's network; nothing for an annotator, whose maps tell."""
    return STUDY.model(labeller)["classes"] if STUDY.is_model(labeller) else None


def labeller_classes(wildcards):
    return classes_known(wildcards.labeller)


def volume_settings(wildcards):
    return {"ed": STUDY.ed(wildcards.labeller)}


def reference_name(wildcards):
    return STUDY.reference(wildcards.cohort)


def evaluation_settings(wildcards):
    return {
        "ed": STUDY.ed(wildcards.labeller),
        "reference_ed": STUDY.ed(reference_name(wildcards)),
    }


def compared_classes(wildcards):
    return {
        "labeller": classes_known(wildcards.labeller),
        "reference": classes_known(reference_name(wildcards)),
    }


def known_rows(wildcards):
    """What the table of known volumes is made of: the rows, with the volumes if they have them."""
    keys = ["subject", "study", "split", "set"]
    if STUDY.cohorts[wildcards.cohort]["known_volumes"] == "table":
        keys += ["edv_ml", "esv_ml"]
    return STUDY.subjects[wildcards.cohort][keys].to_dict("records")


def known_raw(wildcards):
    """The raw data where they hold the known volumes, else nothing."""
    if STUDY.cohorts[wildcards.cohort]["known_volumes"] == "table":
        return []
    # All shards of a cohort on disk are one folder.
    return list(
        dict.fromkeys(shards_of(raw_pattern(wildcards.cohort), wildcards.cohort))
    )
