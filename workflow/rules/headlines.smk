# The first page of the report: what the study did, its main numbers, some figures.


rule write_headlines:
    input:
        summaries=HEADLINES.summaries,
        pictures=HEADLINES.pictures,
    output:
        page=report(
            "results/{study}/results.html",
            caption="../report/headlines.rst",
            category="0 Results",
            labels={"page": "results"},
        ),
    log:
        "results/{study}/logs/write_headlines.log",
    benchmark:
        "results/{study}/benchmarks/write_headlines.tsv"
    conda:
        "../../envs/plot.yaml"
    threads: 1
    resources:
        mem_mb=1000,
        runtime=10,
    params:
        evaluated=HEADLINES.evaluated,
        pictures=HEADLINES.picture_names,
        facts=HEADLINES.facts,
        code=code_of("write_headlines.py"),
    script:
        "../scripts/write_headlines.py"


rule headlines_all:
    input:
        HEADLINES.page(),
