# Results in forms of other programs: DICOM objects, contours for cvi42, a BIDS dataset; models as MONAI bundles.


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


rule export_monai:
    input:
        weights="results/{study}/models/{model}/weights.safetensors",
        record="results/{study}/models/{model}/record.json",
        card="results/{study}/models/{model}/README.md",
    output:
        folder=directory("results/{study}/models/{model}.monai"),
    log:
        "results/{study}/logs/export_monai/{model}.log",
    benchmark:
        "results/{study}/benchmarks/export_monai/{model}.tsv"
    wildcard_constraints:
        model=one_of(EXPORTS.bundled),
    conda:
        "../../envs/torch.yaml"
    threads: 1
    resources:
        mem_mb=4000,
        runtime=10,
    params:
        code=code_of("export_monai.py"),
    script:
        "../scripts/export_monai.py"
