"""Draw strain of tagged slices over time, layer by layer."""

from cmrseg.figures.panel_tables import of_panels, trusted_details
from cmrseg.figures.strain_curves import figure
from cmrseg.figures.style import save
from cmrseg.files import read_table
from stage import start

start(snakemake)
settings = snakemake.params.settings
tables = map(read_table, snakemake.input.measured)
measured = of_panels(tables, settings["panels"], settings["splits"])
details = trusted_details(measured, read_table(snakemake.input.details[0]))
save(figure(details), snakemake.output.svg, snakemake.output.png)
