# Tagged cines: points held against a reference, tables of strain, and films.


rule evaluate_points:
    input:
        labels=COHORTS.label_shards,
        reference=COHORTS.reference_shards,
        images=COHORTS.image_shards,
        passed=CHECKS.evaluation_passed,
    output:
        images="results/{study}/evaluation/{labeller}/{cohort}/images.tsv",
        subjects="results/{study}/evaluation/{labeller}/{cohort}/subjects.tsv",
        summary=report(
            "results/{study}/evaluation/{labeller}/{cohort}/summary.tsv",
            caption="../report/point_summary.rst",
            category="6 Evaluation",
            labels={
                "cohort": "{cohort}",
                "labeller": "{labeller}",
                "table": "summary",
            },
        ),
        record="results/{study}/evaluation/{labeller}/{cohort}/record.json",
    log:
        "results/{study}/logs/evaluate_points/{cohort}/{labeller}.log",
    benchmark:
        "results/{study}/benchmarks/evaluate_points/{cohort}/{labeller}.tsv"
    wildcard_constraints:
        labeller=one_of(STUDY.point_labellers),
    conda:
        "../../envs/imaging.yaml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=120,
    params:
        rows=MEASURES.evaluated_rows,
        reference=COHORTS.reference_name,
        sequence=COHORTS.sequence,
        code=code_of("evaluate_points.py"),
    script:
        "../scripts/evaluate_points.py"


rule tabulate_strain:
    input:
        details="results/{study}/cohorts/{cohort}/measures/tagging/{panel}.details.tsv",
    output:
        table=report(
            "results/{study}/cohorts/{cohort}/phenotypes/{panel}.strain.tsv",
            caption="../report/strain.rst",
            category="8 Phenotypes",
            labels={"cohort": "{cohort}", "panel": "{panel}", "table": "strain"},
        ),
    log:
        "results/{study}/logs/tabulate_strain/{cohort}/{panel}.log",
    benchmark:
        "results/{study}/benchmarks/tabulate_strain/{cohort}/{panel}.tsv"
    conda:
        "../../envs/phenotypes.yaml"
    threads: 1
    resources:
        mem_mb=1000,
        runtime=10,
    params:
        code=code_of("tabulate_strain.py"),
    script:
        "../scripts/tabulate_strain.py"


rule make_movie:
    input:
        unpack(FIGURES.inputs),
    output:
        films=report(
            directory("results/{study}/figures/{figure}"),
            patterns=["{film}.gif"],
            caption="../report/movie.rst",
            category="7 Images",
            labels={"figure": "{figure}", "film": "{film}"},
        ),
    log:
        "results/{study}/logs/make_movie/{figure}.log",
    benchmark:
        "results/{study}/benchmarks/make_movie/{figure}.tsv"
    wildcard_constraints:
        figure=one_of(STUDY.movies),
    conda:
        "../../envs/plot.yaml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=30,
    params:
        settings=FIGURES.settings,
        code=code_of("make_movie.py"),
    script:
        "../scripts/make_movie.py"
