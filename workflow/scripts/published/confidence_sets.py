"""Draw who is in the published confidence sets."""

from cmrseg.figures.confidence_sets import figure
from cmrseg.figures.style import save
from cmrseg.files import read_table
from stage import start

start(snakemake)
table = read_table(snakemake.input.kaggle_metadata)
save(figure(table), snakemake.output.svg, snakemake.output.png)
