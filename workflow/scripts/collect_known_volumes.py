"""Known LV volumes of a cohort in one table, whatever source they come from."""

import pandas as pd

from cmrseg.files import write_table
from cmrseg.measure.known_volumes import KNOWN_COLUMNS, kaggle_volumes
from stage import start

start(snakemake)
rows = snakemake.params.rows
if snakemake.input.raw:
    known = kaggle_volumes(rows, snakemake.input.raw)
else:
    known = pd.DataFrame(rows)[list(KNOWN_COLUMNS)]
write_table(known, snakemake.output.known)
