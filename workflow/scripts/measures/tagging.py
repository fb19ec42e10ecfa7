"""Strain by tagging of a shard, as a panel sees them."""

from cmrseg.phenotypes.examination import write_shard
from cmrseg.phenotypes.tagging import COLUMNS, measured
from stage import start

start(snakemake)
asked = snakemake.params
write_shard(measured, COLUMNS, asked.rows, asked.settings, snakemake.input, snakemake.output)
