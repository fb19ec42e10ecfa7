"""Write a labeller's maps and measures of a cohort as a BIDS derivative dataset."""

from cmrseg.export.bids import export_bids
from cmrseg.export.version import VERSION
from cmrseg.files import read_table, replacing
from cmrseg.measure.labellers import LabelMaps
from stage import start

start(snakemake)
names, maps = snakemake.wildcards, snakemake.params.maps
with replacing(snakemake.output.folder) as folder:
    folder.mkdir()
    export_bids(
        LabelMaps(names.labeller, names.cohort, snakemake.input.labels, **maps),
        snakemake.params.by == "MANUAL",
        read_table(snakemake.input.volumes),
        VERSION,
        folder,
    )
