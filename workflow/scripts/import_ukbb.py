"""Take a shard's zip files of UK Biobank and write a NIfTI cine per subject and sequence."""

from pathlib import Path

import pandas as pd

from cmrseg.files import replacing, write_table
from cmrseg.layouts.ukbb_dicom import import_shard
from stage import start

start(snakemake)
rows = pd.DataFrame(snakemake.params.rows)
contours = None
if snakemake.input.contours:
    contours = Path(snakemake.input.contours, snakemake.params.contours)
with replacing(snakemake.output.images) as images:
    images.mkdir()
    audit, headers = import_shard(
        rows,
        Path(snakemake.input.raw),
        images,
        snakemake.params.settings,
        snakemake.params.sequences,
        contours,
    )
write_table(audit, snakemake.output.audit)
write_table(headers, snakemake.output.headers)
