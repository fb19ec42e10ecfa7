"""Join all measures of a panel to a row per subject, also with the names of ukbb_cardiac."""

from cmrseg.files import read_table, replacing, write_table
from cmrseg.phenotypes.table import phenotypes, ukbb_phenotypes
from stage import start

start(snakemake)
measures = {path.split("/")[-2]: read_table(path) for path in snakemake.input.measures}
volumes = [read_table(path) for path in snakemake.input.volumes]
table = phenotypes(snakemake.params.rows, volumes[0] if volumes else None, measures)
write_table(table, snakemake.output.table)
with replacing(snakemake.output.ukbb) as temporary:
    ukbb_phenotypes(table).to_csv(temporary, index=False, lineterminator="\n")
