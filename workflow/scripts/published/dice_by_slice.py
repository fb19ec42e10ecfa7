"""Draw the Dice of the published 7T methods along the stacks."""

from cmrseg.figures.dice_by_slice import figure
from cmrseg.figures.style import save
from cmrseg.files import read_table
from stage import start

start(snakemake)
table = read_table(snakemake.input.seven_tesla_dice)
save(figure(table), snakemake.output.svg, snakemake.output.png)
