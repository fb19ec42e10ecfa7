"""Write a labeller's maps of a cohort as the MyoPS challenge takes them."""

from pathlib import Path

from cmrseg.files import replacing
from cmrseg.layouts.myops_export import export_cohort
from cmrseg.shards import labelled_folders
from stage import start

start(snakemake)
names = snakemake.wildcards.cohort, snakemake.wildcards.labeller
with replacing(snakemake.output.folder) as folder:
    folder.mkdir()
    export_cohort(
        snakemake.params.rows,
        labelled_folders(snakemake.input.labels, *names),
        [Path(path) for path in snakemake.input.raw],
        folder=folder,
        **snakemake.params.settings,
    )
