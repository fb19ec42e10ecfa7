"""Draw volumes and ejection fraction of each labeller against the truth."""

from cmrseg.figures.style import save
from cmrseg.figures.tables import named
from cmrseg.figures.truth import against_truth
from cmrseg.figures.volume_agreement import figure
from cmrseg.files import read_table
from stage import start

start(snakemake)
settings = snakemake.params.settings
tables = named(map(read_table, snakemake.input.subjects), settings["labellers"], "labeller")
table = against_truth(tables, settings["splits"], settings["seen"], settings["ventricle"])
drawn = figure(table, settings["labellers"], settings["ventricle"])
save(drawn, snakemake.output.svg, snakemake.output.png)
