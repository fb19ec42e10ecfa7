"""Draw bull's eyes of what panels measure by AHA segment."""

from cmrseg.figures.bulls_eye import figure
from cmrseg.figures.panel_tables import of_panels
from cmrseg.figures.style import save
from cmrseg.files import read_table
from cmrseg.phenotypes.columns import SEGMENTAL
from stage import start

start(snakemake)
settings = snakemake.params.settings
panels = settings["panels"]
table = of_panels(map(read_table, snakemake.input.phenotypes), panels, settings["splits"])
quantities = [SEGMENTAL[key] for key in settings["columns"]]
save(figure(table, quantities, panels), snakemake.output.svg, snakemake.output.png)
