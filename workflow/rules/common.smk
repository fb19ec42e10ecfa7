# What the rules share: the study with its tables, and the functions that name inputs and params.
from snakemake.exceptions import WorkflowError

from snakemake.logging import logger

from study.load import load_study
from study.study import IMAGENET
from study.memory import forgotten
from study.owner import check_owner, note_owner
from study.prediction import prediction_origins, prediction_study
from study.tables import REPOSITORY, StudyError, own_file
from study.tidy import unnamed
from study.words import as_typed
from study.code import code_of, content_of

TYPED = as_typed(config, workflow.config_settings.config_args or [])

try:
    # `--config input=... model=...` is a study of its own: one subject and one model.
    STUDY = load_study(prediction_study(TYPED) if "input" in TYPED else TYPED)
    check_owner(STUDY.name, workflow.configfiles)
except StudyError as error:
    raise WorkflowError(str(error))

if workflow.is_main_process and (warning := forgotten(STUDY.name)):
    logger.warning(warning)

# What a prediction labels and with what; no other study has origins.
ORIGINS = prediction_origins(TYPED) if "input" in TYPED else {}

for model, path in STUDY.left_out.items():
    logger.info(f"model {model} is left out: its ImageNet weights are not at {path}")


# Before results are made, and where the first ones were.
onstart:
    note_owner(STUDY.name, workflow.configfiles)


onsuccess:
    note_owner(STUDY.name, workflow.configfiles)


onerror:
    note_owner(STUDY.name, workflow.configfiles)


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
    return STUDY.annotation_rows(wildcards.cohort, wildcards.shard)


def cohort_annotation_rows(wildcards):
    return STUDY.annotation_rows(wildcards.cohort)


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


def reference_of(cohort, labeller):
    """The annotator that a labeller of a cohort is held against."""
    return STUDY.reference(cohort, STUDY.sequence_of(cohort, labeller).key)


def reference_shards(wildcards):
    return shards_of(
        "results/{study}/cohorts/{cohort}/labels/{labeller}/{shard}",
        wildcards.cohort,
        labeller=reference_of(wildcards.cohort, wildcards.labeller),
    )


def cohort_rows(wildcards):
    """Subject and split of a whole cohort."""
    return STUDY.subjects[wildcards.cohort][["subject", "split"]].to_dict("records")


def unnamed_results(wildcards):
    return unnamed(STUDY, f"results/{STUDY.name}", ORIGINS)
