# What training reads: one memory-mapped array of prepared slices per cohort, labeller and preparation.


rule make_slices:
    input:
        images=COHORTS.image_shards,
        labels=COHORTS.label_shards,
        coarse=MODELS.coarse_shards,
        passed=CHECKS.labeller_passed,
    output:
        slices=directory(
            "results/{study}/slices/{cohort}/{labeller}/{sequence}_{tissues}_{preparation}_{intensity}_{size_px}{coarse}"
        ),
    log:
        "results/{study}/logs/make_slices/{cohort}/{labeller}/{sequence}_{tissues}_{preparation}_{intensity}_{size_px}{coarse}.log",
    benchmark:
        "results/{study}/benchmarks/make_slices/{cohort}/{labeller}/{sequence}_{tissues}_{preparation}_{intensity}_{size_px}{coarse}.tsv"
    wildcard_constraints:
        sequence=one_of(MODELS.sequences()),
        tissues="[a-z_]+(-[a-z_]+)*",
        preparation="fcn|unet|minmax|zscore|joint_max|joint_max_compat|channel_max|zscore_window",
        intensity="linear|greys",
        size_px="[0-9]+",
        # The model whose labels say where the heart is, and whether they are a channel; mostly nothing.
        coarse=MODELS.coarse_endings(),
    conda:
        "../../envs/imaging.yaml"
    threads: 1
    resources:
        mem_mb=4000,
        runtime=120,
    params:
        rows=COHORTS.rows,
        coarse=MODELS.coarse_settings,
        code=code_of("make_slices.py"),
    script:
        "../scripts/make_slices.py"


# The same for networks that place points in tagged cines.
rule make_point_slices:
    input:
        images=COHORTS.image_shards,
        labels=COHORTS.label_shards,
        passed=CHECKS.labeller_passed,
    output:
        slices=directory(
            "results/{study}/slices/{cohort}/{labeller}/{sequence}_{tissues}_{preparation}_{intensity}_{size_px}"
        ),
    log:
        "results/{study}/logs/make_point_slices/{cohort}/{labeller}/{sequence}_{tissues}_{preparation}_{intensity}_{size_px}.log",
    benchmark:
        "results/{study}/benchmarks/make_point_slices/{cohort}/{labeller}/{sequence}_{tissues}_{preparation}_{intensity}_{size_px}.tsv"
    wildcard_constraints:
        sequence=one_of(MODELS.sequences()),
        tissues="[a-z_]+(-[a-z_]+)*",
        preparation="tag_frame|tag_frame_compat|tag_window|tag_window_compat",
        intensity="linear",
        size_px="[0-9]+",
    conda:
        "../../envs/torch.yaml"
    threads: 1
    resources:
        mem_mb=4000,
        runtime=120,
    params:
        rows=COHORTS.rows,
        code=code_of("make_point_slices.py"),
    script:
        "../scripts/make_point_slices.py"


rule slices_all:
    input:
        CHECKS.passed(row["cohort"] for row in STUDY.models.values()),
        [MODELS.slices_of(model) for model in STUDY.models],
