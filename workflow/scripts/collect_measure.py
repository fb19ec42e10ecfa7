"""Join the tables of a measure of a panel over the shards of a cohort."""

import pandas as pd

from cmrseg.files import read_table, write_table
from stage import start

start(snakemake)
for name, paths in (("table", snakemake.input.tables), ("details", snakemake.input.details)):
    tables = [read_table(path) for path in paths]
    write_table(pd.concat(tables, ignore_index=True), snakemake.output[name])
