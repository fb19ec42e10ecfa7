# What raw files look like and where they come from, so that edits of them are noticed.
from raw_state import state_of

# Forms of annotation that people edit.
EDITED = ("qmass", "text", "nifti")


def origin_path(wildcards):
    return ORIGINS[wildcards.origin]


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


def annotation_raw(wildcards):
    """The raw data that an annotator's labels belong to; mostly the cohort's own."""
    about = STUDY.annotator(wildcards.cohort, wildcards.labeller)
    return about["raw"] or raw_pattern(wildcards.cohort)


def annotation_settings(wildcards):
    about = STUDY.annotator(wildcards.cohort, wildcards.labeller)
    layout = STUDY.cohorts[wildcards.cohort]["layout"]
    return {"form": about["form"], "folder": about["folder"], "layout": layout}
