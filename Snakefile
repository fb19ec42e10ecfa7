# Table of contents. The default study is the demo; another one: --configfile config/<study>.yaml;
# one folder of images: predict_all --config input=<folder> model=<folder of a model>
if not (workflow.overwrite_configfiles or "cohorts" in config or "input" in config):
    # Not read beside another file, whatever that says: Snakemake would merge the two.

    configfile: "config/config.yaml"


include: "workflow/Snakefile"


rule all:
    default_target: True
    input:
        rules.study_all.input,
