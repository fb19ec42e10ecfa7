"""Aortic areas and distensibility of a shard, as a panel sees them."""

from cmrseg.phenotypes.aorta import COLUMNS, measured
from cmrseg.phenotypes.examination import write_shard
from stage import start

start(snakemake)
asked = snakemake.params
write_shard(measured, COLUMNS, asked.rows, asked.settings, snakemake.input, snakemake.output)
