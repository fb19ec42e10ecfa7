"""Write slices whose split `validate` is a fold of those that are trained on."""

from cmrseg.files import read_table
from cmrseg.learn.fold_slices import divide_slices
from stage import start

start(snakemake)
divide_slices(
    snakemake.input.slices,
    read_table(snakemake.input.folds),
    int(snakemake.wildcards.fold),
    snakemake.output.slices,
)
