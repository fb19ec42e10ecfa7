"""Draw measures of panels against those of the first panel."""

from cmrseg.figures.measure_agreement import figure
from cmrseg.figures.panel_tables import of_panels
from cmrseg.figures.style import save
from cmrseg.files import read_table
from stage import start

start(snakemake)
settings = snakemake.params.settings
panels = settings["panels"]
table = of_panels(map(read_table, snakemake.input.phenotypes), panels, settings["splits"])
save(figure(table, settings["columns"], panels), snakemake.output.svg, snakemake.output.png)
