"""Join the audits of an annotator's labels, with what fits no subject."""

from pathlib import Path

import pandas as pd

from cmrseg.annotations.cohort import collect_audit
from cmrseg.files import write_table
from stage import start

start(snakemake)
rows = pd.DataFrame(snakemake.params.rows)
audit = collect_audit(
    rows,
    snakemake.wildcards.labeller,
    snakemake.params.settings,
    [Path(raw) for raw in snakemake.input.raw],
    snakemake.input.audits,
    snakemake.input.images,
    snakemake.input.labels,
)
write_table(audit, snakemake.output.audit)
