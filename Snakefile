# Table of contents. The default study is the demo; another one: --configfile config/<study>.yaml;
# one folder of images: predict_all --config input=<folder> model=<folder of a model>
if "cohorts" not in config and "input" not in config:
    # Not read beside another study's file: Snakemake would merge the two.

    configfile: "config/config.yaml"


include: "workflow/Snakefile"


rule all:
    default_target: True
    input:
        rules.import_all.input,
        rules.label_all.input,
        rules.figures_all.input,
        rules.evaluate_all.input,
        rules.train_all.input,
        rules.confidence_all.input,
        rules.volumes_all.input,
        rules.predict_all.input,
