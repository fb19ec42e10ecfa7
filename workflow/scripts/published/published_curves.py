"""Draw the published learning curves of the full 7T training set."""

from cmrseg.figures.published_curves import base_dice, figure
from cmrseg.figures.style import save
from cmrseg.files import read_table
from stage import start

start(snakemake)
table = read_table(snakemake.input.learning_curves)
smoothed = read_table(snakemake.input.smoothed_curves)
base = base_dice(read_table(snakemake.input.seven_tesla_dice))
save(figure(table, smoothed, base), snakemake.output.svg, snakemake.output.png)
