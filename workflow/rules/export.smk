# Results for others: label maps in the values of the MyoPS challenge, and on the grid of its files; landmarks and
# strain of tagged cines in the form of the published result files.


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


rule export_tagging:
    input:
        images=COHORTS.image_shards,
        labels=COHORTS.label_shards,
        boxes=PANELS.boxes,
        passed=CHECKS.labeller_passed,
    output:
        results="results/{study}/cohorts/{cohort}/export/{labeller}.result.h5",
    log:
        "results/{study}/logs/export_tagging/{cohort}/{labeller}.log",
    benchmark:
        "results/{study}/benchmarks/export_tagging/{cohort}/{labeller}.tsv"
    conda:
        "../../envs/imaging.yaml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=60,
    params:
        code=code_of("export_tagging.py"),
    script:
        "../scripts/export_tagging.py"


# Of the models; what an annotator drew is exported by the name of its folder or file.
rule export_all:
    input:
        EXPORTS.of_models(),
        [EXPORTS.of_form(form) for form in EXPORTS.by_form],
        EXPORTS.bundles(),
        PANELS.exports(),
