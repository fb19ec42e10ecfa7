# What models make of images: `snakemake predict_all --config input=<folder> model=<folder of a model>`, or
# all label maps and volumes that the models of a study are to give. Of landmarks, strain.


rule note_origin:
    output:
        origin="results/{study}/origins/{origin}.txt",
    log:
        "results/{study}/logs/note_origin/{origin}.log",
    benchmark:
        "results/{study}/benchmarks/note_origin/{origin}.tsv"
    wildcard_constraints:
        origin=one_of(ORIGINS),
    priority: 10
    conda:
        "../../envs/imaging.yaml"
    threads: 1
    resources:
        mem_mb=500,
        runtime=10,
    params:
        path=RESULTS.origin,
        code=code_of("note_origin.py"),
    script:
        "../scripts/note_origin.py"


rule make_report:
    input:
        unpack(REPORTS.inputs),
    output:
        report="results/{study}/report.pdf",
    log:
        "results/{study}/logs/make_report.log",
    benchmark:
        "results/{study}/benchmarks/make_report.tsv"
    conda:
        "../../envs/plot.yaml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=30,
    params:
        settings=REPORTS.settings,
        code=code_of("make_report.py"),
    script:
        "../scripts/make_report.py"


rule predict_all:
    input:
        REPORTS.names(),
        expand("results/{study}/origins/{origin}.txt", study=STUDY.name, origin=ORIGINS),
        expand(
            "results/{study}/cohorts/{cohort}/audit.tsv",
            study=STUDY.name,
            cohort=sorted({cohort for cohort, _ in STUDY.predicted()}),
        ),
        CHECKS.passed(cohort for cohort, _ in STUDY.predicted()),
        [
            path
            for cohort, labeller in STUDY.predicted()
            for path in COHORTS.labels_of(cohort, labeller)
        ],
        [
            f"results/{STUDY.name}/cohorts/{cohort}/volumes/{labeller}.tsv"
            for cohort, labeller in STUDY.measured()
            if STUDY.is_model(labeller)
        ],
        CALIBRATION.interval_tables(),
        RESULTS.predicted([*PANELS.phenotypes(), *PANELS.strain_tables()]),
        SOURCES.converted_cards(),
