# The published study: every number and figure from the published tables, which are fetched, or are in the folder
# that the study names in `published_tables`.
from study.wiring.published import (
    PUBLISHED_FIGURES,
    PUBLISHED_NUMBERS,
    published_figure_code,
    published_figure_tables,
    published_numbers,
)


rule recompute_published:
    input:
        tables=STUDY.config["published_tables"],
    output:
        numbers=report(
            "results/published/numbers.tsv",
            caption="../report/numbers.rst",
            category="8 Published study",
            labels={"table": "numbers"},
        ),
        kaggle_ef_error="results/published/kaggle_ef_error.tsv",
        kaggle_metadata="results/published/kaggle_metadata.tsv",
        manual_dice="results/published/manual_dice.tsv",
        manual_volumes="results/published/manual_volumes.tsv",
        seven_tesla_dice="results/published/seven_tesla_dice.tsv",
        seven_tesla_cavity="results/published/seven_tesla_cavity.tsv",
        observers="results/published/observers.tsv",
        learning_curves="results/published/learning_curves.tsv",
        smoothed_curves="results/published/smoothed_curves.tsv",
    log:
        "results/published/logs/recompute_published.log",
    benchmark:
        "results/published/benchmarks/recompute_published.tsv"
    conda:
        "../../envs/imaging.yaml"
    threads: 1
    resources:
        mem_mb=4000,
        runtime=30,
    params:
        published=published_numbers,
        code=code_of("recompute_published.py", *PUBLISHED_NUMBERS),
    script:
        "../scripts/recompute_published.py"


rule calibrate_published:
    input:
        tables=STUDY.config["published_tables"],
    output:
        volumes="results/published/calibrated_volumes.tsv",
        distributions="results/published/calibrated_distributions.csv",
        scores=report(
            "results/published/calibration_scores.tsv",
            caption="../report/calibration.rst",
            category="8 Published study",
            labels={"table": "calibration"},
        ),
    log:
        "results/published/logs/calibrate_published.log",
    benchmark:
        "results/published/benchmarks/calibrate_published.tsv"
    conda:
        "../../envs/calibrate.yaml"
    threads: 1
    resources:
        mem_mb=4000,
        runtime=60,
    params:
        code=code_of("calibrate_published.py"),
    script:
        "../scripts/calibrate_published.py"


rule draw_published:
    input:
        unpack(published_figure_tables),
    output:
        svg=report(
            "results/published/figures/{drawn}.svg",
            caption="../report/published.rst",
            category="8 Published study",
            labels={"figure": "{drawn}"},
        ),
        png="results/published/figures/{drawn}.png",
    log:
        "results/published/logs/draw_published/{drawn}.log",
    benchmark:
        "results/published/benchmarks/draw_published/{drawn}.tsv"
    wildcard_constraints:
        drawn=one_of(PUBLISHED_FIGURES),
    conda:
        "../../envs/plot.yaml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=30,
    params:
        drawn="{drawn}",
        code=published_figure_code,
    script:
        "../scripts/published/{params.drawn}.py"


rule published:
    input:
        "results/published/numbers.tsv",
        "results/published/calibration_scores.tsv",
        expand(
            "results/published/figures/{drawn}.{suffix}",
            drawn=PUBLISHED_FIGURES,
            suffix=["svg", "png"],
        ),
