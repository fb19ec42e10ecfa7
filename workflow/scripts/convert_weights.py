"""Make a model's folder of a published checkpoint."""

from cmrseg.learn.convert import convert_weights
from stage import start

start(snakemake)
convert_weights(
    snakemake.wildcards.weights,
    snakemake.params.entry,
    snakemake.input.raw,
    dict(snakemake.output.items()),
    snakemake.params.code,
)
