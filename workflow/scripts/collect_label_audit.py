"""Join the audits of an annotator's labels; too many subjects whose labels are lost end the run."""

from pathlib import Path

import pandas as pd

from cmrseg.annotations.cohort import check_labels_lost, collect_audit
from cmrseg.files import write_table
from stage import start

start(snakemake)
rows = pd.DataFrame(snakemake.params.rows)
annotator, cohort = snakemake.wildcards.labeller, snakemake.wildcards.cohort
audit = collect_audit(
    rows,
    annotator,
    snakemake.params.settings,
    [Path(raw) for raw in snakemake.input.raw],
    snakemake.input.audits,
    snakemake.input.images,
    snakemake.input.labels,
)
write_table(audit, snakemake.output.audit)
check_labels_lost(audit, rows, snakemake.params.max_failed_fraction, annotator, cohort)
