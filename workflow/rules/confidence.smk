# How well automatic volumes agree with the known ones, per subject, and the sets made of it.


rule score_confidence:
    input:
        volumes="results/{study}/cohorts/{cohort}/volumes/{labeller}.tsv",
        known="results/{study}/cohorts/{cohort}/known.tsv",
        passed="results/{study}/cohorts/{cohort}/import/passed.txt",
    output:
        confidence="results/{study}/cohorts/{cohort}/confidence/{labeller}.tsv",
    log:
        "results/{study}/logs/score_confidence/{cohort}/{labeller}.log",
    benchmark:
        "results/{study}/benchmarks/score_confidence/{cohort}/{labeller}.tsv"
    conda:
        "../../envs/imaging.yaml"
    threads: 1
    resources:
        mem_mb=1000,
        runtime=10,
    params:
        code=code_of("score_confidence.py"),
    script:
        "../scripts/score_confidence.py"


rule confidence_all:
    input:
        CHECKS.passed(COHORTS.confidence_cohorts()),
        COHORTS.confidence_tables(),
