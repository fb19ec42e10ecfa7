"""Draw the same hearts in every convention of strain."""

from cmrseg.figures.panel_tables import of_panels, trusted_details
from cmrseg.figures.strain_conventions import figure
from cmrseg.figures.style import save
from cmrseg.files import read_table
from cmrseg.measure.ring_conventions import conventions_table
from stage import start

start(snakemake)
settings = snakemake.params.settings
tables = map(read_table, snakemake.input.measured)
measured = of_panels(tables, settings["panels"], settings["splits"])
details = trusted_details(measured, read_table(snakemake.input.details[0]))
table = conventions_table(details)
save(figure(table, len(measured)), snakemake.output.svg, snakemake.output.png)
