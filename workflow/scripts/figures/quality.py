"""Draw how good the order of a labeller's maps without a truth is."""

from cmrseg.figures.quality import figure
from cmrseg.figures.style import save
from cmrseg.files import read_table
from stage import start

start(snakemake)
settings = snakemake.params.settings
tables = [read_table(snakemake.input[name]) for name in ("subjects", "slices")]
shown = [table[table["split"].isin(settings["splits"])] for table in tables]
save(figure(*shown, settings["threshold"]), snakemake.output.svg, snakemake.output.png)
