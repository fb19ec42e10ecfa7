"""Label the cines of a shard with a model."""

from pathlib import Path

from cmrseg.files import replacing
from cmrseg.learn.label import label_shard
from stage import device, start

start(snakemake)
with replacing(snakemake.output.labels) as labels:
    labels.mkdir()
    label_shard(
        snakemake.params.model,
        snakemake.input.weights,
        Path(snakemake.input.images),
        labels,
        device(),
    )
