"""Join the tables of a measure of a panel over the shards of a cohort."""

from cmrseg.joined_tables import join_tables
from stage import start

start(snakemake)
join_tables(snakemake.input.tables, snakemake.output.table)
join_tables(snakemake.input.details, snakemake.output.details)
