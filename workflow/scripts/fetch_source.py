"""Fetch the raw files of a source; an interrupted download goes on where it stopped."""

from pathlib import Path

from cmrseg.fetch.sources import fetch
from stage import start

start(snakemake)
fetch(
    snakemake.wildcards.source,
    snakemake.params.entry,
    snakemake.params.files,
    snakemake.output.folder,
    Path("resources/downloads") / snakemake.wildcards.source,
)
