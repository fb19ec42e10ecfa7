"""Draw predicted against true volumes by published method."""

from cmrseg.figures.style import save
from cmrseg.figures.volumes_by_method import figure
from cmrseg.files import read_table
from stage import start

start(snakemake)
table = read_table(snakemake.input.kaggle_ef_error)
save(figure(table), snakemake.output.svg, snakemake.output.png)
