# Raw files to one NIfTI cine per subject, with the headers and an audit of every repair.


rule import_dicom:
    input:
        raw=RAW.folder,
    output:
        images=directory("results/{study}/cohorts/{cohort}/images/{shard}"),
        audit="results/{study}/cohorts/{cohort}/import/{shard}.audit.tsv",
        headers="results/{study}/cohorts/{cohort}/import/{shard}.headers.tsv.gz",
    log:
        "results/{study}/logs/import_dicom/{cohort}/{shard}.log",
    benchmark:
        "results/{study}/benchmarks/import_dicom/{cohort}/{shard}.tsv"
    wildcard_constraints:
        cohort=one_of(STUDY.cohorts_with(*DICOM)),
    conda:
        "../../envs/imaging.yaml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=60,
    params:
        settings=RAW.import_settings,
        rows=COHORTS.shard_import_rows,
        state=RAW.state,
        code=code_of("import_dicom.py"),
    script:
        "../scripts/import_dicom.py"


rule import_nifti:
    input:
        raw=RAW.folder,
    output:
        images=directory("results/{study}/cohorts/{cohort}/images/{shard}"),
        audit="results/{study}/cohorts/{cohort}/import/{shard}.audit.tsv",
        headers="results/{study}/cohorts/{cohort}/import/{shard}.headers.tsv.gz",
    log:
        "results/{study}/logs/import_nifti/{cohort}/{shard}.log",
    benchmark:
        "results/{study}/benchmarks/import_nifti/{cohort}/{shard}.tsv"
    wildcard_constraints:
        cohort=one_of(
            STUDY.cohorts_with("ukbb", "nifti", "png", "hdf5", "myops", "tagging")
        ),
    conda:
        "../../envs/imaging.yaml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=60,
    params:
        layout=RAW.layout,
        mode=RAW.mode,
        sequences=RAW.sequences,
        rows=COHORTS.shard_import_rows,
        state=RAW.state,
        code=code_of("import_nifti.py"),
    script:
        "../scripts/import_nifti.py"


rule collect_audit:
    input:
        audits=COHORTS.audit_shards,
        headers=COHORTS.header_shards,
    output:
        audit=report(
            "results/{study}/cohorts/{cohort}/audit.tsv",
            caption="../report/audit.rst",
            category="1 Import",
            labels={"cohort": "{cohort}", "table": "audit"},
        ),
        headers="results/{study}/cohorts/{cohort}/headers.tsv.gz",
    log:
        "results/{study}/logs/collect_audit/{cohort}.log",
    benchmark:
        "results/{study}/benchmarks/collect_audit/{cohort}.tsv"
    priority: 10
    conda:
        "../../envs/imaging.yaml"
    threads: 1
    resources:
        mem_mb=4000,
        runtime=60,
    params:
        code=code_of("collect_audit.py"),
    script:
        "../scripts/collect_audit.py"


# What measures and learns waits for its output. What labels does not: it would then wait for all shards, and with new
# images in one of them Snakemake would not look whether labels of the others have to be made anew.
rule check_losses:
    input:
        audit="results/{study}/cohorts/{cohort}/audit.tsv",
    output:
        passed="results/{study}/cohorts/{cohort}/import/passed.txt",
    log:
        "results/{study}/logs/check_losses/{cohort}.log",
    benchmark:
        "results/{study}/benchmarks/check_losses/{cohort}.tsv"
    priority: 10
    conda:
        "../../envs/imaging.yaml"
    threads: 1
    resources:
        mem_mb=1000,
        runtime=10,
    params:
        subjects=COHORTS.subjects,
        max_failed_fraction=CHECKS.losses_allowed,
        within=CHECKS.subjects_within,
        code=code_of("check_losses.py"),
    script:
        "../scripts/check_losses.py"


rule import_all:
    input:
        expand(
            "results/{study}/cohorts/{cohort}/audit.tsv",
            study=STUDY.name,
            cohort=STUDY.cohorts,
        ),
        CHECKS.passed(STUDY.cohorts),
