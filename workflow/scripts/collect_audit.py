"""Join the audits and headers of a cohort's shards."""

import pandas as pd

from cmrseg.files import read_table, write_table
from stage import start

start(snakemake)
audit = pd.concat([read_table(path) for path in snakemake.input.audits], ignore_index=True)
headers = pd.concat([read_table(path) for path in snakemake.input.headers], ignore_index=True)
write_table(audit, snakemake.output.audit)
write_table(headers, snakemake.output.headers)
