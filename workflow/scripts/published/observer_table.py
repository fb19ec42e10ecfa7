"""Draw the published observer table."""

from cmrseg.figures.observer_table import figure
from cmrseg.figures.style import save
from cmrseg.files import read_table
from stage import start

start(snakemake)
table = read_table(snakemake.input.observers)
save(figure(table), snakemake.output.svg, snakemake.output.png)
