"""Take a shard's end-diastolic and end-systolic NIfTI images as cines of two frames."""

from pathlib import Path

import pandas as pd

from cmrseg.files import replacing, write_table
from cmrseg.nifti import import_shard
from stage import start

start(snakemake)
rows = pd.DataFrame(snakemake.params.rows)
with replacing(snakemake.output.images) as images:
    images.mkdir()
    audit, headers = import_shard(rows, Path(snakemake.input.raw), images)
write_table(audit, snakemake.output.audit)
write_table(headers, snakemake.output.headers)
