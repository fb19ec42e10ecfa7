"""Draw a measure of panels over the heartbeat."""

from cmrseg.figures.measure_curves import curves_of, figure
from cmrseg.figures.panel_tables import of_panels
from cmrseg.figures.style import save
from cmrseg.figures.tables import named
from cmrseg.files import read_table
from stage import start

start(snakemake)
settings = snakemake.params.settings
panels, measure = settings["panels"], settings["measure"]
measured = of_panels(map(read_table, snakemake.input.measured), panels, settings["splits"])
curves = [
    curves_of(measure, measured[measured["panel"] == panel], read_table(details))
    for panel, details in zip(panels, snakemake.input.details, strict=True)
]
every = {panel: int((measured["panel"] == panel).sum()) for panel in panels}
table = named(curves, panels, "panel")
save(figure(table, measure, panels, every), snakemake.output.svg, snakemake.output.png)
