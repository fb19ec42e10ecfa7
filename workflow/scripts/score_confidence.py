"""Score how well a labeller's volumes agree with the known ones."""

from cmrseg.files import read_table, write_table
from cmrseg.measure.confidence import confidence_table
from stage import start

start(snakemake)
volumes = read_table(snakemake.input.volumes)
known = read_table(snakemake.input.known)
table = confidence_table(volumes, known)
write_table(table, snakemake.output.confidence)
