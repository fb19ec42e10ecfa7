"""Draw the LV volume over the cycle of some subjects."""

from cmrseg.figures.style import save
from cmrseg.figures.tables import named
from cmrseg.figures.volume_curves import TRUTH, figure
from cmrseg.files import read_table
from cmrseg.splits import upright_rows
from stage import start

start(snakemake)
settings = snakemake.params.settings
names = settings["labellers"]
paths = [snakemake.input.reference_curves, *snakemake.input.curves]
table = named(map(read_table, paths), [TRUTH, *names], "labeller")
save(figure(upright_rows(table), order=names), snakemake.output.svg, snakemake.output.png)
