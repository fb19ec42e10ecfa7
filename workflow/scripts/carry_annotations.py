"""Carry an annotator's labels of a shard to the grids of the imported cines."""

from pathlib import Path

import pandas as pd

from cmrseg.annotations.carry import carry_shard
from cmrseg.files import replacing, write_table
from stage import start

start(snakemake)
with replacing(snakemake.output.labels) as labels:
    labels.mkdir()
    audit = carry_shard(
        pd.DataFrame(snakemake.params.rows),
        snakemake.wildcards.labeller,
        snakemake.params.settings,
        Path(snakemake.input.raw),
        Path(snakemake.input.images),
        labels,
    )
write_table(audit, snakemake.output.audit)
