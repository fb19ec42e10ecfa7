"""Write a labeller's maps and measures of a cohort as DICOM SEG and SR."""

from pathlib import Path

from cmrseg.export.dicom_cohort import export_dicom
from cmrseg.export.equipment import Author
from cmrseg.files import read_table, replacing
from cmrseg.measure.labellers import LabelMaps
from cmrseg.shards import subject_folders
from stage import start

start(snakemake)
name, maps = snakemake.wildcards.labeller, snakemake.params.maps
labeller = LabelMaps(name, snakemake.wildcards.cohort, snakemake.input.labels, **maps)
volumes = [read_table(path) for path in snakemake.input.volumes]
with replacing(snakemake.output.folder) as folder:
    folder.mkdir()
    export_dicom(
        snakemake.params.rows,
        labeller,
        Author(name, snakemake.params.by),
        subject_folders(snakemake.input.images),
        [Path(path) for path in snakemake.input.raw],
        snakemake.params.layout,
        volumes[0] if volumes else None,
        folder,
    )
