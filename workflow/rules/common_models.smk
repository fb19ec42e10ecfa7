# What the rules of models ask of the models table: rows, slices, starts, scores.


def model_row(wildcards):
    return STUDY.models[wildcards.model]


def model_rows(wildcards):
    """The rows of all models by name: their order in the table is no matter."""
    return [STUDY.models[model] for model in sorted(STUDY.models)]


def training_settings(wildcards):
    return STUDY.training(wildcards.model)


def model_phantom(wildcards):
    """Whether a model's images show the digital heart; its card says so."""
    return STUDY.models[wildcards.model]["cohort"] in STUDY.phantoms()


def labelling_settings(wildcards):
    return STUDY.model(wildcards.labeller)


def labelling_weights(wildcards):
    return STUDY.weights(wildcards.labeller)


def labelling_weights_state(wildcards):
    return STUDY.weights_state(wildcards.labeller)


def start_weights_state(wildcards):
    return STUDY.weights_state(STUDY.models[wildcards.model]["start"])


def model_sequences():
    """Images of all models, as the folders of their slices name them."""
    return sorted(
        {row["sequence"].replace(",", "-") for row in STUDY.models.values()}
    )


def model_slices(wildcards):
    row = STUDY.models[wildcards.model]
    return (
        f"results/{STUDY.name}/slices/{row['cohort']}/{row['labeller']}/"
        f"{STUDY.slices_name(wildcards.model)}"
    )


def model_passed(wildcards):
    row = STUDY.models[wildcards.model]
    return passed_of(row["cohort"], row["labeller"])


def model_start(wildcards):
    """The weights a model starts from: a file, or nothing for random weights."""
    row = STUDY.models[wildcards.model]
    if row["start"] == "random":
        return []
    if row["start"] == "imagenet":
        return IMAGENET.format(encoder=row["encoder"])
    return STUDY.weights(row["start"])


def model_scores(wildcards):
    """The confidence table, for models that are trained on one of its sets."""
    if STUDY.models[wildcards.model]["subset"] not in ("c05", "c10", "c15"):
        return []
    return confidence_tables()[0]


def confidence_cohorts():
    return [STUDY.config["confidence"]["cohort"]] if confidence_tables() else []


def confidence_tables():
    if "confidence" not in STUDY.config:
        return []
    return [
        "results/{study}/cohorts/{cohort}/confidence/{labeller}.tsv".format(
            study=STUDY.name, **STUDY.config["confidence"]
        )
    ]
