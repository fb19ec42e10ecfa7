# Which tables and images a figure is drawn from.

# Read beside the inputs; the page changes with their content, wherever the repository lies.
VIEWER_FILES = [
    "workflow/report/viewer.html",
    "workflow/report/vendor/niivue-0.69.0.umd.js.gz",
]

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
    "prediction": "7 Images",
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


def transfer_rows(labellers):
    """Start, subset, cohort and network of the models among some labellers."""
    keys = ("start", "subset", "cohort", "network")
    models = {m: STUDY.models[m] for m in labellers if m in STUDY.models}
    return {model: {key: row[key] for key in keys} for model, row in models.items()}


def figure_settings(wildcards):
    """What a figure's script needs to know beside its inputs, and nothing else: it redraws."""
    kind, cohort = figure_kind(wildcards), figure_cohort(wildcards)
    if kind == "cleaning":
        about = STUDY.cohorts[cohort]
        kept = {key: about[key] for key in ("layout", "subjects_per_job")}
        mode, rows = about["cleaning"]["mode"], STUDY.import_rows(cohort)
        return {**kept, "mode": mode, "rows": rows}
    if kind in ("confidence", "learning_curves", "prediction"):
        return {}
    labellers = STUDY.drawn(wildcards.figure)
    sequence = STUDY.drawn_sequence(wildcards.figure)
    reference = STUDY.reference(cohort, sequence)
    if kind in ("volume_agreement", "ef_error"):
        entry = STUDY.config["figures"][wildcards.figure]
        return {"labellers": labellers, "splits": entry.get("splits", [])}
    if kind == "volume_curves":
        return {"labellers": labellers}
    if kind == "strategies":
        models = transfer_rows(labellers)
        return {"labellers": labellers, "cohort": cohort, "models": models}
    if kind == "observers":
        people = [name for name in labellers if not STUDY.is_model(name)]
        return {"labellers": labellers, "reference": reference, "observers": people}
    if kind == "overlays":
        shown = {"labeller": labellers[-1], "reference": reference}
        return {**shown, "sequence": sequence}
    # viewer
    shown = {"cohort": cohort, "labellers": [reference, *labellers]}
    return {**shown, "sequence": sequence}


def figure_inputs(wildcards):
    """The inputs of a figure by name; its script reads nothing else and all of them."""
    kind, cohort = figure_kind(wildcards), figure_cohort(wildcards)
    top = f"results/{STUDY.name}"
    here = f"{top}/cohorts/{cohort}"
    images = shards_of("results/{study}/cohorts/{cohort}/images/{shard}", cohort)
    if kind == "cleaning":
        raws = raw_of_cohort(cohort)
        return {"raw": raws, "images": images, "audit": f"{here}/audit.tsv"}
    if kind == "learning_curves":
        models = STUDY.drawn(wildcards.figure)
        return {"histories": [f"{top}/models/{m}/history.tsv" for m in models]}
    if kind == "prediction":
        shown = [m for c, m in STUDY.pictured() if c == cohort][-1]
        labels = "results/{study}/cohorts/{cohort}/labels/{labeller}/{shard}"
        return {
            "images": images,
            "labels": shards_of(labels, cohort, labeller=shown),
            "curves": f"{here}/volumes/{shown}.curves.tsv",
            "volumes": f"{here}/volumes/{shown}.tsv",
        }
    labellers = STUDY.drawn(wildcards.figure)
    reference = STUDY.reference(cohort, STUDY.drawn_sequence(wildcards.figure))
    curves = [f"{here}/volumes/{m}.curves.tsv" for m in labellers]
    volumes = [f"{here}/volumes/{m}.tsv" for m in labellers]
    reference_curves = f"{here}/volumes/{reference}.curves.tsv"
    subjects = [f"{top}/evaluation/{m}/{cohort}/subjects.tsv" for m in labellers]
    if kind in ("volume_agreement", "ef_error"):
        # Known volumes are nearer to the truth than those of a reference's contours.
        table = "known_volumes" if STUDY.known_volumes(cohort) else "subjects"
        evaluated = f"{top}/evaluation/{{}}/{cohort}/{table}.tsv"
        return {"subjects": [evaluated.format(m) for m in labellers]}
    if kind == "volume_curves":
        return {
            "curves": curves,
            "volumes": volumes,
            "reference_curves": reference_curves,
            "reference_volumes": f"{here}/volumes/{reference}.tsv",
        }
    if kind == "confidence":
        labeller = STUDY.config["confidence"]["labeller"]
        return {
            "confidence": confidence_tables()[0],
            "subjects": f"{top}/evaluation/{labeller}/{cohort}/subjects.tsv",
        }
    if kind == "strategies":
        return {"subjects": subjects}
    if kind == "observers":
        people = [m for m in labellers if not STUDY.is_model(m)]
        return {
            "subjects": subjects,
            "curves": curves,
            "reference": reference_curves,
            "measures": [f"{here}/volumes/{m}.tsv" for m in [reference, *people]],
        }
    # The last labeller of the study's list is the one that it is about.
    shown = labellers[-1:] if kind == "overlays" else labellers
    maps = "results/{study}/cohorts/{cohort}/labels/{labeller}/{shard}"
    labels = [shards_of(maps, cohort, labeller=m) for m in [reference, *shown]]
    return {
        "images": images,
        "labels": sum(labels, []),
        "evaluation": f"{top}/evaluation/{labellers[-1]}/{cohort}/images.tsv",
    }
