# Raw files: where they lie, and what the import and the annotations ask of them.
from study.raw_state import image_state, label_state, on_disk, table_state


def phantom_settings(wildcards):
    return STUDY.cohorts[wildcards.cohort]["phantom"]


def raw_pattern(cohort):
    """The folder of raw files that holds a shard's subjects."""
    if "raw" in STUDY.cohorts[cohort]:
        return STUDY.cohorts[cohort]["raw"]
    return "results/{study}/phantom/{cohort}/{shard}"


def edited_raw(cohort):
    """The folder of a cohort's raw files if people may edit them, else nothing."""
    return on_disk(STUDY.cohorts[cohort].get("raw", ""), SOURCES)


def watched(raw, edited):
    """Raw files as an input: by the state of each subject's where people may edit them.

    The time stamp of a folder changes with a new subject, and not with a file further down.
    """
    return ancient(raw) if edited else raw


def raw_of(wildcards):
    return watched(raw_pattern(wildcards.cohort), edited_raw(wildcards.cohort))


def raw_of_cohort(cohort):
    """The raw files of all shards; those of a cohort on disk are one folder."""
    folders = dict.fromkeys(shards_of(raw_pattern(cohort), cohort))
    return [watched(folder, edited_raw(cohort)) for folder in folders]


def import_settings(wildcards):
    cohort = STUDY.cohorts[wildcards.cohort]
    return {"layout": cohort["layout"], **cohort["cleaning"]}


def import_layout(wildcards):
    return STUDY.cohorts[wildcards.cohort]["layout"]


def import_sequences(wildcards):
    return STUDY.sequences(wildcards.cohort)


def edited_labels(wildcards):
    """The folder of raw files with an annotator's labels if people may edit them, else nothing."""
    raw = STUDY.annotator(wildcards.cohort, wildcards.labeller)["raw"]
    return on_disk(raw, SOURCES) if raw else edited_raw(wildcards.cohort)


def annotation_raw(wildcards):
    """The raw data that an annotator's labels belong to; mostly the cohort's own."""
    about = STUDY.annotator(wildcards.cohort, wildcards.labeller)
    raw = about["raw"] or raw_pattern(wildcards.cohort)
    return watched(raw, edited_labels(wildcards))


def annotation_raws(wildcards):
    """The raw data of all shards that an annotator's labels belong to, each once."""
    pattern = annotation_raw(wildcards)
    if pattern == raw_pattern(wildcards.cohort) and "{shard}" in pattern:
        return shards_of(pattern, wildcards.cohort)
    return [pattern]


def annotation_settings(wildcards):
    about = STUDY.annotator(wildcards.cohort, wildcards.labeller)
    layout = STUDY.cohorts[wildcards.cohort]["layout"]
    keys = ("form", "folder", "sequence", "numbers", "first_pixel")
    return {"layout": layout} | {key: about[key] for key in keys if key in about}


def raw_state(wildcards):
    """What the raw images of each subject of a shard look like."""
    raw = edited_raw(wildcards.cohort)
    if not raw:
        return {}
    layout, sequences = import_layout(wildcards), import_sequences(wildcards)
    rows = shard_import_rows(wildcards)
    return {row["subject"]: image_state(layout, raw, row, sequences) for row in rows}


def annotation_state(wildcards):
    """What an annotator's labels of each subject of a shard look like."""
    raw = edited_labels(wildcards)
    if not raw:
        return {}
    about = annotation_settings(wildcards)
    folder = f"{raw}/{about['folder']}"
    rows = shard_annotation_rows(wildcards)
    return {
        row["subject"]: label_state(
            about["layout"], about["form"], folder, row, about["sequence"]
        )
        for row in rows
    }


def known_state(wildcards):
    """What the tables of known volumes in the raw data look like."""
    return table_state(edited_raw(wildcards.cohort)) if known_raw(wildcards) else ""
