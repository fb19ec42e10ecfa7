# Results for others: DICOM objects, contours, a BIDS dataset; label maps in the values of the MyoPS challenge, and on
# the grid of its files; landmarks and strain of tagged cines in the form of the published result files.


rule export_dicom:
    input:
        images=COHORTS.image_shards,
        labels=COHORTS.label_shards,
        volumes=EXPORTS.volumes,
        raw=EXPORTS.raw,
        passed=CHECKS.labeller_passed,
    output:
        folder=directory("results/{study}/cohorts/{cohort}/export/{labeller}.dicom"),
    log:
        "results/{study}/logs/export_dicom/{cohort}/{labeller}.log",
    benchmark:
        "results/{study}/benchmarks/export_dicom/{cohort}/{labeller}.tsv"
    wildcard_constraints:
        cohort=one_of(EXPORTS.cohorts_of("dicom")),
        labeller=one_of(EXPORTS.labellers_of("dicom")),
    conda:
        "../../envs/export.yaml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=120,
    params:
        layout=EXPORTS.layout,
        rows=EXPORTS.import_rows,
        maps=MEASURES.labeller_maps,
        by=EXPORTS.by,
        code=code_of("export_dicom.py"),
    script:
        "../scripts/export_dicom.py"


rule export_cvi42:
    input:
        images=COHORTS.image_shards,
        labels=COHORTS.label_shards,
        raw=EXPORTS.raw,
        passed=CHECKS.labeller_passed,
    output:
        folder=directory("results/{study}/cohorts/{cohort}/export/{labeller}.cvi42"),
    log:
        "results/{study}/logs/export_cvi42/{cohort}/{labeller}.log",
    benchmark:
        "results/{study}/benchmarks/export_cvi42/{cohort}/{labeller}.tsv"
    wildcard_constraints:
        cohort=one_of(EXPORTS.cohorts_of("cvi42")),
        labeller=one_of(EXPORTS.labellers_of("cvi42")),
    conda:
        "../../envs/imaging.yaml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=60,
    params:
        layout=EXPORTS.layout,
        rows=EXPORTS.import_rows,
        maps=MEASURES.labeller_maps,
        code=code_of("export_cvi42.py"),
    script:
        "../scripts/export_cvi42.py"


rule export_bids:
    input:
        labels=COHORTS.label_shards,
        volumes="results/{study}/cohorts/{cohort}/volumes/{labeller}.tsv",
        passed=CHECKS.labeller_passed,
    output:
        folder=directory("results/{study}/cohorts/{cohort}/export/{labeller}.bids"),
    log:
        "results/{study}/logs/export_bids/{cohort}/{labeller}.log",
    benchmark:
        "results/{study}/benchmarks/export_bids/{cohort}/{labeller}.tsv"
    wildcard_constraints:
        cohort=one_of(EXPORTS.cohorts_of("bids")),
        labeller=one_of(EXPORTS.labellers_of("bids")),
    conda:
        "../../envs/imaging.yaml"
    threads: 1
    resources:
        mem_mb=1000,
        runtime=60,
    params:
        maps=MEASURES.labeller_maps,
        by=EXPORTS.by,
        code=code_of("export_bids.py"),
    script:
        "../scripts/export_bids.py"


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
        PANELS.exports(),
