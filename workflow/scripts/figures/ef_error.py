"""Draw the error of the ejection fraction by labeller."""

from cmrseg.figures.ef_error import figure
from cmrseg.figures.style import save
from cmrseg.figures.tables import named
from cmrseg.figures.truth import against_truth
from cmrseg.files import read_table
from stage import start

start(snakemake)
settings = snakemake.params.settings
tables = named(map(read_table, snakemake.input.subjects), settings["labellers"], "labeller")
table = against_truth(tables, settings["splits"], settings["seen"], settings["ventricle"])
save(figure(table, order=settings["labellers"]), snakemake.output.svg, snakemake.output.png)
