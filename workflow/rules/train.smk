# One rule for every model: the FCN, base networks and their transfers are rows of the models table.


rule train_model:
    input:
        slices=MODELS.slices,
        start=MODELS.start,
        confidence=MODELS.scores,
        passed=CHECKS.model_passed,
    output:
        weights="results/{study}/models/{model}/weights.safetensors",
        history="results/{study}/models/{model}/history.tsv",
        # Without what labelling alone reads: write_card adds it.
        record="results/{study}/training/{model}/record.json",
    log:
        "results/{study}/logs/train_model/{model}.log",
    benchmark:
        "results/{study}/benchmarks/train_model/{model}.tsv"
    conda:
        "../../envs/torch.yaml"
    # One thread on a CPU: sums are then in one order and the weights the same on every machine size.
    # More models train at once instead; on a GPU this does not matter.
    threads: 1
    resources:
        gpu=1,
        # A ResNet-50 U-Net has 339 million parameters, and training keeps four times as many numbers.
        mem_mb=16000,
        runtime=1440,
    params:
        model=MODELS.training,
        state=MODELS.start_state,
        code=code_of("train_model.py"),
    script:
        "../scripts/train_model.py"


rule write_card:
    input:
        weights="results/{study}/models/{model}/weights.safetensors",
        history="results/{study}/models/{model}/history.tsv",
        record="results/{study}/training/{model}/record.json",
        calibration=CALIBRATION.of_model,
    output:
        card="results/{study}/models/{model}/README.md",
        record="results/{study}/models/{model}/record.json",
    log:
        "results/{study}/logs/write_card/{model}.log",
    benchmark:
        "results/{study}/benchmarks/write_card/{model}.tsv"
    conda:
        "../../envs/torch.yaml"
    threads: 1
    resources:
        mem_mb=4000,
        runtime=10,
    params:
        model=MODELS.row,
        phantom=MODELS.is_phantom,
        code=code_of("write_card.py"),
    script:
        "../scripts/write_card.py"


# What the rows of the models table come to with their recipes, for people; nothing is made of it.
rule write_models:
    output:
        table="results/{study}/models.tsv",
    log:
        "results/{study}/logs/write_models.log",
    benchmark:
        "results/{study}/benchmarks/write_models.tsv"
    conda:
        "../../envs/imaging.yaml"
    threads: 1
    resources:
        mem_mb=500,
        runtime=10,
    params:
        models=MODELS.rows,
        code=code_of("write_models.py"),
    script:
        "../scripts/write_models.py"


rule train_all:
    input:
        [f"results/{STUDY.name}/models.tsv"] if STUDY.models else [],
        CHECKS.passed(row["cohort"] for row in STUDY.models.values()),
        expand(
            "results/{study}/models/{model}/{file}",
            study=STUDY.name,
            model=STUDY.models,
            file=["weights.safetensors", "record.json", "README.md"],
        ),
        ENSEMBLES.files("weights.safetensors"),
        ENSEMBLES.files("record.json"),
