# Which tables and images a figure is drawn from.

CATEGORIES = {
    "cleaning": "1 Import",
    "volume_agreement": "2 Volumes",
    "ef_error": "2 Volumes",
    "volume_curves": "2 Volumes",
    "confidence": "3 Confidence",
    "learning_curves": "4 Training",
    "strategies": "5 Transfer",
    "observers": "6 Evaluation",
    "overlays": "7 Images",
    "viewer": "7 Images",
}


def figure_kind(wildcards):
    return STUDY.config["figures"][wildcards.figure]["figure"]


def figure_cohort(wildcards):
    return STUDY.config["figures"][wildcards.figure]["cohort"]


def figure_category(wildcards):
    return CATEGORIES[figure_kind(wildcards)]


def figure_labels(wildcards):
    return {
        "figure": wildcards.figure.replace("_", " "),
        "cohort": figure_cohort(wildcards),
    }


def figure_code(wildcards):
    return code_of(f"figures/{figure_kind(wildcards)}.py")


def figure_settings(wildcards):
    """What a figure's script needs to know of the study beside its input tables."""
    cohort = figure_cohort(wildcards)
    evaluated = STUDY.evaluated(cohort)
    shown = {
        "cohort": cohort,
        "labellers": evaluated,
        "reference": STUDY.reference(cohort) if evaluated else None,
        "known_volumes": STUDY.known_volumes(cohort),
        "subjects": [
            {key: row[key] for key in ("subject", "split", "edv_ml", "esv_ml")}
            for row in STUDY.rows_of(cohort)
        ],
        "models": {
            name: {key: row[key] for key in ("start", "subset", "cohort")}
            for name, row in STUDY.models.items()
        },
    }
    if figure_kind(wildcards) == "cleaning":
        shown["import"] = {
            "layout": STUDY.cohorts[cohort]["layout"],
            "rows": STUDY.rows_of(cohort),
            "subjects_per_job": STUDY.cohorts[cohort]["subjects_per_job"],
        }
    return shown


def figure_inputs(wildcards):
    """The inputs of a figure by name; its script reads nothing else."""
    cohort = figure_cohort(wildcards)
    top = f"results/{STUDY.name}"
    here = f"{top}/cohorts/{cohort}"
    labellers = STUDY.evaluated(cohort)
    images = shards_of("results/{study}/cohorts/{cohort}/images/{shard}", cohort)
    if figure_kind(wildcards) == "cleaning":
        raws = shards_of(raw_pattern(cohort), cohort)
        return {"raw": raws, "images": images, "audit": f"{here}/audit.tsv"}
    if figure_kind(wildcards) == "learning_curves":
        return {
            "histories": [
                f"{top}/models/{m}/history.tsv" for m in STUDY.models_on(cohort)
            ]
        }
    volumes = {
        "volumes": [f"{here}/volumes/{m}.tsv" for m in labellers],
        "curves": [f"{here}/volumes/{m}.curves.tsv" for m in labellers],
        "reference": f"{here}/volumes/{STUDY.reference(cohort)}.tsv",
        "reference_curves": f"{here}/volumes/{STUDY.reference(cohort)}.curves.tsv",
    }
    subjects = [f"{top}/evaluation/{m}/{cohort}/subjects.tsv" for m in labellers]
    if figure_kind(wildcards) in ("volume_agreement", "ef_error"):
        return {name: volumes[name] for name in ("volumes", "reference")}
    if figure_kind(wildcards) == "volume_curves":
        return volumes
    if figure_kind(wildcards) == "confidence":
        labeller = STUDY.config["confidence"]["labeller"]
        return {
            "confidence": confidence_tables()[0],
            "subjects": f"{top}/evaluation/{labeller}/{cohort}/subjects.tsv",
        }
    if figure_kind(wildcards) == "strategies":
        return {"subjects": subjects}
    if figure_kind(wildcards) == "observers":
        return {
            "subjects": subjects,
            "images": [f"{top}/evaluation/{m}/{cohort}/images.tsv" for m in labellers],
            "curves": volumes["curves"],
            "reference": volumes["reference_curves"],
        }
    # overlays and viewer: images with the label maps of all who labelled them
    return {
        "images": images,
        "labels": [
            path
            for labeller in [STUDY.reference(cohort), *labellers]
            for path in shards_of(
                "results/{study}/cohorts/{cohort}/labels/{labeller}/{shard}",
                cohort,
                labeller=labeller,
            )
        ],
        "evaluations": [f"{top}/evaluation/{m}/{cohort}/images.tsv" for m in labellers],
    }
