"""Train one model; an interrupted training goes on from its last epoch."""

from pathlib import Path

from cmrseg.learn.job import train_job
from cmrseg.results.kept import kept_folder
from stage import device, start

start(snakemake)
train_job(
    snakemake.params.model,
    {key: snakemake.input[key] for key in ("slices", "start", "confidence")},
    dict(snakemake.output.items()),
    snakemake.params.code,
    Path(snakemake.output.weights).parent / ".state",
    kept_folder(snakemake.output.weights),
    device(),
)
