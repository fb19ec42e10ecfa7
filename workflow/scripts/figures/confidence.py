"""Draw confidence scores, their sets, and scores against true Dice."""

from cmrseg.figures.confidence import figure
from cmrseg.figures.style import save
from cmrseg.files import read_table
from stage import start

start(snakemake)
scores = read_table(snakemake.input.confidence)
subjects = read_table(snakemake.input.subjects)[["subject", "dice_lv", "dice_my"]]
table = scores.merge(subjects, on="subject", how="left")
save(figure(table), snakemake.output.svg, snakemake.output.png)
