# What measuring asks of the study: who labelled, and which tissues it knows.


def maps_of(cohort, labeller):
    """Sequence of a labeller's maps, and tissues of a model's; those of an annotator tell."""
    sequence = {"sequence": STUDY.sequence_of(cohort, labeller).key}
    if not STUDY.is_model(labeller):
        return sequence
    return {**sequence, "tissues": STUDY.model(labeller)["tissues"]}


def labeller_maps(wildcards):
    return maps_of(wildcards.cohort, wildcards.labeller)


def volume_settings(wildcards):
    return {"ed": STUDY.ed(wildcards.cohort, wildcards.labeller)}


def reference_name(wildcards):
    return reference_of(wildcards.cohort, wildcards.labeller)


def evaluation_settings(wildcards):
    cohort, labeller = wildcards.cohort, wildcards.labeller
    sequence = STUDY.sequence_of(cohort, labeller).key
    return {
        "ed": STUDY.ed(cohort, labeller),
        "reference_ed": STUDY.ed(cohort, reference_name(wildcards)),
        "frames": STUDY.evaluated_frames(cohort, sequence),
    }


def evaluated_rows(wildcards):
    """Subject and split of a whole cohort, and end-systole where the table has it."""
    table = STUDY.subjects[wildcards.cohort]
    rows = cohort_rows(wildcards)
    if "es_frame" in table:
        for row, frame in zip(rows, table["es_frame"], strict=True):
            if frame == frame and frame is not None:
                row["es_frame"] = int(frame)
    return rows


def compared_maps(wildcards):
    cohort = wildcards.cohort
    return {
        "labeller": maps_of(cohort, wildcards.labeller),
        "reference": maps_of(cohort, reference_name(wildcards)),
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
    return raw_of_cohort(wildcards.cohort)


def published_values_subjects(wildcards):
    about = STUDY.config["published_values"]
    return f"results/{STUDY.name}/evaluation/{about['labeller']}/{about['cohort']}/subjects.tsv"


def published_values_table(wildcards, input):
    """Where the published numbers lie. What is made of `input` is not compared: only their content is."""
    return own_file(STUDY.config["published_values"]["table"])


def published_values_settings(wildcards):
    about = STUDY.config["published_values"]
    content = content_of(own_file(about["table"]))
    return {"splits": about["splits"], "content": content}


def published_values_output():
    """The table of published numbers beside ours, where the study wants one."""
    wanted = "published_values" in STUDY.config
    return [f"results/{STUDY.name}/evaluation/published.tsv"] if wanted else []
