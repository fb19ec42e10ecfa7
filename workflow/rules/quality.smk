# Quality of label maps without a truth: what to look at first.


rule measure_quality:
    input:
        images=COHORTS.image_shards,
        labels=COHORTS.label_shards,
        members=QUALITY.member_shards,
        passed=CHECKS.labeller_passed,
    output:
        pictures="results/{study}/cohorts/{cohort}/quality/{labeller}.pictures.tsv.gz",
        subjects="results/{study}/cohorts/{cohort}/quality/{labeller}.features.tsv",
    log:
        "results/{study}/logs/measure_quality/{cohort}/{labeller}.log",
    benchmark:
        "results/{study}/benchmarks/measure_quality/{cohort}/{labeller}.tsv"
    conda:
        "../../envs/imaging.yaml"
    threads: 1
    resources:
        mem_mb=4000,
        runtime=240,
    params:
        maps=MEASURES.labeller_maps,
        members=QUALITY.members,
        code=code_of("measure_quality.py"),
    script:
        "../scripts/measure_quality.py"


rule learn_quality:
    input:
        unpack(QUALITY.learnt_inputs),
    output:
        judge="results/{study}/cohorts/{cohort}/quality/{labeller}.judge.json",
        subjects=report(
            "results/{study}/cohorts/{cohort}/quality/{labeller}.tsv",
            caption="../report/quality.rst",
            category="0 Worth a look",
            labels={
                "cohort": "{cohort}",
                "labeller": "{labeller}",
                "table": "subjects",
            },
        ),
        slices="results/{study}/cohorts/{cohort}/quality/{labeller}.slices.tsv",
        scores="results/{study}/cohorts/{cohort}/quality/{labeller}.scores.tsv",
    log:
        "results/{study}/logs/learn_quality/{cohort}/{labeller}.log",
    benchmark:
        "results/{study}/benchmarks/learn_quality/{cohort}/{labeller}.tsv"
    wildcard_constraints:
        cohort=one_of(QUALITY.learnt_from()),
    conda:
        "../../envs/calibrate.yaml"
    threads: 1
    resources:
        mem_mb=4000,
        runtime=30,
    params:
        settings=QUALITY.settings,
        rows=QUALITY.rows,
        splits=QUALITY.splits,
        unseen=QUALITY.unseen,
        code=code_of("learn_quality.py"),
    script:
        "../scripts/learn_quality.py"


rule score_quality:
    input:
        unpack(QUALITY.scored_inputs),
    output:
        subjects=report(
            "results/{study}/cohorts/{cohort}/quality/{labeller}.tsv",
            caption="../report/quality.rst",
            category="0 Worth a look",
            labels={
                "cohort": "{cohort}",
                "labeller": "{labeller}",
                "table": "subjects",
            },
        ),
        slices="results/{study}/cohorts/{cohort}/quality/{labeller}.slices.tsv",
        scores="results/{study}/cohorts/{cohort}/quality/{labeller}.scores.tsv",
    log:
        "results/{study}/logs/score_quality/{cohort}/{labeller}.log",
    benchmark:
        "results/{study}/benchmarks/score_quality/{cohort}/{labeller}.tsv"
    wildcard_constraints:
        cohort=none_of(QUALITY.learnt_from()),
    conda:
        "../../envs/calibrate.yaml"
    threads: 1
    resources:
        mem_mb=4000,
        runtime=30,
    params:
        rows=QUALITY.rows,
        unseen=QUALITY.unseen,
        code=code_of("score_quality.py"),
    script:
        "../scripts/score_quality.py"


rule quality_all:
    input:
        CHECKS.passed(QUALITY.cohorts()),
        QUALITY.tables(),
