"""Divide the patients of a cohort into folds."""

from cmrseg.files import write_table
from cmrseg.learn.folds import make_folds
from stage import start

start(snakemake)
folds = make_folds(snakemake.params.rows, int(snakemake.wildcards.folds))
write_table(folds, snakemake.output.folds)
