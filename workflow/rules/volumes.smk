# Volume curves and ventricular measures of every subject, for each labeller.


rule measure_volumes:
    input:
        labels=label_shards,
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
        runtime=60,
    params:
        settings=STUDY.config["volumes"],
        rows=cohort_rows,
        classes=labeller_classes,
        code=code_of("measure_volumes.py"),
    script:
        "../scripts/measure_volumes.py"


rule volumes_all:
    input:
        [
            f"results/{STUDY.name}/cohorts/{cohort}/volumes/{labeller}.tsv"
            for cohort, labeller in STUDY.labelled()
        ],
