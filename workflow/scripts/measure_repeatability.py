"""Measure how far two examinations of the same patient agree."""

import pandas as pd

from cmrseg.files import read_table, write_table
from cmrseg.measure.repeatability import repeatability
from stage import start

start(snakemake)
given, params = snakemake.input, snakemake.params
optional = {name: read_table(given[name]) for name in ("known", "intervals") if given.get(name)}
tables = dict(zip(params.labellers, map(read_table, given.volumes), strict=True))
pairs, summary = repeatability(tables, pd.DataFrame(params.scans), **optional)
write_table(pairs, snakemake.output.pairs)
write_table(summary, snakemake.output.summary)
