"""Put a labeller's numbers beside published ones."""

from cmrseg.files import read_table, write_table
from cmrseg.measure.published_values import compare_values, read_published_values
from stage import start

start(snakemake)
subjects = read_table(snakemake.input.subjects)
subjects = subjects[subjects["split"].isin(snakemake.params.settings["splits"])]
published = read_published_values(snakemake.params.published)
write_table(compare_values(published, subjects), snakemake.output.table)
