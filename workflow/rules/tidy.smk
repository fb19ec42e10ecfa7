# What the study no longer names, and its results still hold: listed, or with `--config tidy=remove` removed.


# It makes nothing, and runs whenever it is asked for.
rule tidy:
    log:
        expand("results/{study}/logs/tidy.log", study=STUDY.name),
    # On a cluster, too, results are removed by the machine that runs Snakemake.
    localrule: True
    conda:
        "../../envs/imaging.yaml"
    threads: 1
    resources:
        mem_mb=500,
        runtime=30,
    params:
        folder=f"results/{STUDY.name}",
        unnamed=RESULTS.unnamed,
        action=STUDY.config["tidy"],
        code=code_of("tidy.py"),
    script:
        "../scripts/tidy.py"
