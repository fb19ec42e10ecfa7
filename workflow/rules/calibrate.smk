# Distributions and intervals of volumes, calibrated on subjects with known ones.


rule calibrate_volumes:
    input:
        unpack(CALIBRATION.inputs),
    output:
        volumes="results/{study}/cohorts/{cohort}/calibration/volumes.tsv",
        distributions="results/{study}/cohorts/{cohort}/calibration/distributions.csv",
        scores=report(
            "results/{study}/cohorts/{cohort}/calibration/scores.tsv",
            caption="../report/calibration.rst",
            category="6 Evaluation",
            labels={"cohort": "{cohort}", "table": "calibration"},
        ),
    log:
        "results/{study}/logs/calibrate_volumes/{cohort}.log",
    benchmark:
        "results/{study}/benchmarks/calibrate_volumes/{cohort}.tsv"
    conda:
        "../../envs/calibrate.yaml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=30,
    params:
        settings=CALIBRATION.settings,
        labellers=CALIBRATION.labellers,
        rows=CALIBRATION.rows,
        new_rows=CALIBRATION.new_rows,
        code=code_of("calibrate_volumes.py"),
    script:
        "../scripts/calibrate_volumes.py"


rule calibrate_all:
    input:
        CHECKS.passed(CALIBRATION.cohorts()),
        CALIBRATION.tables(),
