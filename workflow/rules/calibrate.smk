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


# A file of numbers that goes with a model wherever its folder is copied to.
rule calibrate_model:
    input:
        unpack(CALIBRATION.model_inputs),
    output:
        calibration="results/{study}/models/{model}/calibration.json",
    log:
        "results/{study}/logs/calibrate_model/{model}.log",
    benchmark:
        "results/{study}/benchmarks/calibrate_model/{model}.tsv"
    wildcard_constraints:
        model=one_of(CALIBRATION.models()),
    conda:
        "../../envs/calibrate.yaml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=10,
    params:
        settings=CALIBRATION.model_settings,
        rows=CALIBRATION.patients,
        code=code_of("calibrate_model.py"),
    script:
        "../scripts/calibrate_model.py"


# Of a model that was calibrated elsewhere: in another study, on other subjects.
rule add_intervals:
    input:
        volumes="results/{study}/cohorts/{cohort}/volumes/{labeller}.tsv",
        calibration=CALIBRATION.given_file,
        weights=MODELS.weights,
    output:
        intervals="results/{study}/cohorts/{cohort}/intervals/{labeller}.tsv",
    log:
        "results/{study}/logs/add_intervals/{cohort}/{labeller}.log",
    benchmark:
        "results/{study}/benchmarks/add_intervals/{cohort}/{labeller}.tsv"
    wildcard_constraints:
        labeller=one_of(STUDY.given),
    conda:
        "../../envs/imaging.yaml"
    threads: 1
    resources:
        mem_mb=1000,
        runtime=10,
    params:
        settings=CALIBRATION.interval_settings,
        code=code_of("add_intervals.py"),
    script:
        "../scripts/add_intervals.py"


rule calibrate_all:
    input:
        CALIBRATION.files(),
        CHECKS.passed(CALIBRATION.cohorts()),
        CALIBRATION.tables(),
