# What repairs of the import are worth, and how far two examinations of a patient agree.


rule measure_repairs:
    input:
        unpack(ROBUSTNESS.repairs_inputs),
    output:
        subjects="results/{study}/evaluation/repairs_subjects.tsv",
        summary=report(
            "results/{study}/evaluation/repairs.tsv",
            caption="../report/repairs.rst",
            category="6 Evaluation",
            labels={"table": "repairs"},
        ),
    log:
        "results/{study}/logs/measure_repairs.log",
    benchmark:
        "results/{study}/benchmarks/measure_repairs.tsv"
    conda:
        "../../envs/imaging.yaml"
    threads: 1
    resources:
        mem_mb=1000,
        runtime=10,
    params:
        labellers=ROBUSTNESS.repairs_labellers,
        strain=ROBUSTNESS.strain_labeller,
        rows=ROBUSTNESS.repairs_rows,
        code=code_of("measure_repairs.py"),
    script:
        "../scripts/measure_repairs.py"


rule measure_repeatability:
    input:
        unpack(ROBUSTNESS.repeatability_inputs),
    output:
        pairs="results/{study}/cohorts/{cohort}/repeatability/pairs.tsv",
        summary=report(
            "results/{study}/cohorts/{cohort}/repeatability/summary.tsv",
            caption="../report/repeatability.rst",
            category="6 Evaluation",
            labels={"cohort": "{cohort}", "table": "repeatability"},
        ),
    log:
        "results/{study}/logs/measure_repeatability/{cohort}.log",
    benchmark:
        "results/{study}/benchmarks/measure_repeatability/{cohort}.tsv"
    conda:
        "../../envs/imaging.yaml"
    threads: 1
    resources:
        mem_mb=1000,
        runtime=10,
    params:
        labellers=ROBUSTNESS.repeatability_labellers,
        scans=ROBUSTNESS.scans,
        code=code_of("measure_repeatability.py"),
    script:
        "../scripts/measure_repeatability.py"


rule robustness_all:
    input:
        ROBUSTNESS.repairs_tables(),
        ROBUSTNESS.repeatability_tables(),
