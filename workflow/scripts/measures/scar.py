"""Scar and oedema by segment of a shard, as a panel sees them."""

from cmrseg.phenotypes.examination import write_shard
from cmrseg.phenotypes.scar import COLUMNS, measured
from stage import start

start(snakemake)
asked = snakemake.params
write_shard(measured, COLUMNS, asked.rows, asked.settings, snakemake.input, snakemake.output)
