# A labeller's maps held against a reference: per image, per subject, per cohort.


rule evaluate_labels:
    input:
        labels=label_shards,
        reference=reference_shards,
        passed=evaluation_passed,
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
    conda:
        "../../envs/imaging.yaml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=120,
    params:
        settings=evaluation_settings,
        rows=evaluated_rows,
        reference=reference_name,
        maps=compared_maps,
        code=code_of("evaluate_labels.py"),
    script:
        "../scripts/evaluate_labels.py"


rule evaluate_volumes:
    input:
        volumes="results/{study}/cohorts/{cohort}/volumes/{labeller}.tsv",
        known="results/{study}/cohorts/{cohort}/known.tsv",
        passed=labeller_passed,
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
        subjects=published_values_subjects,
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
        settings=published_values_settings,
        published=published_values_table,
        code=code_of("compare_published.py"),
    script:
        "../scripts/compare_published.py"


rule evaluate_all:
    input:
        passed_checks(entry["cohort"] for entry in STUDY.config["evaluate"]),
        published_values_output(),
        [
            f"results/{STUDY.name}/evaluation/{labeller}/{cohort}/known_volumes_summary.tsv"
            for labeller, cohort in STUDY.volume_evaluations()
        ],
        [
            f"results/{STUDY.name}/evaluation/{labeller}/{cohort}/summary.tsv"
            for labeller, cohort in STUDY.evaluations()
        ],
