"""Draw how far cavity volumes differ in every published 7T test image."""

from cmrseg.figures.image_maps import figure
from cmrseg.figures.style import save
from cmrseg.files import read_table
from stage import start

start(snakemake)
table = read_table(snakemake.input.seven_tesla_cavity)
save(figure(table, "difference_ml"), snakemake.output.svg, snakemake.output.png)
