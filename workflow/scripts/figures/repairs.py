"""Draw what the repairs of the import are worth."""

from cmrseg.figures.repairs import figure
from cmrseg.figures.style import save
from cmrseg.files import read_table
from stage import start

start(snakemake)
table, labellers = read_table(snakemake.input.repairs), snakemake.params.settings["labellers"]
save(figure(table, labellers), snakemake.output.svg, snakemake.output.png)
