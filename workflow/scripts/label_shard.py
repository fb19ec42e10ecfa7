"""Label the cines of a shard with a model."""

from cmrseg.learn.label import label_job
from cmrseg.results.kept import kept_folder
from stage import device, start

start(snakemake)
label_job(
    snakemake.params.model,
    {key: snakemake.input[key] for key in ("images", "weights", "folds", "coarse")},
    snakemake.output.labels,
    snakemake.params.code,
    kept_folder(snakemake.output.labels),
    device(),
)
