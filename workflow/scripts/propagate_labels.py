"""Carry the labels that an annotator drew in some frames of a shard's cines to all frames."""

from pathlib import Path

from cmrseg.annotations.propagated import propagate_shard
from cmrseg.files import replacing
from stage import start

start(snakemake)
with replacing(snakemake.output.labels) as labels:
    labels.mkdir()
    propagate_shard(
        Path(snakemake.input.images),
        Path(snakemake.input.drawn),
        labels,
        snakemake.params.sequence,
    )
