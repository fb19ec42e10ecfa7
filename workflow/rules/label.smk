# Label maps: from an annotator's masks or contours, or from a model. Labelling a cohort to learn from
# it and predicting a cohort to measure a model are the same thing.


rule carry_annotations:
    input:
        raw=RAW.annotation,
        images="results/{study}/cohorts/{cohort}/images/{shard}",
    output:
        labels=directory("results/{study}/cohorts/{cohort}/labels/{labeller}/{shard}"),
        audit="results/{study}/cohorts/{cohort}/labels/{labeller}/{shard}.audit.tsv",
    log:
        "results/{study}/logs/carry_annotations/{cohort}/{labeller}/{shard}.log",
    benchmark:
        "results/{study}/benchmarks/carry_annotations/{cohort}/{labeller}/{shard}.tsv"
    wildcard_constraints:
        labeller=one_of(COHORTS.annotators),
    conda:
        "../../envs/imaging.yaml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=60,
    params:
        settings=RAW.annotation_settings,
        state=RAW.annotation_state,
        rows=COHORTS.shard_annotation_rows,
        code=code_of("carry_annotations.py"),
    script:
        "../scripts/carry_annotations.py"


rule collect_label_audit:
    input:
        raw=RAW.annotations,
        audits=COHORTS.label_audit_shards,
        images=COHORTS.image_shards,
        labels=COHORTS.label_shards,
    output:
        audit=report(
            "results/{study}/cohorts/{cohort}/labels/{labeller}.audit.tsv",
            caption="../report/label_audit.rst",
            category="1 Import",
            labels={"cohort": "{cohort}", "table": "labels of {labeller}"},
        ),
    log:
        "results/{study}/logs/collect_label_audit/{cohort}/{labeller}.log",
    benchmark:
        "results/{study}/benchmarks/collect_label_audit/{cohort}/{labeller}.tsv"
    wildcard_constraints:
        labeller=one_of(COHORTS.annotators),
    conda:
        "../../envs/imaging.yaml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=10,
    params:
        settings=RAW.annotation_settings,
        rows=COHORTS.annotation_rows,
        code=code_of("collect_label_audit.py"),
    script:
        "../scripts/collect_label_audit.py"


# As check_losses, for labels that could not be read.
rule check_label_losses:
    input:
        audit="results/{study}/cohorts/{cohort}/labels/{labeller}.audit.tsv",
    output:
        passed="results/{study}/cohorts/{cohort}/labels/{labeller}.passed.txt",
    log:
        "results/{study}/logs/check_label_losses/{cohort}/{labeller}.log",
    benchmark:
        "results/{study}/benchmarks/check_label_losses/{cohort}/{labeller}.tsv"
    wildcard_constraints:
        labeller=one_of(COHORTS.annotators),
    priority: 10
    conda:
        "../../envs/imaging.yaml"
    threads: 1
    resources:
        mem_mb=1000,
        runtime=10,
    params:
        subjects=COHORTS.subjects,
        max_failed_fraction=CHECKS.losses_allowed,
        within=CHECKS.labels_within,
        code=code_of("check_label_losses.py"),
    script:
        "../scripts/check_label_losses.py"


rule label_shard:
    input:
        images="results/{study}/cohorts/{cohort}/images/{shard}",
        weights=MODELS.weights,
        # Of an ensemble and a cohort that it was trained on.
        folds=ENSEMBLES.folds_of_labeller,
        # Of its coarse model, if it has one.
        coarse=MODELS.coarse_labels,
    output:
        labels=directory("results/{study}/cohorts/{cohort}/labels/{labeller}/{shard}"),
    log:
        "results/{study}/logs/label_shard/{cohort}/{labeller}/{shard}.log",
    benchmark:
        "results/{study}/benchmarks/label_shard/{cohort}/{labeller}/{shard}.tsv"
    wildcard_constraints:
        labeller=one_of(STUDY.model_names),
    conda:
        "../../envs/torch.yaml"
    threads: 1
    resources:
        gpu=1,
        mem_mb=4000,
        runtime=120,
    params:
        model=MODELS.labelling,
        state=MODELS.weights_state,
        code=code_of("label_shard.py"),
    script:
        "../scripts/label_shard.py"


rule label_all:
    input:
        CHECKS.passed(cohort for cohort, _ in STUDY.labelled()),
        [
            path
            for cohort, labeller in STUDY.labelled()
            for path in COHORTS.labels_of(cohort, labeller)
        ],
        [
            path
            for cohort in STUDY.cohorts
            for path in CHECKS.labels_passed(cohort, STUDY.labellers(cohort))
        ],
