# Label maps for others: in the values of the MyoPS challenge, and on the grid of its files.


rule export_myops:
    input:
        raw=EXPORTS.raw,
        labels=COHORTS.label_shards,
        passed=CHECKS.labeller_passed,
    output:
        folder=directory("results/{study}/cohorts/{cohort}/export/{labeller}"),
    log:
        "results/{study}/logs/export_myops/{cohort}/{labeller}.log",
    benchmark:
        "results/{study}/benchmarks/export_myops/{cohort}/{labeller}.tsv"
    wildcard_constraints:
        cohort=one_of(EXPORTS.cohorts),
        labeller=one_of(EXPORTS.labellers),
    conda:
        "../../envs/imaging.yaml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=60,
    params:
        settings=EXPORTS.settings,
        rows=EXPORTS.rows,
        code=code_of("export_myops.py"),
    script:
        "../scripts/export_myops.py"


# Of the models; what an annotator drew is exported by the name of its folder.
rule export_all:
    input:
        EXPORTS.of_models(),
