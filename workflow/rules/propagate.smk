# Labels of some frames, carried to all frames of a cine by registration: a labeller of its own.


rule propagate_labels:
    input:
        images="results/{study}/cohorts/{cohort}/images/{shard}",
        drawn=COHORTS.drawn_labels,
    output:
        labels=directory("results/{study}/cohorts/{cohort}/labels/{labeller}/{shard}"),
    log:
        "results/{study}/logs/propagate_labels/{cohort}/{labeller}/{shard}.log",
    benchmark:
        "results/{study}/benchmarks/propagate_labels/{cohort}/{labeller}/{shard}.tsv"
    wildcard_constraints:
        labeller=one_of(COHORTS.propagated),
    conda:
        "../../envs/phenotypes.yaml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=120,
    params:
        sequence=COHORTS.sequence,
        code=code_of("propagate_labels.py"),
    script:
        "../scripts/propagate_labels.py"
