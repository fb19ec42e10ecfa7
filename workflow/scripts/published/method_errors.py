"""Draw the error of the ejection fraction by published method."""

from cmrseg.figures.method_errors import figure
from cmrseg.figures.style import save
from cmrseg.files import read_table
from stage import start

start(snakemake)
table = read_table(snakemake.input.kaggle_ef_error)
save(figure(table), snakemake.output.svg, snakemake.output.png)
