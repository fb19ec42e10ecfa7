"""Clean the DICOM studies of a shard and write one NIfTI cine per subject."""

from pathlib import Path

import pandas as pd

from cmrseg.dicom.study import import_shard
from cmrseg.files import replacing, write_table
from stage import start

start(snakemake)
rows = pd.DataFrame(snakemake.params.rows)
with replacing(snakemake.output.images) as images:
    images.mkdir()
    audit, headers = import_shard(
        rows, Path(snakemake.input.raw), images, snakemake.params.settings
    )
write_table(audit, snakemake.output.audit)
write_table(headers, snakemake.output.headers)
