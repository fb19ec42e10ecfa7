"""Label the cines of a shard with a model."""

from cmrseg.kept import kept_folder
from cmrseg.learn.label import label_job
from stage import device, start

start(snakemake)
label_job(
    snakemake.params.model,
    dict(snakemake.input.items()),
    snakemake.output.labels,
    snakemake.params.code,
    kept_folder(snakemake.output.labels),
    device(),
)
