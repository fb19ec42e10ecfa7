"""Draw how many labelled images the published transfer learning needed."""

from cmrseg.figures.data_requirements import figure
from cmrseg.figures.style import save
from cmrseg.files import read_table
from stage import start

start(snakemake)
table = read_table(snakemake.input.learning_curves)
smoothed = read_table(snakemake.input.smoothed_curves)
save(figure(table, smoothed), snakemake.output.svg, snakemake.output.png)
