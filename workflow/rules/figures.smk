# A figure is a function of tables: an entry of `figures:` names what is drawn and of which cohort.
from study.wiring.figures import VIEWER_FILES


rule draw_figure:
    input:
        unpack(FIGURES.inputs),
    output:
        svg=report(
            "results/{study}/figures/{figure}.svg",
            caption="../report/figure.rst",
            category=FIGURES.category,
            labels=FIGURES.labels,
        ),
        png="results/{study}/figures/{figure}.png",
    log:
        "results/{study}/logs/draw_figure/{figure}.log",
    benchmark:
        "results/{study}/benchmarks/draw_figure/{figure}.tsv"
    wildcard_constraints:
        figure=one_of(STUDY.data_figures),
    conda:
        "../../envs/plot.yaml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=30,
    params:
        figure=FIGURES.kind,
        settings=FIGURES.settings,
        code=FIGURES.code,
    script:
        "../scripts/figures/{params.figure}.py"


rule make_viewer:
    input:
        unpack(FIGURES.inputs),
    output:
        page=report(
            "results/{study}/figures/{figure}.html",
            caption="../report/viewer.rst",
            category="7 Images",
            labels={"figure": "slices and frames"},
        ),
    log:
        "results/{study}/logs/make_viewer/{figure}.log",
    benchmark:
        "results/{study}/benchmarks/make_viewer/{figure}.tsv"
    wildcard_constraints:
        figure=one_of(STUDY.viewers),
    conda:
        "../../envs/plot.yaml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=30,
    params:
        settings=FIGURES.settings,
        code=code_of("make_viewer.py", *VIEWER_FILES),
    script:
        "../scripts/make_viewer.py"


rule figures_all:
    input:
        CHECKS.passed(entry["cohort"] for entry in STUDY.config["figures"].values()),
        expand(
            "results/{study}/figures/{figure}.{suffix}",
            study=STUDY.name,
            figure=STUDY.data_figures,
            suffix=["svg", "png"],
        ),
        expand(
            "results/{study}/figures/{figure}.html",
            study=STUDY.name,
            figure=STUDY.viewers,
        ),
        expand(
            "results/{study}/figures/{figure}",
            study=STUDY.name,
            figure=STUDY.movies,
        ),
