"""Write the weights of all members of an ensemble into one file."""

from cmrseg.learn.ensemble import join_weights
from stage import start

start(snakemake)
members = dict(zip(snakemake.params.members, snakemake.input.weights, strict=True))
join_weights(members, snakemake.output.weights)
