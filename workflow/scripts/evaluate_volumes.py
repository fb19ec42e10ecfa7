"""Hold a labeller's volumes of a cohort against the known ones."""

from cmrseg.files import read_table, write_table
from cmrseg.measure.known_agreement import against_known
from stage import start

start(snakemake)
subjects, summary = against_known(
    read_table(snakemake.input.volumes), read_table(snakemake.input.known)
)
write_table(subjects, snakemake.output.subjects)
write_table(summary, snakemake.output.summary)
