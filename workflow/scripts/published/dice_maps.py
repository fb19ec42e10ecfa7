"""Draw the Dice of every published 7T test image."""

from cmrseg.figures.image_maps import figure
from cmrseg.figures.style import save
from cmrseg.files import read_table
from stage import start

start(snakemake)
table = read_table(snakemake.input.seven_tesla_dice)
save(figure(table, "lv"), snakemake.output.svg, snakemake.output.png)
