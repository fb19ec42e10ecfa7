# What the rules share: the study with its tables, and the functions that name inputs and params.
from snakemake.exceptions import WorkflowError

from snakemake.logging import logger

from study import IMAGENET, Study
from study_prediction import prediction_origins, prediction_study
from study_tables import StudyError
from tracking import code_of

try:
    # `--config input=... model=...` is a study of its own: one subject and one model.
    STUDY = Study(prediction_study(config) if "input" in config else config)
except StudyError as error:
    raise WorkflowError(str(error))

# What a prediction labels and with what; no other study has origins.
ORIGINS = prediction_origins(config) if "input" in config else {}

for model, path in STUDY.left_out.items():
    logger.info(f"model {model} is left out: its ImageNet weights are not at {path}")


def one_of(names):
    """A wildcard constraint: one of these names, or nothing at all where there are none."""
    return "|".join(names) if names else "(?!)"


ANNOTATORS = sorted({a for c in STUDY.cohorts for a in STUDY.annotators(c)})


wildcard_constraints:
    study=STUDY.name,
    cohort=one_of(STUDY.cohorts),
    shard="[0-9]{4}",
    labeller="[a-z0-9_]+",
    model=one_of(STUDY.models),


def shard_rows(wildcards):
    return STUDY.rows(wildcards.cohort, wildcards.shard)


def shard_import_rows(wildcards):
    return STUDY.import_rows(wildcards.cohort, wildcards.shard)


def shard_annotation_rows(wildcards):
    keys = ("subject", "study", "set", "annotation")
    return [{key: row[key] for key in keys} for row in shard_rows(wildcards)]


def cohort_annotation_rows(wildcards):
    keys = ("subject", "set", "annotation")
    rows = STUDY.rows_of(wildcards.cohort)
    return [{key: row[key] for key in keys} for row in rows]


def origin_path(wildcards):
    return ORIGINS[wildcards.origin]


def shards_of(pattern, cohort, **names):
    """The pattern's paths over all shards of a cohort; {study} is filled in."""
    return expand(
        pattern, study=STUDY.name, cohort=cohort, shard=STUDY.shards(cohort), **names
    )


def audit_shards(wildcards):
    return shards_of(
        "results/{study}/cohorts/{cohort}/import/{shard}.audit.tsv", wildcards.cohort
    )


def header_shards(wildcards):
    return shards_of(
        "results/{study}/cohorts/{cohort}/import/{shard}.headers.tsv.gz",
        wildcards.cohort,
    )


def image_shards(wildcards):
    return shards_of(
        "results/{study}/cohorts/{cohort}/images/{shard}", wildcards.cohort
    )


def label_audit_shards(wildcards):
    return shards_of(
        "results/{study}/cohorts/{cohort}/labels/{labeller}/{shard}.audit.tsv",
        wildcards.cohort,
        labeller=wildcards.labeller,
    )


def label_shards(wildcards):
    return shards_of(
        "results/{study}/cohorts/{cohort}/labels/{labeller}/{shard}",
        wildcards.cohort,
        labeller=wildcards.labeller,
    )


def reference_shards(wildcards):
    return shards_of(
        "results/{study}/cohorts/{cohort}/labels/{labeller}/{shard}",
        wildcards.cohort,
        labeller=STUDY.reference(wildcards.cohort),
    )


def cohort_rows(wildcards):
    """Subject and split of a whole cohort."""
    return STUDY.subjects[wildcards.cohort][["subject", "split"]].to_dict("records")
