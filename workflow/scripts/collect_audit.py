"""Join the audits and headers of a cohort's shards; too many lost subjects end the run."""

import pandas as pd

from cmrseg.dicom.audit import check_losses
from cmrseg.files import read_table, write_table
from stage import start

start(snakemake)
audit = pd.concat([read_table(path) for path in snakemake.input.audits], ignore_index=True)
headers = pd.concat([read_table(path) for path in snakemake.input.headers], ignore_index=True)
write_table(audit, snakemake.output.audit)
write_table(headers, snakemake.output.headers)
check_losses(
    audit,
    [row["subject"] for row in snakemake.params.rows],
    snakemake.params.max_failed_fraction,
    f"cohort {snakemake.wildcards.cohort}",
)
