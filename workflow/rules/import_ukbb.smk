# The bulk files of UK Biobank, zips of DICOM, to a cine for each sequence of a subject.


rule import_ukbb:
    input:
        raw=RAW.folder,
        contours=RAW.contours,
    output:
        images=directory("results/{study}/cohorts/{cohort}/images/{shard}"),
        audit="results/{study}/cohorts/{cohort}/import/{shard}.audit.tsv",
        headers="results/{study}/cohorts/{cohort}/import/{shard}.headers.tsv.gz",
    log:
        "results/{study}/logs/import_ukbb/{cohort}/{shard}.log",
    benchmark:
        "results/{study}/benchmarks/import_ukbb/{cohort}/{shard}.tsv"
    wildcard_constraints:
        cohort=one_of(STUDY.cohorts_with("ukbb_dicom")),
    conda:
        "../../envs/imaging.yaml"
    threads: 1
    resources:
        mem_mb=4000,
        runtime=120,
    params:
        settings=RAW.import_settings,
        sequences=RAW.sequences,
        rows=COHORTS.shard_import_rows,
        state=RAW.state,
        contours=RAW.contour_folder,
        contour_state=RAW.contour_state,
        code=code_of("import_ukbb.py"),
    script:
        "../scripts/import_ukbb.py"
