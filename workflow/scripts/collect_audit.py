"""Join the audits and headers of a cohort's shards."""

from cmrseg.joined_tables import join_tables
from stage import start

start(snakemake)
join_tables(snakemake.input.audits, snakemake.output.audit)
join_tables(snakemake.input.headers, snakemake.output.headers)
