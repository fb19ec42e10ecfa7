# Raw files: where they lie, and what the import and the annotations ask of them.
from raw_state import state_of

# Forms of annotation that people edit.
EDITED = ("qmass", "text", "nifti")


def phantom_settings(wildcards):
    return STUDY.cohorts[wildcards.cohort]["phantom"]


def raw_pattern(cohort):
    """The folder of raw files that holds a shard's subjects."""
    if "raw" in STUDY.cohorts[cohort]:
        return STUDY.cohorts[cohort]["raw"]
    return "results/{study}/phantom/{cohort}/{shard}"


def raw_of(wildcards):
    return raw_pattern(wildcards.cohort)


def import_settings(wildcards):
    cohort = STUDY.cohorts[wildcards.cohort]
    return {"layout": cohort["layout"], **cohort["cleaning"]}


def import_layout(wildcards):
    return STUDY.cohorts[wildcards.cohort]["layout"]


def annotation_raw(wildcards):
    """The raw data that an annotator's labels belong to; mostly the cohort's own."""
    about = STUDY.annotator(wildcards.cohort, wildcards.labeller)
    return about["raw"] or raw_pattern(wildcards.cohort)


def annotation_raws(wildcards):
    """The raw data of all shards that an annotator's labels belong to, each once."""
    pattern = annotation_raw(wildcards)
    if pattern == raw_pattern(wildcards.cohort) and "{shard}" in pattern:
        return shards_of(pattern, wildcards.cohort)
    return [pattern]


def annotation_settings(wildcards):
    about = STUDY.annotator(wildcards.cohort, wildcards.labeller)
    layout = STUDY.cohorts[wildcards.cohort]["layout"]
    keys = ("form", "folder", "numbers")
    return {"layout": layout} | {key: about[key] for key in keys if key in about}


def raw_state(wildcards):
    """Changes with the files that a prediction is of; whole cohorts are not looked through."""
    return state_of(ORIGINS["input"]) if ORIGINS else ""


def annotation_state(wildcards):
    """Changes with the files of an annotator's contours or label volumes."""
    about = STUDY.annotator(wildcards.cohort, wildcards.labeller)
    cohort = STUDY.cohorts[wildcards.cohort]
    raw = about["raw"] or cohort.get("raw", "")
    # What a job makes or fetches has the job's time; pairs of the layout ukbb lie among the images.
    made = not raw or raw.startswith("resources/raw/") or cohort["layout"] == "ukbb"
    if made or about["form"] not in EDITED:
        return ""
    return state_of(f"{raw}/{about['folder']}")
