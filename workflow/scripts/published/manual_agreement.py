"""Draw the published manual labels against automatic labels and true volumes."""

from cmrseg.figures.manual_agreement import figure
from cmrseg.figures.style import save
from cmrseg.files import read_table
from stage import start

start(snakemake)
dice = read_table(snakemake.input.manual_dice)
volumes = read_table(snakemake.input.manual_volumes)
save(figure(dice, volumes), snakemake.output.svg, snakemake.output.png)
