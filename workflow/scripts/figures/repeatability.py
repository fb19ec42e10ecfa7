"""Draw two examinations of the same patients against each other."""

from cmrseg.figures.repeatability import figure
from cmrseg.figures.style import save
from cmrseg.files import read_table
from stage import start

start(snakemake)
pairs, labellers = read_table(snakemake.input.pairs), snakemake.params.settings["labellers"]
save(figure(pairs, labellers), snakemake.output.svg, snakemake.output.png)
