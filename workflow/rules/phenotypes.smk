# Measures of panels: sets of labellers that together label several sequences of a subject.


rule measure_panel:
    input:
        unpack(PANELS.inputs),
    output:
        table="results/{study}/cohorts/{cohort}/measures/{measure}/{panel}/{shard}.tsv",
        details="results/{study}/cohorts/{cohort}/measures/{measure}/{panel}/{shard}.details.tsv",
    log:
        "results/{study}/logs/measure_panel/{cohort}/{measure}/{panel}/{shard}.log",
    benchmark:
        "results/{study}/benchmarks/measure_panel/{cohort}/{measure}/{panel}/{shard}.tsv"
    conda:
        "../../envs/phenotypes.yaml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=120,
    params:
        rows=PANELS.rows,
        settings=PANELS.settings,
        code=PANELS.code,
    script:
        "../scripts/measures/{wildcards.measure}.py"


rule collect_measure:
    input:
        tables=PANELS.shards,
        details=PANELS.details,
        passed=CHECKS.panel_passed,
    output:
        table="results/{study}/cohorts/{cohort}/measures/{measure}/{panel}.tsv",
        details="results/{study}/cohorts/{cohort}/measures/{measure}/{panel}.details.tsv",
    log:
        "results/{study}/logs/collect_measure/{cohort}/{measure}/{panel}.log",
    benchmark:
        "results/{study}/benchmarks/collect_measure/{cohort}/{measure}/{panel}.tsv"
    conda:
        "../../envs/phenotypes.yaml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=60,
    params:
        code=code_of("collect_measure.py"),
    script:
        "../scripts/collect_measure.py"


rule collect_phenotypes:
    input:
        measures=PANELS.measured,
        volumes=PANELS.volumes,
    output:
        table="results/{study}/cohorts/{cohort}/phenotypes/{panel}.tsv",
        ukbb="results/{study}/cohorts/{cohort}/phenotypes/{panel}.ukbb.csv",
    log:
        "results/{study}/logs/collect_phenotypes/{cohort}/{panel}.log",
    benchmark:
        "results/{study}/benchmarks/collect_phenotypes/{cohort}/{panel}.tsv"
    conda:
        "../../envs/phenotypes.yaml"
    threads: 1
    resources:
        mem_mb=1000,
        runtime=10,
    params:
        rows=PANELS.about_rows,
        code=code_of("collect_phenotypes.py"),
    script:
        "../scripts/collect_phenotypes.py"


rule phenotypes_all:
    input:
        CHECKS.passed(PANELS.shown),
        PANELS.phenotypes(),
