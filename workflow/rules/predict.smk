# What models make of images: `snakemake predict_all --config input=<folder> model=<folder of a model>`, or
# all label maps and volumes that the models of a study are to give.


rule predict_all:
    input:
        [
            path
            for cohort, labeller in STUDY.predicted()
            for path in shards_of(
                "results/{study}/cohorts/{cohort}/labels/{labeller}/{shard}",
                cohort,
                labeller=labeller,
            )
        ],
        [
            f"results/{STUDY.name}/cohorts/{cohort}/volumes/{labeller}.tsv"
            for cohort, labeller in STUDY.predicted()
        ],
        expand(
            "results/{study}/figures/{figure}.{suffix}",
            study=STUDY.name,
            figure=STUDY.figures_of("prediction"),
            suffix=["svg", "png"],
        ),
        converted_cards(),
