"""Train one model; an interrupted training goes on from its last epoch."""

from pathlib import Path

from cmrseg.learn.job import train_job
from stage import device, start

start(snakemake)
train_job(
    snakemake.params.model,
    dict(snakemake.input.items()),
    dict(snakemake.output.items()),
    snakemake.params.code,
    Path(snakemake.output.weights).parent / ".state",
    device(),
)
