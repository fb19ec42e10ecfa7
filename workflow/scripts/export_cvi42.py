"""Write a labeller's maps of a cohort as contours in workspaces of cvi42."""

from pathlib import Path

from cmrseg.export.cvi42_cohort import export_cvi42
from cmrseg.files import replacing
from cmrseg.measure.labellers import LabelMaps
from cmrseg.shards import subject_folders
from stage import start

start(snakemake)
names, maps = snakemake.wildcards, snakemake.params.maps
with replacing(snakemake.output.folder) as folder:
    folder.mkdir()
    export_cvi42(
        snakemake.params.rows,
        LabelMaps(names.labeller, names.cohort, snakemake.input.labels, **maps),
        subject_folders(snakemake.input.images),
        [Path(path) for path in snakemake.input.raw],
        snakemake.params.layout,
        folder,
    )
