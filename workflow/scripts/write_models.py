"""Write the settings of all models of a study, as their rows and recipes give them."""

import pandas as pd

from cmrseg.files import write_table
from stage import start

start(snakemake)
write_table(pd.DataFrame(snakemake.params.models), snakemake.output.table)
