"""Draw confidence scores, their sets, and scores against true Dice."""

from cmrseg.figures.confidence import figure, with_dice
from cmrseg.figures.style import save
from cmrseg.files import read_table
from stage import start

start(snakemake)
table = with_dice(read_table(snakemake.input.confidence), read_table(snakemake.input.subjects))
save(figure(table), snakemake.output.svg, snakemake.output.png)
