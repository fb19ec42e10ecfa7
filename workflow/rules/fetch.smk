# Raw files: made by the digital heart, or already on disk (`raw:` of a cohort).


rule make_phantom:
    output:
        raw=directory("results/{study}/phantom/{cohort}/{shard}"),
    log:
        "results/{study}/logs/make_phantom/{cohort}/{shard}.log",
    benchmark:
        "results/{study}/benchmarks/make_phantom/{cohort}/{shard}.tsv"
    conda:
        "../../envs/imaging.yaml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=30,
    params:
        settings=phantom_settings,
        layout=phantom_layout,
        rows=shard_rows,
        code=code_of("make_phantom.py"),
    script:
        "../scripts/make_phantom.py"
