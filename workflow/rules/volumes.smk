# Volume curves and ventricular measures of every subject, for each labeller.


rule measure_volumes:
    input:
        labels=COHORTS.label_shards,
        passed=CHECKS.labeller_passed,
    output:
        volumes="results/{study}/cohorts/{cohort}/volumes/{labeller}.tsv",
        curves="results/{study}/cohorts/{cohort}/volumes/{labeller}.curves.tsv",
    log:
        "results/{study}/logs/measure_volumes/{cohort}/{labeller}.log",
    benchmark:
        "results/{study}/benchmarks/measure_volumes/{cohort}/{labeller}.tsv"
    conda:
        "../../envs/imaging.yaml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=240,
    params:
        settings=MEASURES.volume_settings,
        rows=COHORTS.measured_rows,
        maps=MEASURES.labeller_maps,
        code=code_of("measure_volumes.py"),
    script:
        "../scripts/measure_volumes.py"


rule collect_known_volumes:
    input:
        raw=RAW.known,
    output:
        known="results/{study}/cohorts/{cohort}/known.tsv",
    log:
        "results/{study}/logs/collect_known_volumes/{cohort}.log",
    benchmark:
        "results/{study}/benchmarks/collect_known_volumes/{cohort}.tsv"
    conda:
        "../../envs/imaging.yaml"
    threads: 1
    resources:
        mem_mb=1000,
        runtime=10,
    params:
        rows=MEASURES.known_rows,
        tables=RAW.known_state,
        code=code_of("collect_known_volumes.py"),
    script:
        "../scripts/collect_known_volumes.py"


rule volumes_all:
    input:
        CHECKS.passed(cohort for cohort, _ in STUDY.labelled()),
        [
            f"results/{STUDY.name}/cohorts/{cohort}/volumes/{labeller}.tsv"
            for cohort, labeller in STUDY.measured()
        ],
