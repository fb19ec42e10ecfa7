# A labeller's maps held against a reference: per image, per subject, per cohort.


rule evaluate_labels:
    input:
        labels=COHORTS.label_shards,
        reference=COHORTS.reference_shards,
        passed=CHECKS.evaluation_passed,
    output:
        images="results/{study}/evaluation/{labeller}/{cohort}/images.tsv",
        frames="results/{study}/evaluation/{labeller}/{cohort}/frames.tsv",
        subjects="results/{study}/evaluation/{labeller}/{cohort}/subjects.tsv",
        summary=report(
            "results/{study}/evaluation/{labeller}/{cohort}/summary.tsv",
            caption="../report/summary.rst",
            category="6 Evaluation",
            labels={
                "cohort": "{cohort}",
                "labeller": "{labeller}",
                "table": "summary",
            },
        ),
        record="results/{study}/evaluation/{labeller}/{cohort}/record.json",
    log:
        "results/{study}/logs/evaluate_labels/{cohort}/{labeller}.log",
    benchmark:
        "results/{study}/benchmarks/evaluate_labels/{cohort}/{labeller}.tsv"
    wildcard_constraints:
        labeller=none_of(STUDY.point_labellers),
    conda:
        "../../envs/imaging.yaml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=120,
    params:
        settings=MEASURES.evaluation_settings,
        rows=MEASURES.evaluated_rows,
        reference=COHORTS.reference_name,
        maps=MEASURES.compared_maps,
        code=code_of("evaluate_labels.py"),
    script:
        "../scripts/evaluate_labels.py"


rule evaluate_volumes:
    input:
        volumes="results/{study}/cohorts/{cohort}/volumes/{labeller}.tsv",
        known="results/{study}/cohorts/{cohort}/known.tsv",
        passed=CHECKS.labeller_passed,
    output:
        subjects="results/{study}/evaluation/{labeller}/{cohort}/known_volumes.tsv",
        summary="results/{study}/evaluation/{labeller}/{cohort}/known_volumes_summary.tsv",
    log:
        "results/{study}/logs/evaluate_volumes/{cohort}/{labeller}.log",
    benchmark:
        "results/{study}/benchmarks/evaluate_volumes/{cohort}/{labeller}.tsv"
    conda:
        "../../envs/imaging.yaml"
    threads: 1
    resources:
        mem_mb=1000,
        runtime=10,
    params:
        code=code_of("evaluate_volumes.py"),
    script:
        "../scripts/evaluate_volumes.py"


rule compare_published:
    input:
        subjects=MEASURES.published_subjects,
    output:
        table=report(
            "results/{study}/evaluation/published.tsv",
            caption="../report/published_values.rst",
            category="6 Evaluation",
            labels={"table": "published numbers"},
        ),
    log:
        "results/{study}/logs/compare_published.log",
    benchmark:
        "results/{study}/benchmarks/compare_published.tsv"
    conda:
        "../../envs/imaging.yaml"
    threads: 1
    resources:
        mem_mb=1000,
        runtime=10,
    params:
        settings=MEASURES.published_settings,
        published=MEASURES.published_table,
        code=code_of("compare_published.py"),
    script:
        "../scripts/compare_published.py"


rule evaluate_all:
    input:
        CHECKS.passed(entry["cohort"] for entry in STUDY.config["evaluate"]),
        MEASURES.published_output(),
        ENSEMBLES.spread_tables(),
        [
            f"results/{STUDY.name}/evaluation/{labeller}/{cohort}/known_volumes_summary.tsv"
            for labeller, cohort in STUDY.volume_evaluations()
        ],
        [
            f"results/{STUDY.name}/evaluation/{labeller}/{cohort}/summary.tsv"
            for labeller, cohort in STUDY.evaluations()
        ],
