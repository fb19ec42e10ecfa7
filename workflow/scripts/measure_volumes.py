"""Measure volume curves and ventricular function of a cohort, as one labeller sees it."""

from cmrseg.files import write_table
from cmrseg.measure.cohort_volumes import measure_volumes
from cmrseg.measure.labellers import LabelMaps
from stage import start

start(snakemake)
splits = {row["subject"]: row["split"] for row in snakemake.params.rows}
labeller = LabelMaps(
    snakemake.wildcards.labeller,
    snakemake.wildcards.cohort,
    snakemake.input.labels,
    **snakemake.params.maps,
)
volumes, curves = measure_volumes(labeller, splits, snakemake.params.settings["ed"])
write_table(volumes, snakemake.output.volumes)
write_table(curves, snakemake.output.curves)
