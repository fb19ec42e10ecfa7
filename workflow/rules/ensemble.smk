# Rows of the models table with folds or seeds: folds by patient, slices of each fold, and the model that
# is made of its members. Members are trained by the rule for all models, which knows no folds.


rule make_folds:
    output:
        folds="results/{study}/folds/{cohort}/{splits}_{folds}.tsv",
    log:
        "results/{study}/logs/make_folds/{cohort}/{splits}_{folds}.log",
    benchmark:
        "results/{study}/benchmarks/make_folds/{cohort}/{splits}_{folds}.tsv"
    wildcard_constraints:
        splits="[a-z]+(-[a-z]+)*",
        folds="[0-9]+",
    conda:
        "../../envs/plot.yaml"
    threads: 1
    resources:
        mem_mb=1000,
        runtime=10,
    params:
        rows=ENSEMBLES.fold_rows,
        code=code_of("make_folds.py"),
    script:
        "../scripts/make_folds.py"


# Links to the images and labels, with an index of its own.
rule divide_slices:
    input:
        slices="results/{study}/slices/{cohort}/{labeller}/{slices}",
        folds="results/{study}/folds/{cohort}/{splits}_{folds}.tsv",
    output:
        slices=directory(
            "results/{study}/folds/{cohort}/{splits}_{folds}/{fold}/{labeller}/{slices}"
        ),
    log:
        "results/{study}/logs/divide_slices/{cohort}/{splits}_{folds}/{fold}/{labeller}/{slices}.log",
    benchmark:
        "results/{study}/benchmarks/divide_slices/{cohort}/{splits}_{folds}/{fold}/{labeller}/{slices}.tsv"
    wildcard_constraints:
        splits="[a-z]+(-[a-z]+)*",
        folds="[0-9]+",
        fold="[0-9]+",
        slices=ENSEMBLES.slices_names(),
    conda:
        "../../envs/imaging.yaml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=30,
    params:
        code=code_of("divide_slices.py"),
    script:
        "../scripts/divide_slices.py"


rule join_members:
    input:
        weights=ENSEMBLES.weights,
    output:
        weights="results/{study}/models/{model}/weights.safetensors",
    log:
        "results/{study}/logs/join_members/{model}.log",
    benchmark:
        "results/{study}/benchmarks/join_members/{model}.tsv"
    wildcard_constraints:
        model=one_of(STUDY.ensembles),
    conda:
        "../../envs/torch.yaml"
    threads: 1
    resources:
        mem_mb=16000,
        runtime=30,
    params:
        members=ENSEMBLES.members,
        code=code_of("join_members.py"),
    script:
        "../scripts/join_members.py"


rule measure_spread:
    input:
        unpack(ENSEMBLES.spread_inputs),
    output:
        subjects="results/{study}/evaluation/{labeller}/{cohort}/spread_subjects.tsv",
        summary=report(
            "results/{study}/evaluation/{labeller}/{cohort}/spread.tsv",
            caption="../report/spread.rst",
            category="6 Evaluation",
            labels={
                "cohort": "{cohort}",
                "labeller": "{labeller}",
                "table": "spread",
            },
        ),
    log:
        "results/{study}/logs/measure_spread/{cohort}/{labeller}.log",
    benchmark:
        "results/{study}/benchmarks/measure_spread/{cohort}/{labeller}.tsv"
    wildcard_constraints:
        labeller=one_of(STUDY.ensembles),
    conda:
        "../../envs/imaging.yaml"
    threads: 1
    resources:
        mem_mb=1000,
        runtime=10,
    params:
        members=ENSEMBLES.members_of_labeller,
        code=code_of("measure_spread.py"),
    script:
        "../scripts/measure_spread.py"


rule write_ensemble_card:
    input:
        weights="results/{study}/models/{model}/weights.safetensors",
        histories=ENSEMBLES.histories,
        calibration=CALIBRATION.of_model,
    output:
        card="results/{study}/models/{model}/README.md",
        record="results/{study}/models/{model}/record.json",
    log:
        "results/{study}/logs/write_ensemble_card/{model}.log",
    benchmark:
        "results/{study}/benchmarks/write_ensemble_card/{model}.tsv"
    wildcard_constraints:
        model=one_of(STUDY.ensembles),
    conda:
        "../../envs/torch.yaml"
    threads: 1
    resources:
        mem_mb=16000,
        runtime=10,
    params:
        model=ENSEMBLES.row,
        phantom=MODELS.is_phantom,
        code=code_of("write_ensemble_card.py"),
    script:
        "../scripts/write_ensemble_card.py"
