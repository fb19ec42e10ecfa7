"""Measure what tells about the quality of a labeller's maps without a truth."""

from cmrseg.files import write_table
from cmrseg.measure.labellers import LabelMaps
from cmrseg.quality.measuring import measure_quality
from stage import start

start(snakemake)
cohort, maps = snakemake.wildcards.cohort, snakemake.params.maps
labeller = LabelMaps(snakemake.wildcards.labeller, cohort, snakemake.input.labels, **maps)
names, shards = snakemake.params.members, len(snakemake.input.labels)
members = [
    LabelMaps(name, cohort, snakemake.input.members[i * shards : (i + 1) * shards], **maps)
    for i, name in enumerate(names)
]
pictures, subjects = measure_quality(labeller, snakemake.input.images, members)
write_table(pictures, snakemake.output.pictures)
write_table(subjects, snakemake.output.subjects)
