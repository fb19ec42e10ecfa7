"""Biplane volumes of a shard, as a panel sees them."""

from functools import partial

from cmrseg.files import write_table
from cmrseg.phenotypes.biplane import COLUMNS, measured
from cmrseg.phenotypes.examination import measure_shard, views_of
from stage import start

start(snakemake)
settings = snakemake.params.settings
table, details = measure_shard(
    snakemake.params.rows,
    views_of(settings["views"], snakemake.input),
    COLUMNS,
    partial(measured, mode=settings["mode"]),
)
write_table(table, snakemake.output.table)
write_table(details, snakemake.output.details)
